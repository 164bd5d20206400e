"""Stage `register` against a real sqlite store: once per content, nothing half, nothing stolen."""

import json
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
import yaml
from safetensors.torch import save_file

from pipelines import paths
from pipelines.reporting import report
from pipelines.stages import download, register, synthesize, validate
from pipelines.tracking import runs, store
from pipelines.tracking.client import connect, versions
from restereo import catalog
from restereo.errors import UserError
from restereo.image import Image
from restereo.inference.engine import Views
from restereo.layers.projection import Calibration, default_error
from restereo.methods import AnaglyphMethod
from restereo.training.run_folder import read_weights

PICTURE = np.arange(48 * 64 * 3, dtype=np.uint32).reshape(48, 64, 3).astype(np.uint8)
VIEWS = ("observed", "prediction_left", "prediction_right", "truth_left", "truth_right")


class FakeRun:
    """Adds one number, its only weight, to the left view."""

    def __init__(self, folder: Path) -> None:
        self.weight = int(read_weights(folder / "weights.safetensors")["weight"])

    def restore(self, image: Image, method: AnaglyphMethod | None = None, *, maps: bool = True) -> Views:
        return Views(np.stack([image.pixels + np.uint8(self.weight), image.pixels]), method)


FREE = ("CC0-1.0", "CC-BY-4.0")


def write_run(
    recipe: str = "anaglyph_unet", weight: float = 3, task: str = "anaglyph", licences: Sequence[str] = FREE
) -> None:
    folder = paths.run(recipe)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "recipe": recipe,
        "seed": 7,
        "row": {"task": task, "model": "unet", "train": {"steps": 20}},
        "train": {"steps": 20, "batch": 2},
        "data_sha256": "d" * 64,
        "licences": list(licences),
    }
    environment = {"device": "cpu", "machine": "x86_64", "threads": 2, "python": "3.11"}
    metrics = {"best_step": 20, "parameters": 1, "validation_missing_psnr": 20.5}
    for name, content in {"config": config, "environment": environment, "metrics": metrics, "calibration": {}}.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    history = "step,split,loss,learning_rate,headline\n10,train,0.5,0.001,\n10,validation,0.4,0.001,19\n"
    (folder / "history.csv").write_text(f"{history}20,train,0.3,0.0001,\n20,validation,0.2,0.0001,20.5\n")
    save_file({"weight": torch.tensor([weight])}, folder / "weights.safetensors")

    pictures = paths.pictures(task, recipe)
    pictures.mkdir(parents=True, exist_ok=True)
    files = {view: f"clean-scene-{view}.png" for view in VIEWS}
    for file in files.values():
        PIL.Image.fromarray(PICTURE).save(pictures / file)
    row = {"scene": "scene", "variant": "clean", "role": "worst", "missing_psnr": 20.0, "files": files}
    (pictures / "pictures.json").write_text(json.dumps([row]))
    figures = {recipe: {"missing_psnr": 20.0, "epe": None}, "grey": {"missing_psnr": 13.0, "epe": None}}
    evaluation = {"headline": "missing_psnr", "variants": {"clean": figures, "jpeg85": figures}}
    paths.metrics(task, recipe).write_text(json.dumps(evaluation))
    paths.scenes(task, recipe).write_text(f"what,variant,scene,missing_psnr\n{recipe},clean,scene,20\n")
    paths.cost(recipe).parent.mkdir(parents=True, exist_ok=True)
    started = "2026-01-02T03:04:05+00:00"
    cost = {"train": {"seconds": 12.5, "started": started, "device": "cpu", "host": "here", "git_rev": "abc"}}
    paths.cost(recipe).write_text(json.dumps(cost))


