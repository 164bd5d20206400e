"""The stages one after the other on the embedded pictures, in a folder of their own."""

import csv
import json
from pathlib import Path

import pytest
import yaml

from pipelines import evaluate, paths, synthesize
from restereo.config import Params
from tests.conftest import ROOT

TINY = {
    "sources": {"builtin": {}},
    "tasks": {"anaglyph": {"sources": ["builtin"]}},
    "recipes": {"tiny": {"task": "anaglyph", "model": "unet", "objective": "pixel", "model_options": {"size": "tiny"}}},
    "synthesize": {"scenes": {"train": 4, "validation": 2, "test": 2}, "size": [64, 80], "max_disparity": 10.0},
    "train": {"steps": 4, "batch": 2, "crop": 32, "validate_every": 2, "threads": 1},
    "evaluate": {"pictures": 2},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A project folder in which `download` and `validate` have run."""

    from pipelines import download, validate

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


def test_synthesis_again_gives_the_same_bytes(here, pairs):
    before = {file.name: file.read_bytes() for file in pairs.iterdir()}
    synthesize.main("anaglyph")
    assert {file.name: file.read_bytes() for file in pairs.iterdir()} == before


def test_a_scene_depends_on_seed_split_and_number_alone():
    params = Params.model_validate(TINY)
    photo = {"path": str(ROOT / "nowhere.png"), "source": "s", "licence": "CC0"}
    synthesize._photo.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        import numpy as np

        picture = np.random.default_rng(0).integers(0, 256, (90, 90, 3), np.uint8)
        patch.setattr(synthesize, "_photo", lambda _: picture)
        whole = [scene for scene, _ in synthesize.generated_scenes([photo], "train", params)]
        fewer = params.model_copy(
            update={
                "synthesize": params.synthesize.model_copy(update={"scenes": {"train": 2, "validation": 2, "test": 2}})
            }
        )
        first = [scene for scene, _ in synthesize.generated_scenes([photo], "train", fewer)]
        other = [scene for scene, _ in synthesize.generated_scenes([photo], "validation", fewer)]
    assert all((a.truth == b.truth).all() for a, b in zip(first, whole, strict=False))
    assert not any((a.truth == b.truth).all() for a, b in zip(first, other, strict=True))


def test_training_and_evaluation_leave_what_the_next_stages_read(here, pairs):
    from pipelines import cost, train

    train.main("tiny")
    evaluate.main("tiny")
    summary = json.loads(paths.metrics("anaglyph", "tiny").read_text())
    assert set(summary["variants"]) == {"clean", "jpeg85"}
    assert set(summary["variants"]["clean"]) == {"tiny", "identity", "grey", "sgbm"}
    with paths.scenes("anaglyph", "tiny").open() as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * 4 * 3
    mine = [float(r["missing_psnr"]) for r in rows if (r["what"], r["variant"]) == ("tiny", "clean")]
    assert summary["variants"]["clean"]["tiny"]["missing_psnr"] == pytest.approx(sum(mine) / len(mine), abs=1e-3)
    listing = json.loads((paths.pictures("anaglyph", "tiny") / "pictures.json").read_text())
    for entry in listing:
        assert all((paths.pictures("anaglyph", "tiny") / file).exists() for file in entry["files"].values())
    facts = cost.read("tiny")
    assert facts["train"]["steps"] == 4 and facts["evaluate"]["seconds_per_megapixel"]["sgbm"] > 0
    assert "seconds_per_megapixel" not in json.dumps(summary), "speed never enters what DVC hashes"


def test_an_empty_split_is_said_with_the_fix(here, tmp_path, monkeypatch):
    from restereo.errors import UserError

    text = paths.MANIFEST.read_text().replace(",validation,", ",train,")
    (tmp_path / "manifest.csv").write_text(text)
    monkeypatch.setattr(paths, "MANIFEST", tmp_path / "manifest.csv")
    with pytest.raises(UserError, match="no picture for split 'validation' of task 'anaglyph'; add pictures"):
        synthesize.main("anaglyph")


def test_every_stage_of_the_graph_is_a_file_and_a_section():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        assert (ROOT / "pipelines" / f"{name}.py").exists()
        assert f"python -m pipelines.{name}" in stage.get("do", stage)["cmd"]
    assert set(Params.model_fields) | {"validate"} >= {*stages} - {"register"}


def test_every_dependency_of_the_graph_on_code_exists():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        for dep in stage.get("do", stage)["deps"]:
            if not dep.startswith("data/") and "$" not in dep:
                assert (ROOT / dep).exists(), (name, dep)
