"""A registered run becomes weights that the package carries."""

import json
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from pipelines import paths, record, release, store
from restereo.errors import UserError
from restereo.inference import contender
from restereo.inference.predictor import load_run
from restereo.training.run_folder import file_sha256, read_weights
from restereo.training.trainer import train_recipe
from tests.code.training.test_loop import params
from tests.conftest import smooth_picture


@pytest.fixture(scope="module")
def trained(scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    train_recipe(params(), "tiny", scenes, root / paths.run("tiny"), root / "live", quiet=True)
    return root


@pytest.fixture
def project(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose run `tiny` is registered, and a package without weights yet."""
    monkeypatch.chdir(trained)
    monkeypatch.setattr(contender, "WEIGHTS", tmp_path / "weights")
    monkeypatch.setattr(record, "read", lambda *_: SimpleNamespace(content_key="key", tags=defaultdict(str)))
    monkeypatch.setattr(store, "peek", lambda *_: "version 1")
    return tmp_path


def test_released_weights_are_half_the_bytes_and_predict_the_same(project: Path) -> None:
    file = release.release("tiny")
    assert {tensor.dtype for tensor in read_weights(file).values()} == {torch.float16}
    card = json.loads(file.with_suffix(".json").read_text())
    assert card["sha256"] == file_sha256(file)
    assert card["parameters"] == sum(tensor.numel() for tensor in read_weights(file).values())
    picture = smooth_picture(0, 40, 48)
    ours, theirs = (
        run.restore(picture, "red-cyan") for run in (contender.find_restorer("tiny"), load_run(paths.run("tiny")))
    )
    assert np.abs(ours.left.astype(int) - theirs.left).max() <= 1
    assert contender.released() == ["tiny"]


def test_no_card_says_where_a_machine_keeps_its_files(project: Path) -> None:
    start = {"file": str(project / "first.safetensors"), "sha256": "1f"}
    config = {"row": {"train": {"start": start}}, "train": {"start": start, "steps": 2}, "seed": 0}
    named = {"file": "first.safetensors", "sha256": "1f"}
    told = release.named_start(config)
    assert told == {"row": {"train": {"start": named}}, "train": {"start": named, "steps": 2}, "seed": 0}
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


def test_what_is_not_registered_is_not_released(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "peek", lambda *_: None)
    with pytest.raises(UserError, match="tiny: not registered"):
        release.release("tiny")
    assert contender.released() == []


def test_a_large_network_is_not_released(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "MOST_PARAMETERS", 10)
    with pytest.raises(UserError, match="parameters, at most 10 are released"):
        release.release("tiny")
