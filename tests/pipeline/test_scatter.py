"""Scenes made in shares, in any order and by anybody, become the bytes that the stage makes by itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import shares, synthesize
from restereo.inference.batch import Job
from tests.pipeline.test_stages import break_off, contents, here, pairs, project

__all__ = ["here", "pairs", "project"]


def test_shares_become_the_bytes_of_the_stage(here: Path, pairs: Path) -> None:
    before = contents(pairs)
    todo = shares.of_task("anaglyph", 3)
    names = ["train-0000000-0000003", "train-0000003-0000004", "validation-0000000-0000002", "test-0000000-0000003"]
    assert [str(s) for s in todo] == names
    for share in reversed(todo[1:]):
        shares.make(share)
    assert shares.of_task("anaglyph", 3) == todo[:1], "what is done is not done again"
    assert shares.make(todo[0]) == 3
    shares.gather("anaglyph", 3)
    with pytest.MonkeyPatch.context() as patch:
        made = break_off(patch, ("never", 0))
        synthesize.main("anaglyph")
    assert made == [], "the stage found everything finished"
    assert contents(pairs) == before


def test_a_share_that_is_missing_is_named(here: Path, pairs: Path) -> None:
    shares.make(shares.of_task("anaglyph", 3)[0])
    with pytest.raises(ValueError, match=r"shares/train-0000003-0000004/index.json: no such file"):
        shares.gather("anaglyph", 3)


def test_every_picture_is_in_one_share() -> None:
    jobs = [Job(Path(f"{number}.jpg"), [Path(f"{number}.png")]) for number in range(7)]
    cut = shares.of_jobs(jobs, 3)
    assert [len(share) for share in cut] == [3, 3, 1] and [job for share in cut for job in share] == jobs


@pytest.mark.xdist_group("prefect")
def test_dask_makes_the_shares(here: Path, pairs: Path, prefect_api: str) -> None:
    pytest.importorskip("prefect_dask", reason="prefect-dask is not installed; pip install 'restereo[servers]'")
    before = contents(pairs)
    command = [
        sys.executable,
        "-m",
        "pipelines.cli",
        "scatter",
        "synthesize",
        "anaglyph",
        "--workers",
        "1",
        "--size",
        "4",
    ]
    environment = os.environ | {"PREFECT_API_URL": prefect_api}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 scenes made" in done.stdout
    synthesize.main("anaglyph")
    assert contents(pairs) == before
