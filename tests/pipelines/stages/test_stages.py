"""The stages one after the other on the embedded pictures, in a folder of their own."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import grimp
import numpy as np
import pytest
import yaml

from pipelines import paths
from pipelines.environment import DVC, ENVIRONMENT
from pipelines.flows import graph
from pipelines.operations import lock_check
from pipelines.stages import evaluate, synthesize
from pipelines.tracking import runs, store
from restereo import catalog
from restereo.config import Params, load_params, parse_params
from restereo.errors import UserError
from restereo.training.shards import write_split
from restereo.training.trainer import make_task
from tests.conftest import ROOT

TINY = {
    "seed": 0,
    "sources": {"builtin": {}},
    "tasks": {"anaglyph": {"sources": ["builtin"]}},
    "recipes": {
        "tiny": {
            "task": "anaglyph",
            "kind": "anaglyph",
            "model": "unet",
            "objective": "pixel",
            "model_options": {"size": "tiny"},
        }
    },
    "download": {},
    "validate": {},
    "synthesize": {
        "scenes": {"train": 4, "validation": 2, "test": 2},
        "size": [64, 80],
        "max_disparity": 10.0,
        "degradations": {},
    },
    "train": {"steps": 4, "batch": 2, "crop": 32, "validate_every": 2, "threads": 1},
    "evaluate": {"pictures": 2, "jpeg_quality": 85},
    "report": {},
}
"""All keys that dvc.yaml names must be there."""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project folder in which `download` and `validate` have run."""

    from pipelines.stages import download, validate

    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("params.yaml").write_text(yaml.safe_dump(TINY))
        download.main("builtin")
        validate.main()
    return folder


@pytest.fixture
def here(project, monkeypatch) -> Path:
    monkeypatch.chdir(project)
    return project


@pytest.fixture(scope="module")
def pairs(project) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        synthesize.main("anaglyph")
    return project / paths.pairs("anaglyph")


