"""A version's figures come out again from its own revision, and whatever stands in the way is named."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.environment import ENVIRONMENT
from pipelines.operations import reproduce
from pipelines.tracking import store
from pipelines.tracking.client import connect
from restereo.errors import UserError

CODE = {
    "pipelines/__init__.py": "",
    "restereo/__init__.py": "",
    "restereo/training/__init__.py": "",
    "restereo/config.py": """
import json
from types import SimpleNamespace as Space
class Row(Space):
    def model_dump(self): return vars(self)
def load_params():
    content = json.load(open("params.yaml"))
    return Space(seed=content["seed"], recipe=lambda _: Row(task="anaglyph", model="unet"),
                 train_of=lambda _: Row(steps=content["steps"]))
""",
    "restereo/training/trainer.py": """
import hashlib
def data_sha256(folder): return hashlib.sha256((folder / "index.json").read_bytes()).hexdigest()
""",
    "pipelines/stages/evaluate.py": """
import json, sys
from pathlib import Path
weight = float(Path("data/runs/mine/weights.safetensors").read_text())
scenes = len(Path("data/pairs/anaglyph/index.json").read_text())
figures = {"clean": {sys.argv[1]: {"missing_psnr": weight + scenes + FACTOR, "epe": None}}}
file = Path("data/evaluation/anaglyph/mine.json")
file.parent.mkdir(parents=True, exist_ok=True)
file.write_text(json.dumps({"variants": figures}))
""",
    "dvc.yaml": """
stages:
  synthesize:
    foreach: {anaglyph: 1}
    do:
      cmd: mkdir -p data/pairs/anaglyph && cp material data/pairs/anaglyph/index.json && echo made >> ../made
      deps: [material]
      outs: ["data/pairs/${key}"]
  evaluate:
    foreach: {mine: 1}
    do:
      cmd: python -m pipelines.stages.evaluate ${key}
      deps: [data/pairs/anaglyph, data/runs/mine]
      metrics: [{data/evaluation/anaglyph/mine.json: {cache: false}}]
