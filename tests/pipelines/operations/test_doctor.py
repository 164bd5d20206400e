"""Each broken state is made, recognised and explained; a sound project is left in peace."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from dvc.schema import COMPILED_LOCKFILE_SCHEMA
from dvc.utils import strictyaml

from pipelines import paths
from pipelines.flows import graph
from pipelines.operations import doctor, lock_check
from restereo.errors import UserError
from tests.conftest import ROOT
from tests.pipelines.conftest import free_port

RECIPE = {"task": "anaglyph", "model": "unet", "objective": "pixel"}
PARAMS = {"sources": {"builtin": {}}, "tasks": {"anaglyph": {"sources": ["builtin"]}}, "recipes": {"mine": RECIPE}}
ADDRESSES = ("MLFLOW_TRACKING_URI", "PREFECT_API_URL", "MLFLOW_S3_ENDPOINT_URL")


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound project, and the working directory."""
    monkeypatch.chdir(tmp_path)
    for name in ADDRESSES:
        monkeypatch.delenv(name, raising=False)
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
    (tmp_path / ".dvc" / "tmp").mkdir(parents=True)
    return tmp_path


def test_a_sound_project_is_left_in_peace(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".dvc/tmp/rwlock").write_text("{}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////srv/mlflow.db")
    monkeypatch.setattr(doctor, "LEAST_FREE", 0)
    monkeypatch.setitem(doctor.CHECKS, "disk", lambda: doctor.disk(least=0))
    assert {name: found for name, found in doctor.examine() if found} == {}


def test_an_empty_rwlock_stops_dvc_until_it_is_deleted(place: Path) -> None:
    """The repair is tried: DVC itself refuses before, and works after."""
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "-q", "--no-scm", "-f"], check=True)
    Path("dvc.yaml").write_text("stages: {one: {cmd: echo 1 > out, outs: [out]}}")
    lock = Path(".dvc/tmp/rwlock")
    lock.write_bytes(b"")
    assert subprocess.run([*dvc, "repro", "-q"], capture_output=True, check=False).returncode
    (message,) = doctor.rwlock()
    assert message.startswith(".dvc/tmp/rwlock: empty (0 bytes); a killed DVC left it so")
    assert message.endswith("End any `dvc`, then delete it.")
    lock.unlink()
    subprocess.run([*dvc, "repro", "-q"], check=True)
    assert list(doctor.rwlock()) == []


@pytest.mark.parametrize("left", [0, 30])
def test_a_damaged_lock_stops_dvc_until_it_is_deleted_and_then_nothing_runs_twice(place: Path, left: int) -> None:
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "-q", "--no-scm", "-f"], check=True)
    stages = "\n".join(
        f"  {one}: {{cmd: echo {one} >> ran && echo 1 > {one}, deps: [code], outs: [{one}]}}" for one in ("a", "b")
    )
    Path("code").write_text("")
    Path("dvc.yaml").write_text(f"stages:\n{stages}\n")
    subprocess.run([*dvc, "repro", "-q"], check=True)
    assert list(lock_check.find_damage()) == []
    whole = Path("dvc.lock").read_text()
    Path("dvc.lock").write_text(whole[:left])
    assert subprocess.run([*dvc, "repro", "-q"], capture_output=True, check=False).returncode
    (message,) = lock_check.find_damage()
    with pytest.raises(UserError, match=r"dvc\.lock: not whole"):
        graph.read()
    assert message.startswith("dvc.lock: not whole; a DVC killed while it wrote, or a merge, left it so")
    Path("dvc.lock").unlink()
    subprocess.run([*dvc, "repro", "-q"], check=True)
    assert Path("dvc.lock").read_text() == whole
    assert Path("ran").read_text() == "a\nb\n"


def test_wherever_a_lock_is_cut_dvc_refuses_it_or_it_is_not_called_damaged(place: Path) -> None:
    """DVC's own loader is asked."""
    whole = (ROOT / "dvc.lock").read_text()[:3000]
    calls = []
    for end in range(0, len(whole), 7):
        Path("dvc.lock").write_text(whole[:end])
        try:
            strictyaml.load("dvc.lock", COMPILED_LOCKFILE_SCHEMA)
            refused = False
        except (strictyaml.YAMLSyntaxError, strictyaml.YAMLValidationError):
            refused = True
        calls.append((refused, bool(list(lock_check.find_damage()))))
    assert all(refused == called for refused, called in calls)
    assert {refused for refused, _ in calls} == {True, False}


