"""Scenes made in shares, in any order and by anybody, become the bytes that the stage makes by itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.stages import synthesize
from tests.pipelines.stages.test_stages import break_off, contents, here, pairs, project

pytest.importorskip("prefect_dask", reason="prefect-dask is not installed; pip install 'restereo[servers]'")
from pipelines.flows import scatter

__all__ = ["here", "pairs", "project"]


def test_shares_become_the_bytes_of_the_stage(here: Path, pairs: Path) -> None:
    before = contents(pairs)
    todo = scatter.find_missing("anaglyph", 3)
    names = ["train-0000000-0000003", "train-0000003-0000004", "validation-0000000-0000002", "test-0000000-0000003"]
    assert [str(s) for s in todo] == names
    for share in reversed(todo[1:]):
        scatter.make_share(share)
    assert scatter.find_missing("anaglyph", 3) == todo[:1], "what is done is not done again"
    assert scatter.make_share(todo[0]) == 3
    scatter.gather("anaglyph", 3)
    with pytest.MonkeyPatch.context() as patch:
        made = break_off(patch, ("never", 0))
        synthesize.main("anaglyph")
    assert made == [], "the stage found everything finished"
    assert contents(pairs) == before


def test_a_share_that_is_missing_is_named(here: Path, pairs: Path) -> None:
    scatter.make_share(scatter.find_missing("anaglyph", 3)[0])
    with pytest.raises(ValueError, match=r"shares/train-0000003-0000004/index.json: no such file"):
        scatter.gather("anaglyph", 3)


@pytest.mark.xdist_group("prefect")
def test_dask_makes_the_shares(here: Path, pairs: Path, prefect_api: str) -> None:
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