@pytest.fixture
def project(mlflow_store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's root with one trained, evaluated recipe and an empty MLflow store."""
    monkeypatch.setattr("restereo.inference.engine.load_run", lambda folder, device="cpu": FakeRun(folder))
    write_run()
    return mlflow_store


def loaded(uri: str) -> Any:
    """The model as a user of MLflow gets it."""
    import mlflow.pyfunc

    return mlflow.pyfunc.load_model(uri)


def runs_and_versions(task: str = "anaglyph") -> tuple[int, list[tuple[int, tuple[str, ...]]]]:
    client = connect()
    experiment = client.get_experiment_by_name(task)
    found = client.search_runs([experiment.experiment_id]) if experiment else []
    return len(found), [(version.number, version.aliases) for version in versions(client, task)]


def test_registered_twice_is_one_run_and_one_version(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    register.main("anaglyph_unet")
    assert "anaglyph_unet: imported as anaglyph version 1 (challenger)" in capsys.readouterr().out
    register.main("anaglyph_unet")
    assert capsys.readouterr().out == "nothing new: anaglyph version 1 (challenger)\n"
    assert runs_and_versions() == (1, [(1, ("challenger",))])


def test_nothing_new_is_found_without_importing_mlflow(project: Path) -> None:
    register.main("anaglyph_unet")
    look = "print({'mlflow', 'torch'} & {*sys.modules})"
    code = f"import sys; from pipelines.stages.register import main; main('anaglyph_unet'); {look}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "nothing new: anaglyph version 1 (challenger)\nset()\n"


def test_mlflow_finds_what_the_quick_look_misses(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register.main("anaglyph_unet")
    monkeypatch.setattr(store, "peek", lambda *_: None)
    register.main("anaglyph_unet")
    assert runs_and_versions() == (1, [(1, ("challenger",))])


def test_a_lost_database_is_rebuilt(project: Path, lose_database: Callable[[], None]) -> None:
    register.main("anaglyph_unet")
    lose_database()
    register.main("anaglyph_unet")
    assert runs_and_versions() == (1, [(1, ("challenger",))])
    assert loaded("models:/anaglyph@challenger").predict(PICTURE).shape == (1, 2, 48, 64, 3)


def test_new_weights_are_a_new_version_and_an_old_run_steals_nothing(project: Path) -> None:
    register.main("anaglyph_unet")
    write_run(weight=5)
    register.main("anaglyph_unet")
    assert runs_and_versions() == (2, [(2, ("challenger",)), (1, ())])
    write_run(weight=3)
    register.main("anaglyph_unet")
    assert runs_and_versions() == (2, [(2, ("challenger",)), (1, ())])


def test_cost_alone_makes_nothing_new(project: Path) -> None:
    key = runs.content_key_of("anaglyph", "anaglyph_unet")
    paths.cost("anaglyph_unet").write_text("{}")
    assert runs.content_key_of("anaglyph", "anaglyph_unet") == key
    picture = paths.pictures("anaglyph", "anaglyph_unet") / "clean-scene-observed.png"
    picture.write_bytes(picture.read_bytes() + b"\0")
    assert runs.content_key_of("anaglyph", "anaglyph_unet") != key


def test_the_challenger_predicts_one_picture_and_many(project: Path) -> None:
    register.main("anaglyph_unet")
    connect()
    model = loaded("models:/anaglyph@challenger")
    one, many = model.predict(PICTURE), model.predict(np.stack([PICTURE, PICTURE]), params={"method": "red-cyan"})
    assert (one.shape, one.dtype, many.shape) == ((1, 2, 48, 64, 3), np.uint8, (2, 2, 48, 64, 3))
    np.testing.assert_array_equal(one[0, 0], PICTURE + np.uint8(3))
    np.testing.assert_array_equal(one[0, 1], PICTURE)
    np.testing.assert_array_equal(model.predict(PICTURE.tolist()), one)  # what a server gets from JSON
    assert model.metadata.signature.inputs.inputs[0].type == np.uint8
    with pytest.raises(UserError, match=r"input: shape \(48, 64\)"):
        model.predict(PICTURE[..., 0])
    with pytest.raises(UserError, match="input: float64 is not uint8"):
        model.predict(PICTURE / 255)


def test_a_real_network_is_loaded_back_by_the_library(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(project)
    folder = paths.run("anaglyph_unet")
    config = json.loads((folder / "config.json").read_text())
    config |= {"task_kind": "anaglyph", "task_options": {}}
    config["row"] |= {"model_options": {"size": "tiny"}}
    (folder / "config.json").write_text(json.dumps(config))
    task = catalog.build("task", "anaglyph")
    network = catalog.build("model", "unet", task.channels_in, task.channels_out, size="tiny")
    save_file(network.state_dict(), folder / "weights.safetensors")
    kinds = ("clean", "jpeg")
    calibration = Calibration(dict.fromkeys(kinds, default_error()), dict.fromkeys(kinds, torch.eye(3) * 1e-6))
    (folder / "calibration.json").write_text(json.dumps(calibration.to_json()))
    register.main("anaglyph_unet")
    connect()
    model = loaded("models:/anaglyph@challenger")
    views = model.predict(PICTURE, params={"method": register.METHOD, "jpeg": 85})
    assert (views.shape, views.dtype) == ((1, 2, 48, 64, 3), np.uint8)
    clean = model.predict(PICTURE, params={"method": register.METHOD})
    assert np.abs(clean[0, 0, ..., 0].astype(int) - PICTURE[..., 0]).max() <= 1  # red was seen by the left eye


def test_the_run_holds_parameters_curves_figures_pictures_and_lineage(project: Path) -> None:
    register.main("anaglyph_unet")
    client = connect()
    version = versions(client, "anaglyph")[0]
    run = client.get_run(version.run_id)
    assert run.info.run_name == f"anaglyph_unet-{version.content_key[:6]}"
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (1767323045000, 1767323057500)
    assert run.data.params["train.steps"] == "20"
    assert "row.train.steps" not in run.data.params
    assert run.data.metrics["clean/missing_psnr"] == 20.0
    assert run.data.metrics["baseline/grey/jpeg85/missing_psnr"] == 13.0
    assert run.data.metrics["cost/train/seconds"] == 12.5
    assert "clean/epe" not in run.data.metrics
    history = client.get_metric_history(version.run_id, "all_steps/validation_missing_psnr")
    assert [(point.step, point.value) for point in history] == [(10, 19.0), (20, 20.5)]
    assert run.data.tags["mlflow.note.content"].startswith("anaglyph_unet: missing_psnr 20.00 (clean; grey 13.00), ")
    kept = {item.path for folder in ("run", "pictures") for item in client.list_artifacts(run.info.run_id, folder)}
    assert {"run/config.json", "pictures/clean-scene-observed.png"} <= kept
    tags = client.get_model_version("anaglyph", "1").tags
    expected = {
        "data_sha256": "d" * 64,
        "seed": "7",
        "hardware": "cpu, x86_64, threads: 2",
        "licence_strictest": "CC-BY-4.0 (attribution)",
        "train_git_rev": "abc",
        "recipe": "anaglyph_unet",
        "content_key": runs.content_key_of("anaglyph", "anaglyph_unet"),
    }
    assert expected.items() <= tags.items()
    assert {"git_rev", "git_dirty", "params_sha256", "licences"} <= tags.keys()


def licences_of_a_set(folder: Path, *of: str) -> list[str]:
    """What the stages up to `synthesize` hand to training, of a set whose photos have these licences in turn."""
    for number in range(9):
        light = np.random.default_rng(number).integers(0, 256, (8, 8, 1)).repeat(12, 0).repeat(12, 1)
        file = folder / "pictures" / str(number % len(of)) / f"{number}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray((light * [1.0, 0.8, 0.6]).astype(np.uint8)).save(file)
    globs = {f"{number}/*": licence for number, licence in enumerate(of)}
    params = {
        "sources": {"folder": {"path": "pictures", "licences": globs}},
        "tasks": {"anaglyph": {"sources": ["folder"]}},
        "recipes": {"anaglyph_unet": {"task": "anaglyph", "model": "unet", "objective": "pixel"}},
        "validate": {"assign": {"folder/0_0": "validation"}},
        "synthesize": {"scenes": {"train": 1, "validation": 1, "test": 1}, "size": [64, 96]},
    }
    Path("params.yaml").write_text(yaml.safe_dump(params))
    download.main("folder")
    validate.main()
    synthesize.main("anaglyph")
    return list(json.loads((paths.pairs("anaglyph") / "index.json").read_text())["licences"])


def test_the_strictest_licence_binds_run_version_and_card(project: Path) -> None:
    found = licences_of_a_set(project, "CC0-1.0", "CC-BY-4.0", "CC-BY-NC-4.0")
    assert found == ["CC-BY-4.0", "CC-BY-NC-4.0", "CC0-1.0"]
    write_run(licences=found)
    register.main("anaglyph_unet")
    client = connect()
    (version,) = client.search_model_versions("name = 'anaglyph'")
    run = client.get_run(version.run_id)
    model = client.search_logged_models([run.info.experiment_id])[0]
    for tags in (run.data.tags, version.tags, model.tags):
        assert tags["licence_strictest"] == "CC-BY-NC-4.0 (non-commercial)"
        assert tags["licence_class"] == "non-commercial"
    assert version.tags["licences"] == "CC-BY-4.0; CC-BY-NC-4.0; CC0-1.0"
    for card in (version.description, run.data.tags["mlflow.note.content"]):
        use = "**Use: no commercial use.** Strictest licence of its data: CC-BY-NC-4.0 (non-commercial)."
        assert use in card.splitlines()[:3]
    report.main("anaglyph")
    page = paths.report("anaglyph").read_text()
    strict = page[page.index('class="strictest"') :]
    assert strict.index("CC-BY-NC-4.0") < strict.index("no commercial use") < strict.index("CC0-1.0")


def test_the_best_baseline_is_the_one_with_the_smallest_error(project: Path) -> None:
    content = {"anaglyph_unet": 0.07, "good": 0.051, "bad": 0.3, "unknown": None}
    figures = {what: {"mean_absolute_error": value} for what, value in content.items()}
    evaluation = {"headline": "mean_absolute_error", "variants": {"clean": figures}}
    paths.metrics("anaglyph", "anaglyph_unet").write_text(json.dumps(evaluation))
    note = runs.read("anaglyph", "anaglyph_unet").note
    assert note.startswith("anaglyph_unet: mean_absolute_error 0.070 (clean; good 0.051), ")
    assert re.findall("good|bad|unknown", note.split("| clean ")[1].split("\n")[0]) == ["good", "bad", "unknown"]


@pytest.mark.parametrize(
    ("licences", "named"),
    [([], "not stated (unknown)"), (["", "CC0-1.0"], "not stated (unknown)"), (["ask Bob", "CC-BY-NC-4.0"], "ask Bob")],
)
def test_what_nobody_has_said_counts_as_the_strictest(project: Path, licences: list[str], named: str) -> None:
    write_run(licences=licences)
    entry = runs.read("anaglyph", "anaglyph_unet")
    assert entry.tags["licence_strictest"].startswith(named)
    assert entry.tags["licence_class"] == "unknown"
    assert "what nobody has said counts as the strictest" in entry.note
    assert "; ;" not in entry.tags["licences"]


def test_the_model_holds_no_pickle_and_no_more_than_it_needs(project: Path) -> None:
    register.main("anaglyph_unet")
    folder = next((paths.MLFLOW / "artifacts").rglob("MLmodel")).parent
    kept = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert {
        "artifacts/config.json",
        "artifacts/weights.safetensors",
        "artifacts/calibration.json",
        "serving.py",
    } <= kept
    assert not [name for name in kept if name.endswith((".pkl", ".pickle", ".pt", ".pt2"))]
    assert "restereo" not in (folder / "requirements.txt").read_text()


def test_two_recipes_of_a_task_share_the_model_and_the_newest_is_the_challenger(project: Path) -> None:
    register.main("anaglyph_unet")
    write_run("anaglyph_gan", weight=9)
    register.main("anaglyph_gan")
    assert runs_and_versions() == (2, [(2, ("challenger",)), (1, ())])
    found = versions(connect(), "anaglyph")
    assert [version.recipe for version in found] == ["anaglyph_gan", "anaglyph_unet"]


def test_corrupt_weights_leave_nothing_behind(project: Path) -> None:
    weights = paths.run("anaglyph_unet") / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-2])
    with pytest.raises(UserError, match=r"weights\.safetensors: not a readable safetensors file"):
        register.main("anaglyph_unet")
    assert runs_and_versions() == (0, [])


@pytest.mark.parametrize(("weight", "message"), [(4, "predicts otherwise"), (None, "cannot predict")])
def test_a_model_that_fails_when_loaded_back_leaves_nothing_behind(
    project: Path, monkeypatch: pytest.MonkeyPatch, weight: int | None, message: str
) -> None:
    register.main("anaglyph_unet")
    write_run(weight=50)

    def load_run(folder: Path, device: str = "cpu") -> FakeRun:
        run = FakeRun(folder)
        if "artifacts" in folder.parts:
            if weight is None:
                raise OSError("disk on fire")
            run.weight = weight
        return run

    monkeypatch.setattr("restereo.inference.engine.load_run", load_run)
    with pytest.raises(UserError, match=f"{message}.*nothing was registered"):
        register.main("anaglyph_unet")
    assert runs_and_versions() == (1, [(1, ("challenger",))])


def test_a_killed_import_is_cleared_away_and_done_again(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(runs, "_delete_content", lambda *_: None)  # a killed process cleans nothing up
        patch.setattr("mlflow.MlflowClient.set_registered_model_alias", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            register.main("anaglyph_unet")
    assert runs_and_versions() == (1, [])
    register.main("anaglyph_unet")
    assert runs_and_versions() == (1, [(2, ("challenger",))])


def test_lost_files_are_written_again_and_aliases_stay(project: Path) -> None:
    register.main("anaglyph_unet")
    client = connect()
    client.set_registered_model_alias("anaglyph", "champion", "1")
    write_run("anaglyph_gan", weight=9)
    register.main("anaglyph_gan")
    shutil.rmtree(paths.MLFLOW / "artifacts")
    register.main("anaglyph_unet")
    assert runs_and_versions() == (2, [(3, ("champion",)), (2, ("challenger",))])
    assert loaded("models:/anaglyph@champion").predict(PICTURE).shape == (1, 2, 48, 64, 3)


def test_a_moved_project_says_what_to_do(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register.main("anaglyph_unet")
    moved = tmp_path / "moved"
    moved.mkdir()
    (tmp_path / "data").rename(moved / "data")
    monkeypatch.chdir(moved)
    with pytest.raises(UserError, match="the folder has been moved, so delete it and run again"):
        register.main("anaglyph_unet")


def test_an_evaluation_of_other_weights_is_refused(project: Path) -> None:
    file = paths.metrics("anaglyph", "anaglyph_unet")
    file.write_text(json.dumps(json.loads(file.read_text()) | {"weights_sha256": "0" * 64}))
    with pytest.raises(
        UserError, match=r"anaglyph_unet\.json: it judged other weights .* repro evaluate@anaglyph_unet"
    ):
        register.main("anaglyph_unet")


@pytest.mark.parametrize("name", ["weights.safetensors", "generator.pkl"])
def test_a_pickle_is_refused(project: Path, name: str) -> None:
    (paths.run("anaglyph_unet") / name).write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(UserError, match=f"{name}: a pickle could run code"):
        register.main("anaglyph_unet")
    assert runs_and_versions() == (0, [])


@pytest.mark.parametrize(
    ("lost", "stage"), [(paths.run("anaglyph_unet"), "train"), (paths.metrics("anaglyph", "anaglyph_unet"), "evaluate")]
)
def test_what_is_missing_is_named_with_the_stage_that_writes_it(project: Path, lost: Path, stage: str) -> None:
    shutil.rmtree(lost) if lost.is_dir() else lost.unlink()
    with pytest.raises(UserError, match=f"no such file; run `dvc --wait-for-lock repro {stage}@anaglyph_unet` first"):
        register.main("anaglyph_unet")


def test_a_file_that_is_no_database_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "text.db").write_text("not a database, but a text that is long enough to be read as a header\n" * 20)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project / 'text.db'}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(UserError, match=r"text\.db: MLflow cannot use it .*; move the file away"):
            register.main("anaglyph_unet")


def test_a_store_that_another_stage_holds_is_named(project: Path) -> None:
    place = store.default_store()
    with (
        store.lock(place),
        pytest.raises(UserError, match="another register stage has held it"),
        store.lock(place, 0.1),
    ):
        pass


def test_a_locked_database_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.exceptions import MlflowException

    def locked(*_: object) -> None:
        raise MlflowException("(sqlite3.OperationalError) database is locked")  # after MLflow's own 20 s

    monkeypatch.setattr("mlflow.MlflowClient.create_run", locked)
    with pytest.raises(UserError, match=r"mlflow\.db: another program has kept it locked for 20 s"):
        register.main("anaglyph_unet")


def test_tables_are_made_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow

    database = tmp_path / "mlflow.db"
    place = store.Store(f"sqlite:///{database}", None, database)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(mlflow.MlflowClient, "search_experiments", killed)
        connect(place)
    assert not database.exists()
    database.with_name(".tables-1.db").write_bytes(b"half a table")
    assert connect(place).search_experiments(max_results=1)
    assert sorted(file.name for file in tmp_path.iterdir()) == [".tables.lock", "mlflow.db"]
