"""Shared servers for real: two clones work through PostgreSQL, an S3 endpoint, MLflow and Prefect."""

import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipelines import paths
from pipelines.environment import DVC
from tests.conftest import ROOT
from tests.pipelines.conftest import DVC_YAML, copy_project, free_port
from tests.pipelines.flows.flow_runs import names, run_flow
from tests.pipelines.flows.shared_servers import Shared, shared_servers
from tests.pipelines.stages.test_stages import TINY, contents, shell

pytestmark = pytest.mark.xdist_group("servers")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    ports = free_port(), free_port(), free_port(), free_port()
    with shared_servers(tmp_path_factory.mktemp("servers"), ports) as found:
        yield found


def call(folder: Path, environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ran(printed: str) -> list[str]:
    return re.findall("Running stage '(.+)'", printed)


def commit(folder: Path, environment: dict[str, str], why: str) -> None:
    call(folder, environment, "git", "add", "-A")
    call(folder, environment, "git", "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", why)


def test_two_clones_push_pull_and_reproduce_through_them(shared: Shared, tmp_path: Path) -> None:
    environment = shell(tmp_path) | shared.environment
    origin, first, second = tmp_path / "origin.git", tmp_path / "first", tmp_path / "second"
    call(tmp_path, environment, "git", "init", "-q", "--bare", str(origin))
    call(tmp_path, environment, "git", "clone", "-q", str(origin), str(first))
    call(first, environment, *DVC, "init", "-q")
    call(first, environment, *DVC, "remote", "add", "--default", "shared", "s3://dvc/shell")
    (first / "dvc.yaml").write_text(DVC_YAML)
    assert ran(call(first, environment, *DVC, "repro", "train@anaglyph_x")) == [
        "fetch@a",
        "fetch@b",
        "join",
        "train@anaglyph_x",
    ]
    call(first, environment, *DVC, "push", "-q", "--run-cache")
    commit(first, environment, "First run")
    call(first, environment, "git", "push", "-q", "origin", "HEAD")
    assert any(item.key.startswith("shell/files/md5") for item in shared.bucket("dvc").objects.all())

    call(tmp_path, environment, "git", "clone", "-q", str(origin), str(second))
    call(second, environment, *DVC, "pull", "-q", "--run-cache", "--allow-missing")
    assert ran(call(second, environment, *DVC, "repro", "train@anaglyph_x")) == []
    (second / "dvc.yaml").write_text(DVC_YAML.replace("cat a b", "cat b a"))
    assert ran(call(second, environment, *DVC, "repro", "train@anaglyph_x")) == ["join", "train@anaglyph_x"]
    call(second, environment, *DVC, "push", "-q", "--run-cache")
    commit(second, environment, "The other way round")
    call(second, environment, "git", "push", "-q", "origin", "HEAD")

    call(first, environment, "git", "pull", "-q")
    call(first, environment, *DVC, "pull", "-q", "--run-cache", "--allow-missing")
    assert ran(call(first, environment, *DVC, "repro", "train@anaglyph_x")) == []
    assert (first / "run_anaglyph_x").read_text() == (second / "run_anaglyph_x").read_text() == "b\na\n"


@pytest.mark.skipif("RESTEREO_REHEARSE" not in os.environ, reason="takes minutes; RESTEREO_REHEARSE=1 runs it")
def test_the_pipeline_goes_on_in_another_clone(shared: Shared, tmp_path: Path) -> None:
    environment = shell(tmp_path) | shared.environment
    origin, first, second = tmp_path / "origin.git", tmp_path / "first", tmp_path / "second"
    call(tmp_path, environment, "git", "init", "-q", "--bare", str(origin))
    call(tmp_path, environment, "git", "clone", "-q", str(origin), str(first))
    copy_project(first, TINY)
    (first / ".dvc").mkdir()
    for file in (".gitignore", ".dvc/.gitignore", ".dvc/config"):
        shutil.copy(ROOT / file, first / file)
    call(first, environment, *DVC, "remote", "add", "--default", "shared", "s3://dvc/restereo")
    assert ran(call(first, environment, *DVC, "repro", "register@tiny"))[-1] == "register@tiny"
    call(first, environment, *DVC, "push", "-q", "--run-cache")
    commit(first, environment, "First run")
    call(first, environment, "git", "push", "-q", "origin", "HEAD")
    assert not (first / paths.MLFLOW).exists(), "all that MLflow has is on the server"
    stored = [item.key for item in shared.bucket("mlflow").objects.all()]
    assert [key for key in stored if key.endswith("weights.safetensors")]
    assert any(item.key.startswith("restereo/files/md5") for item in shared.bucket("dvc").objects.all())

    # The second clone gets the first one's data, and finds its model on the server.
    call(tmp_path, environment, "git", "clone", "-q", str(origin), str(second))
    call(second, environment, *DVC, "pull", "-q", "--run-cache", "--allow-missing")
    printed = call(second, environment, *DVC, "repro", "register@tiny")
    assert ran(printed) == ["register@tiny"]
    assert "nothing new: anaglyph version 1 (challenger)" in printed
    assert contents(second / paths.run("tiny")) == contents(first / paths.run("tiny"))

    # It changes a parameter, runs what hangs on it, and hands that on to the first.
    longer = TINY | {"train": TINY["train"] | {"steps": 6}}  # type: ignore[operator]
    (second / "params.yaml").write_text(yaml.safe_dump(longer))
    printed = call(second, environment, *DVC, "repro", "register@tiny")
    assert ran(printed) == ["train@tiny", "evaluate@tiny", "register@tiny"]
    assert "imported as anaglyph version 2" in printed
    call(second, environment, *DVC, "push", "-q")
    commit(second, environment, "Train longer")
    call(second, environment, "git", "push", "-q", "origin", "HEAD")
    call(first, environment, "git", "pull", "-q")
    call(first, environment, *DVC, "pull", "-q", "--allow-missing")
    printed = call(first, environment, *DVC, "repro", "register@tiny")
    assert ran(printed) == ["register@tiny"] and "nothing new: anaglyph version 2 (challenger)" in printed
    assert contents(first / paths.run("tiny")) == contents(second / paths.run("tiny"))


def test_a_restart_of_postgresql_loses_nothing(shared: Shared, project: Path) -> None:
    status, printed, run, _ = run_flow(shared.prefect)
    assert status == 0, printed
    shared.postgres.stop()
    with pytest.raises(OSError):  # an HTTP error, or no answer at all while MLflow tries again
        urllib.request.urlopen(f"{shared.mlflow}/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=10)
    shared.postgres.start()
    with urllib.request.urlopen(
        f"{shared.mlflow}/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=30
    ) as answer:
        assert answer.status == 200
    status, printed, again, tasks = run_flow(shared.prefect)
    assert status == 0, printed
    assert again["id"] != run["id"] and names(tasks)["join"] == "Cached"