""",
    "material": "twelve bytes",
    "params.yaml": '{"seed": 0, "steps": 3}',
    ".gitignore": "/data\n",
}
DATA_SHA256 = hashlib.sha256(b"twelve bytes").hexdigest()


def run(*command: str) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env=os.environ | ENVIRONMENT
    ).stdout.strip()


def commit() -> str:
    run("git", "add", "-A")
    run("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "work")
    return run("git", "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A project whose first revision made a run, and whose second measures otherwise; and the first revision."""
    root = tmp_path_factory.mktemp("history") / "project"
    for name, text in CODE.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("FACTOR", "0.5"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        run("git", "init", "-q")
        run(sys.executable, "-m", "dvc", "init", "-q")
        run(sys.executable, "-m", "dvc", "repro", "-q", "synthesize@anaglyph")
        first = commit()
        (root / "pipelines" / "stages" / "evaluate.py").write_text(
            CODE["pipelines/stages/evaluate.py"].replace("FACTOR", "9.0")
        )
        commit()
    return root, first


@pytest.fixture
def project(
    history: tuple[Path, str], empty_database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, str]:
    """The project with an MLflow store of its own, and the revision that its version says."""
    database = tmp_path / "mlflow.db"
    shutil.copy(empty_database, database)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{database}")
    monkeypatch.chdir(history[0])
    return history[0], history[1]


def registered(tmp_path: Path, revision: str, figure: float = 20.0 + 12 + 0.5, **changed: Any) -> None:
    """Version 1 of the model, whose weights are the number 20."""
    client = connect()
    model = tmp_path / "model" / "artifacts"
    model.mkdir(parents=True)
    config = {"row": {"task": "anaglyph", "model": "unet"}, "train": {"steps": 3}, "seed": 0}
    (model / "config.json").write_text(json.dumps(config))
    (model / "weights.safetensors").write_text("20")
    experiment = client.create_experiment("anaglyph", (tmp_path / "artifacts").as_uri())
    run_id = client.create_run(experiment).info.run_id
    evaluation = {"variants": {"clean": {"mine": {"missing_psnr": figure, "epe": None}}}}
    for folder, name, content in (("evaluation", "mine", evaluation), ("run", "environment", {"packages": {}})):
        file = tmp_path / f"{name}.json"
        file.write_text(json.dumps(content))
        client.log_artifact(run_id, str(file), folder)
    tags = {
        "recipe": "mine",
        "git_rev": revision,
        "git_dirty": "false",
        "data_sha256": DATA_SHA256,
        store.LOADED: "true",
    }
    client.create_registered_model("anaglyph")
    client.create_model_version("anaglyph", str(model.parent), run_id, tags=tags | {store.KEY: "key"} | changed)


def test_a_fresh_clone_of_its_revision_gives_its_figures(project: tuple[Path, str], tmp_path: Path) -> None:
    root, revision = project
    registered(tmp_path, revision, figure=32.52)
    made = (root.parent / "made").read_text()
    outcome = reproduce.reproduce("anaglyph", 1, tmp_path / "again", tolerance=0.05)
    assert [(one.name, one.then, one.now) for one in outcome.differences] == [
        ("clean/mine/missing_psnr", 32.52, 32.5), ("clean/mine/epe", None, None)
    ]  # fmt: skip
    assert "2 test figures of revision" in outcome.message and "at most 0.0200 apart" in outcome.message
    assert (root.parent / "made").read_text() == made  # the data came from the cache, by their hash
    assert not (tmp_path / "made").exists()
    assert run("git", "-C", str(tmp_path / "again"), "rev-parse", "HEAD") == revision
    assert not run("git", "status", "--porcelain")  # nothing was touched here
    with pytest.raises(UserError, match="again: it exists; name a folder that does not"):
        reproduce.reproduce("anaglyph", 1, tmp_path / "again")


def test_other_figures_are_told(project: tuple[Path, str], tmp_path: Path) -> None:
    registered(tmp_path, project[1], figure=32.52)
    with pytest.raises(
        UserError, match=r"1 of 2 test figures differ by more than 0\.01 \(clean/mine/missing_psnr was 32"
    ):
        reproduce.reproduce("anaglyph", 1)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"git_dirty": "true"},
            "it was registered with uncommitted changes, so no revision holds its code; commit",
        ),
        ({"git_dirty": "unknown"}, "it was registered where git knew no revision"),
        ({"train_git_rev": "a" * 40, "train_git_dirty": "true"}, "it was trained with uncommitted changes"),
        ({"git_rev": "b" * 40}, "revision b{40} is not in this clone; run `git fetch --all` first"),
    ],
)
def test_what_no_revision_holds_is_refused(
    project: tuple[Path, str], tmp_path: Path, changed: dict[str, str], message: str
) -> None:
    registered(tmp_path, project[1], **changed)
    with pytest.raises(UserError, match=message):
        reproduce.reproduce("anaglyph", 1)


def test_other_data_or_parameters_are_refused() -> None:
    version = store.Version("anaglyph", 1, "run", "key", "mine", (), "")
    facts = {"row": {"model": "unet"}, "train": {"steps": 3}, "seed": 0, "data_sha256": DATA_SHA256}
    tags, config = {"data_sha256": DATA_SHA256}, {"row": {"model": "unet"}, "train": {"steps": 3}, "seed": 0}
    reproduce.check_same(version, tags, config, facts)
    with pytest.raises(UserError, match=r"its data were c{12}, this revision makes"):
        reproduce.check_same(version, {"data_sha256": "c" * 64}, config, facts)
    with pytest.raises(UserError, match=r"params\.yaml of its revision has another 'train' for 'mine'"):
        reproduce.check_same(version, tags, config | {"train": {"steps": 4}}, facts)


def test_an_unknown_version_is_named(project: tuple[Path, str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"anaglyph: no version 7 in sqlite:.*there are: none; register one first"):
        reproduce.reproduce("anaglyph", 7)
