"""A registered run becomes weights that the package carries."""

import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pipelines import paths
from pipelines.operations import release
from pipelines.tracking import lineage, runs, store
from pipelines.tracking.client import connect
from restereo.digests import file_sha256
from restereo.errors import UserError
from restereo.image import Image
from restereo.inference import lookup
from restereo.inference.engine import load_run
from restereo.methods import parse
from restereo.training.run_folder import read_weights
from restereo.training.trainer import train_recipe
from tests.conftest import smooth_picture
from tests.restereo.training.test_loop import params


@pytest.fixture(scope="module")
def trained(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    train_recipe(params(), "tiny", scenes, root / paths.run("tiny"), root / "live", quiet=True)
    return root


LINEAGE = {name: f"{name} then" for name in release.KEPT} | {store.KEY: "key"}


@pytest.fixture
def project(trained: Path, tmp_path: Path, empty_database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose run `tiny` is registered on a server, and a package without weights yet."""
    monkeypatch.chdir(trained)
    monkeypatch.setattr(lookup, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(runs, "content_key_of", lambda *_: "key")
    monkeypatch.setattr(store, "peek", lambda *_: None)  # as with every store but a sqlite file
    shutil.copy(empty_database, tmp_path / "mlflow.db")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    client = connect()
    client.create_registered_model("anaglyph")
    tags = {store.LOADED: "true", "recipe": "tiny"} | LINEAGE
    client.create_model_version("anaglyph", str(tmp_path / "model"), tags=tags)
    return tmp_path


def test_released_weights_are_half_the_bytes_and_predict_the_same(project: Path) -> None:
    file = release.release("tiny")
    assert {tensor.dtype for tensor in read_weights(file).values()} == {torch.float16}
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["sha256"] == file_sha256(file)
    assert card["parameters"] == sum(tensor.numel() for tensor in read_weights(file).values())
    picture = smooth_picture(0, 40, 48)
    ours, theirs = (
        run.restore(Image(picture), parse("red-cyan"))
        for run in (lookup.find_model("tiny"), load_run(paths.run("tiny")))
    )
    assert np.abs(ours.left.astype(int) - theirs.left).max() <= 1
    assert lookup.released() == ["tiny"]


def test_no_card_says_where_a_machine_keeps_its_files(project: Path) -> None:
    start = {"file": str(project / "first.safetensors"), "sha256": "1f"}
    config = {"row": {"train": {"start": start}}, "train": {"start": start, "steps": 2}, "seed": 0}
    named = {"file": "first.safetensors", "sha256": "1f"}
    card = release.named_start(config)
    assert card == {"row": {"train": {"start": named}}, "train": {"start": named, "steps": 2}, "seed": 0}
    assert release.named_start({"train": {"start": None}}) == {"train": {"start": None}}


def test_the_figures_are_those_of_the_stored_file(project: Path) -> None:
    folder = project / "pairs" / "scene"
    folder.mkdir(parents=True)
    for seed, eye in enumerate(("left", "right")):
        cv2.imwrite(str(folder / f"{eye}.png"), smooth_picture(seed, 40, 48)[..., ::-1])
    file = release.release("tiny", project / "pairs")
    figures = json.loads(file.with_suffix(".json").read_text())["figures"]
    assert set(figures) == {"clean", "jpeg85"}
    assert figures["clean"]["scenes"]["scene"]["missing_psnr"] == figures["clean"]["mean"]["missing_psnr"] > 5


def test_the_lineage_is_that_of_the_version_not_of_the_files_here(project: Path) -> None:
    card = json.loads(release.release("tiny").with_suffix(".json").read_text())
    assert card["lineage"] == LINEAGE


def test_released_weights_are_no_change_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what is registered after the first release would count as code that no revision holds."""
    monkeypatch.chdir(tmp_path)
    Path("restereo/weights").mkdir(parents=True)
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    Path("restereo/weights/tiny.json").touch()
    assert lineage.work_tree()["git_dirty"] == "false"
    Path("restereo/code.py").touch()
    assert lineage.work_tree()["git_dirty"] == "true"


def test_what_is_not_registered_is_not_released(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "content_key_of", lambda *_: "another")
    with pytest.raises(UserError, match="tiny: not registered"):
        release.release("tiny")
    assert lookup.released() == []


def test_a_large_network_is_not_released(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "MOST_PARAMETERS", 10)
    with pytest.raises(UserError, match="parameters, at most 10 are released"):
        release.release("tiny")
