"""How many times faster this build recovers pictures than an earlier one, side by side, and in how much memory."""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import material
from tests.bench.figure import Figure
from tests.bench.measures.inference import picture
from tests.bench.options import Options
from tests.bench.project import environment, watched
from tests.conftest import ROOT

BEFORE = "3f5fead"
"""The build that issue 17 compares with; `RESTEREO_BENCH_BEFORE` names another."""
SIZES = (0.23, 1.0, 2.0, 12.0)
"""Mpx."""
TIMES_FASTER = 4.0
ROUNDS = 5


def measure(options: Options) -> Iterator[Figure]:
    """Yields ratios by the clock and by processor time, medians of rounds in turns, and peaks; the start of the program
    included.
    """
    with worktree(os.environ.get("RESTEREO_BENCH_BEFORE", BEFORE)) as before:
        roots = {"now": ROOT, "before": before}
        for size in options.megapixels or SIZES:
            file = picture(size)
            runs = {name: list[tuple[float, float, float]]() for name in roots}
            for turn in range(options.rounds(ROUNDS)):
                for name in list(roots) if turn % 2 else reversed(list(roots)):
                    runs[name].append(recovered(roots[name], file))
            seconds, processor, peak = (
                {name: [run[which] for run in some] for name, some in runs.items()} for which in range(3)
            )
            faster, less = (
                statistics.median(b / a for a, b in zip(one["now"], one["before"], strict=True))
                for one in (seconds, processor)
            )
            name, now = f"builds.{size:g}mpx", {name: statistics.median(some) for name, some in processor.items()}
            yield Figure(f"{name}.clock", faster, "", TIMES_FASTER, "at least", "times faster")
            note = f"of a processor {now['now']:.2f} s, before {now['before']:.2f} s"
            yield Figure(f"{name}.processor", less, "", TIMES_FASTER, "at least", note)
            yield Figure(
                f"{name}.peak", max(peak["now"]), "MiB", max(peak["before"]), note="the target is the peak before"
            )


@contextmanager
def worktree(commit: str) -> Iterator[Path]:
    """Yields a folder with the files of a commit."""
    folder = material.folder() / f"before-{commit}"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", "--quiet", str(folder), commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def recovered(root: Path, file: Path) -> tuple[float, float, float]:
    """Returns seconds, processor seconds and peak MiB of `restereo recover` by the build in a folder."""
    log = material.folder() / "builds.jsonl"
    log.unlink(missing_ok=True)
    arguments = ["recover", str(file), "--method", "red-cyan", "-o", str(file.with_suffix(".out.png"))]
    program = [sys.executable, "-c", "from restereo.cli import main; main()", *arguments]
    extra = environment() | {"PYTHONPATH": str(root)}
    subprocess.run(watched(log, root.name, program), cwd=root, env=extra, check=True, capture_output=True)
    facts = json.loads(log.read_text(encoding="utf-8"))
    return facts["seconds"], facts["processor"], facts["peak_mib"]