def test_the_frozen_test_set_is_motorcycle_and_scenes_of_photos_that_training_never_saw(here, pairs):
    index = json.loads((pairs / "index.json").read_text())
    names = {split: [row["name"] for row in rows] for split, rows in index["splits"].items()}
    assert names["test"] == ["builtin-motorcycle", "generated-00000", "generated-00001"]
    assert len(names["train"]) == 4 and len(names["validation"]) == 2
    with paths.MANIFEST.open() as stream:
        splits = {row["name"]: row["split"] for row in csv.DictReader(stream)}
    assert len(set(splits.values())) == 3 and splits["motorcycle"] == "test"
    assert list(index["splits"]["test"][0]["variants"]) == ["clean", "jpeg85"]
    assert index["splits"]["train"][0]["variants"] == {}


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder: what a digest over shards and index is made of, and which one differs."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def shell(folder: Path) -> dict[str, str]:
    """Variables for a project in which `python` is this one, and DVC keeps its notes in this folder."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**ENVIRONMENT, "PATH": path, "PYTHONPATH": "", "DVC_SITE_CACHE_DIR": str(folder / "site")}


@pytest.mark.parametrize("processes", ["0", "2"])
def test_synthesis_again_gives_the_same_bytes(here, pairs, monkeypatch, processes):
    before = contents(pairs)
    monkeypatch.setenv("RESTEREO_WORKERS", processes)
    synthesize.main("anaglyph")
    assert contents(pairs) == before
    assert [file.name for file in pairs.parent.iterdir() if file.is_dir()] == ["anaglyph"]


@pytest.mark.parametrize("processes", [0, 2])
def test_the_order_in_which_scenes_are_made_changes_nothing(here, pairs, tmp_path, processes):
    params = load_params()
    rows = synthesize.rows_of(["builtin"], paths.MANIFEST)["test"]
    scenes = synthesize.Scenes(make_task(params, "anaglyph"), "test", rows, params)
    order = [2, 0, 1]
    made = dict(zip(order, synthesize.made(scenes, order, processes), strict=True))
    write_split(tmp_path, "test", [made[number] for number in sorted(made)], 256 * 2**20)
    assert contents(tmp_path) == {name: text for name, text in contents(pairs).items() if name.startswith("test-")}


def break_off(patch: pytest.MonkeyPatch, where: tuple[str, int]) -> list[tuple[str, int]]:
    """Lets synthesis be killed at one scene, and returns the list of those made."""
    made, real = [], synthesize.Scenes.__getitem__

    def record(self, number):
        if (self.split, number) == where:
            raise KeyboardInterrupt
        made.append((self.split, number))
        return real(self, number)

    patch.setattr(synthesize.Scenes, "__getitem__", record)
    return made


def test_synthesis_that_was_killed_goes_on_after_its_last_shard(here, pairs):
    before = contents(pairs)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        break_off(patch, ("validation", 1))
        synthesize.main("anaglyph")
    with pytest.MonkeyPatch.context() as patch:
        made = break_off(patch, ("never", 0))
        synthesize.main("anaglyph")
    assert {split for split, _ in made} == {"validation", "test"}, "the shard of training was whole"
    assert contents(pairs) == before


def test_what_was_begun_from_other_pictures_is_not_taken_up(here, pairs, tmp_path, monkeypatch):
    before = contents(pairs)
    manifest = paths.MANIFEST
    (tmp_path / "manifest.csv").write_text(manifest.read_text().replace("CC0", "MIT"))
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(paths, "MANIFEST", tmp_path / "manifest.csv")
        break_off(patch, ("validation", 1))
        synthesize.main("anaglyph")
    with pytest.MonkeyPatch.context() as patch:
        made = break_off(patch, ("never", 0))
        synthesize.main("anaglyph")
    assert {split for split, _ in made} == {"train", "validation", "test"}
    assert contents(pairs) == before


def test_a_number_of_workers_that_is_none_is_named(monkeypatch):
    monkeypatch.setenv("RESTEREO_WORKERS", "two")
    with pytest.raises(UserError, match="RESTEREO_WORKERS: 'two' is no number of processes"):
        synthesize.workers()


def test_a_scene_depends_on_seed_split_and_number_alone():
    params = parse_params(TINY)
    photo = {"path": str(ROOT / "nowhere.png"), "source": "s", "licence": "CC0"}

    def made(split, params):
        numbers = range(params.synthesize.scenes[split])
        return [synthesize.generated_scene([photo], split, number, params)[0] for number in numbers]

    synthesize._photo.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        picture = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
        patch.setattr(synthesize, "_photo", lambda _: picture)
        whole = made("train", params)
        fewer = params.model_copy(
            update={
                "synthesize": params.synthesize.model_copy(update={"scenes": {"train": 2, "validation": 2, "test": 2}})
            }
        )
        first = made("train", fewer)
        other = made("validation", fewer)
    assert all((a.truth == b.truth).all() for a, b in zip(first, whole, strict=False))
    assert not any((a.truth == b.truth).all() for a, b in zip(first, other, strict=True))


def test_photos_for_training_have_the_size_that_networks_see_and_others_their_own(project):
    rows = [{"path": str(ROOT / "a.png"), "source": "s", "name": "a", "licence": "CC0", "kind": "photo"}]
    task = catalog.build("task", "colorization", sees=32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthesize, "_photo", lambda _: np.zeros((60, 90, 3), np.uint8))
        train, test = (synthesize.Scenes(task, split, rows, parse_params(TINY))[0].scene for split in ("train", "test"))
    assert train.truth.shape == (32, 48, 3)
    assert test.truth.shape == (60, 90, 3)


@pytest.fixture(scope="module")
def evaluated(project, pairs) -> Path:
    """The same folder after `train` and `evaluate`."""
    from pipelines.stages import train

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        train.main("tiny")
        evaluate.main("tiny")
    return project


def test_training_and_evaluation_leave_what_the_next_stages_read(here, evaluated):
    summary = json.loads(paths.metrics("anaglyph", "tiny").read_text())
    assert set(summary["variants"]) == {"clean", "jpeg85"}
    assert set(summary["variants"]["clean"]) == {"tiny", "identity", "grey", "sgbm", "sgbm_blind"}
    with paths.scenes("anaglyph", "tiny").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * 5 * 3
    mine = [float(r["missing_psnr"]) for r in rows if (r["what"], r["variant"]) == ("tiny", "clean")]
    assert summary["variants"]["clean"]["tiny"]["missing_psnr"] == pytest.approx(sum(mine) / len(mine), abs=1e-3)
    listing = json.loads((paths.pictures("anaglyph", "tiny") / "pictures.json").read_text())
    for entry in listing:
        assert all((paths.pictures("anaglyph", "tiny") / file).exists() for file in entry["files"].values())
    facts = json.loads(paths.cost("tiny").read_text())
    assert facts["train"]["steps"] == 4 and facts["evaluate"]["seconds_per_megapixel"]["sgbm"] > 0
    assert "seconds_per_megapixel" not in json.dumps(summary), "speed never enters what DVC hashes"


def test_a_second_clone_gets_everything_from_a_remote_and_registers_it(evaluated, tmp_path, monkeypatch):
    """The first project ran its stages; the second runs `register` alone, into an empty database."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for name, value in shell(tmp_path).items():
        monkeypatch.setenv(name, value)
    first, second = tmp_path / "first", tmp_path / "second"

    def call(folder: Path, *command: str) -> str:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    shutil.copytree(evaluated, first)
    for code in ("restereo", "pipelines"):
        shutil.copytree(ROOT / code, first / code, ignore=shutil.ignore_patterns("__pycache__"))
    (first / ".dvc").mkdir()
    for file in ("dvc.yaml", ".dvcignore", ".gitignore", ".dvc/.gitignore"):
        shutil.copy(ROOT / file, first / file)
    (first / ".dvc" / "config").write_text(f"[core]\nremote = here\n['remote \"here\"']\nurl = {tmp_path}/remote\n")
    call(first, "git", "init", "-q")
    call(first, *DVC, "commit", "-q", "--force", "evaluate@tiny", "--with-deps")
    call(first, *DVC, "push", "-q", "--run-cache")
    call(first, "git", "add", "-A")
    call(first, "git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "ran")

    call(tmp_path, "git", "clone", "-q", str(first), str(second))
    monkeypatch.chdir(second)
    lock_check.check_current(graph.select(graph.read(), "*@tiny").stages)
    assert not (second / paths.RAW).exists(), "the lock is proved without the data"
    call(second, *DVC, "pull", "-q", "--run-cache")
    outs = paths.raw("builtin"), paths.pairs("anaglyph"), paths.run("tiny"), paths.pictures("anaglyph", "tiny")
    for folder in outs:
        assert contents(second / folder) == contents(first / folder)

    message = call(second, *DVC, "repro", "register@tiny")
    assert re.findall("Running stage '(.+)'", message) == ["register@tiny"]
    monkeypatch.chdir(first)
    key = runs.content_key_of("anaglyph", "tiny")
    monkeypatch.chdir(second)
    version = store.peek(store.default_store(), "anaglyph", key)
    assert version and version.number == 1 and version.is_there

    # Without the lock, the run-cache alone knows what came of this code, these parameters and data.
    (second / "dvc.lock").unlink()
    shutil.rmtree(second / paths.run("tiny"))
    message = call(second, *DVC, "repro", "--single-item", "train@tiny")
    assert "Stage 'train@tiny' is cached - skipping run, checking out outputs" in message
    assert contents(second / paths.run("tiny")) == contents(first / paths.run("tiny"))
    assert not (second / paths.cost("tiny")).exists(), "nothing was trained or evaluated here"


def test_an_empty_split_is_said_with_the_fix(here, tmp_path, monkeypatch):
    text = paths.MANIFEST.read_text().replace(",validation,", ",train,")
    (tmp_path / "manifest.csv").write_text(text)
    monkeypatch.setattr(paths, "MANIFEST", tmp_path / "manifest.csv")
    with pytest.raises(UserError, match=r"no picture for validation .*: {builtin/astronaut: validation}"):
        synthesize.main("anaglyph")


def test_every_stage_of_the_graph_is_a_file_and_a_section():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        room = "reporting" if name == "report" else "stages"
        assert (ROOT / "pipelines" / room / f"{name}.py").exists()
        assert f"python -m pipelines.{room}.{name}" in stage.get("do", stage)["cmd"]
    assert set(Params.model_fields) | {"validate"} >= {*stages} - {"register"}


def test_every_dependency_of_the_graph_on_code_exists():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        for dep in stage.get("do", stage)["deps"]:
            if not dep.startswith("data/") and "$" not in dep:
                assert (ROOT / dep).exists(), (name, dep)


HARMLESS = (
    "allocator",
    "io.atomic",
    "io.pickles",
    "catalog",
    "config",
    "errors",
    "margins",
    "options",
    "progress",
    "digests",
)
"""What any stage may import without depending on it: it finds, checks or shows things, and decides no byte of them."""
NOT_RUN = {
    **dict.fromkeys(("download", "validate"), ("io.metadata",)),
    "synthesize": (
        "datasets.benchmark",
        "io.metadata",
        "training.checkpoint",
        "training.data",
        "training.loop",
        "training.run_folder",
        "training.trainer",
    ),
    "evaluate": (
        "datasets.pairs",
        "inference.devices",
        *(f"io.{one}" for one in ("damage", "depth", "heif", "metadata", "read", "stereo")),
    ),
}
"""What comes along with a function that the stage calls, and that it does not run itself."""


def test_a_stage_depends_on_all_the_code_that_it_imports():
    graph = grimp.build_graph("restereo", "pipelines", cache_dir=None, exclude_type_checking_imports=True)
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        deps = [ROOT / dep for dep in stage.get("do", stage)["deps"] if "$" not in dep]
        if not any(ROOT / "restereo" in dep.parents for dep in deps):
            continue  # it looks at what others have made
        let = {f"restereo.{module}" for module in (*HARMLESS, *NOT_RUN.get(name, ()))}
        needed = {one for one in graph.find_upstream_modules(f"pipelines.stages.{name}") if one.startswith("restereo.")}
        files = {(ROOT / one.replace(".", "/")).with_suffix(".py") for one in needed - let}
        missed = {one for one in files if one.is_file() and not {one, *one.parents} & {*deps}}
        assert not missed, (name, missed)
