"""Start-up in seconds: the command lines' `--help`, and stages that find nothing to do."""

import sys
from collections.abc import Iterator
from functools import partial

from tests.bench import material
from tests.bench.clock import best, take_turns
from tests.bench.figure import Figure
from tests.bench.options import Options
from tests.bench.project import environment

ROUNDS = 5
COMMANDS = {
    "python": ["-c", "pass"],
    "restereo --help": ["-m", "restereo.cli", "--help"],
    "restereo list": ["-m", "restereo.cli", "list"],
    "restereo-pipelines --help": ["-m", "pipelines.cli", "--help"],
    "restereo-pipelines check": ["-m", "pipelines.cli", "check"],
    "download@builtin": ["-m", "pipelines.stages.download", "builtin"],
    "import torch": ["-c", "import torch"],
}
WITHIN_A_SECOND = {"restereo --help", "restereo-pipelines --help", "download@builtin"}


def measure(options: Options) -> Iterator[Figure]:
    """Yields the shortest of a few starts; the first of each, from a cold disk, is not counted."""
    import shutil
    import subprocess

    from tests.conftest import ROOT

    place = material.folder() / "startup"
    place.mkdir()
    shutil.copy(ROOT / "params.yaml", place)
    extra = environment() | {"PYTHONPATH": str(ROOT)}

    def work(arguments: list[str]) -> object:
        return subprocess.run([sys.executable, *arguments], cwd=place, env=extra, check=True, capture_output=True)

    times = take_turns({name: partial(work, a) for name, a in COMMANDS.items()}, options.rounds(ROUNDS), "starts")
    for name in COMMANDS:
        yield Figure(f"startup.{name}", best(times, name), "s", 1.0 if name in WITHIN_A_SECOND else None)