@pytest.mark.parametrize("address", ["./mlruns", "file:///srv/mlruns", "/srv/mlruns"])
def test_a_file_store_is_named(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    (message,) = doctor.store_address()
    assert f"'{address}' is a folder, which MLflow refuses; unset it, or set it to sqlite:////" in message


@pytest.mark.parametrize(
    ("package", "version", "message"),
    [
        ("fastapi", "0.165.0", "every Prefect flow fails"),
        ("sqlalchemy", "2.1.9", "scheduled Prefect runs are silently never created"),
        ("albumentations", "2.0.9", "the degradations are those of the one version"),
        ("prefect", "3.9.0", "written for the one version"),
        ("albumentationsx", "2.1.0", "its licence is the AGPL; `pip uninstall albumentationsx`"),
    ],
)
def test_a_wrong_version_is_named_with_what_it_breaks(
    place: Path, monkeypatch: pytest.MonkeyPatch, package: str, version: str, message: str
) -> None:
    """What Python finds first of a package is this version."""
    info = place / "site" / f"{package}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")
    monkeypatch.syspath_prepend(place / "site")
    (found,) = doctor.packages()
    assert found.startswith(package) and message in found and "pip install" in found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("no right to mount a small file system here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_is_named(small_disk: Path) -> None:
    (small_disk / "fill").write_bytes(bytes(2**20 - 4096))
    (message,) = doctor.disk(small_disk / "data" / "not" / "made" / "yet")
    assert message.startswith(f"{small_disk}: 0.00 GiB are free, 2 should be; `dvc gc --workspace` removes")


def test_a_server_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{port}/api")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    mlflow, prefect, store = doctor.servers()
    assert "does not answer" in mlflow and "Connection refused" in mlflow
    assert "unset it: MLflow's files go to data/mlflow" in mlflow
    assert "PREFECT_API_URL" in prefect and "each flow starts its own" in prefect
    assert "MLFLOW_S3_ENDPOINT_URL" in store
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"postgresql+psycopg2://me:secret@127.0.0.1:{port}/mlflow")
    database = next(doctor.servers())
    assert f"the database at 127.0.0.1:{port} does not answer" in database
    assert "secret" not in database


@pytest.mark.parametrize(("status", "found"), [(200, []), (503, ["MLFLOW_TRACKING_URI"])])
def test_only_a_server_that_answers_well_is_left_in_peace(
    listener: str, status: int, found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{listener}/{status}")
    assert [message.partition(":")[0] for message in doctor.servers()] == found


def checkpoint(recipe: str = "mine") -> Path:
    """A whole checkpoint, as new as can be."""
    import torch

    file = paths.live(recipe) / "checkpoint.pt"
    file.parent.mkdir(parents=True)
    torch.save({"step": 3}, file)
    ahead = time.time() + 1000  # newer than the code, which a checkout may have just written
    os.utime(file, (ahead, ahead))
    return file


def test_a_checkpoint_that_will_be_taken_up_is_left_in_peace() -> None:
    checkpoint()
    assert list(doctor.checkpoints()) == []


@pytest.mark.parametrize(
    ("recipe", "change", "message"),
    [
        ("theirs", lambda file: None, "'theirs', which is no recipe any more; `rm -r data/.live/theirs` frees"),
        ("mine", lambda file: os.truncate(file, 100), "no whole checkpoint; the training starts anew by itself"),
        ("mine", lambda file: file.rename(file.with_suffix(".tmp")), "checkpoint.pt: no whole checkpoint"),
        ("mine", lambda file: os.utime(file, (0, 0)), "older than params.yaml, so the training may start anew; then"),
    ],
    ids=["of no recipe", "damaged", "never finished", "of older code"],
)
def test_a_stale_checkpoint_is_named(recipe: str, change: Callable[[Path], None], message: str) -> None:
    change(checkpoint(recipe))
    (found,) = doctor.checkpoints()
    assert message in found and f"rm -r data/.live/{recipe}` frees" in found


def test_the_checkpoint_of_a_training_that_runs_is_left_in_peace() -> None:
    from filelock import FileLock

    os.utime(checkpoint(), (0, 0))
    with FileLock(paths.live("mine").with_suffix(".lock")):
        assert list(doctor.checkpoints()) == []
    assert len(list(doctor.checkpoints())) == 1


def test_an_edited_ledger_and_broken_parameters_are_told() -> None:
    paths.LEDGER.parent.mkdir(exist_ok=True)
    paths.LEDGER.write_text(json.dumps({"line": 1}) + "\n")
    Path("params.yaml").write_text("sources: [")
    found = dict(doctor.examine())
    assert "line 1 is no decision" in found["ledger"][0]
    assert "params.yaml: not YAML" in found["checkpoints"][0]
