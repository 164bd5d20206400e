"""Overhead of `dvc repro` and of the Prefect flow over the bare stages, on a tiny project."""

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.environment import DVC
from pipelines.flows.ui import prefect_server, serving
from restereo.progress import shown
from tests.bench import material
from tests.bench.clock import best, take_turns
from tests.bench.figure import Figure
from tests.bench.options import Options
from tests.bench.project import Project, Run

LOOKS = 3
ASK_MLFLOW = """
from pipelines.stages import register
from pipelines.tracking import store
store.peek = lambda *_: None
register.main('tiny')
"""
TINY = {
    "sources": {"builtin": {}},
    "tasks": {"anaglyph": {"sources": ["builtin"]}},
    "recipes": {"tiny": {"task": "anaglyph", "model": "unet", "objective": "pixel", "model_options": {"size": "tiny"}}},
    "synthesize": {"scenes": {"train": 4, "validation": 2, "test": 2}, "size": [64, 80], "max_disparity": 10.0},
    "train": {"steps": 4, "batch": 2, "crop": 32, "validate_every": 2, "threads": 1},
    "evaluate": {"pictures": 2},
}


def measure(options: Options) -> Iterator[Figure]:
    """Yields seconds in which no stage ran, for each way to run them, first from nothing and then again."""
    project = Project("tiny", TINY)
    count = len(project.stages)
    runs = dict(shown(_ways(project), "ways to run", 5))
    whole = {name: f"of {run.seconds:.0f} s, the stages' own {run.own:.0f} s" for name, run in runs.items()}
    same = "nothing has changed; "
    yield Figure("orchestration.bare", runs["bare"].seconds, "s", note=f"{count} stages, one after the other")
    for name, more in (("dvc", ""), ("dvc_again", same)):
        yield Figure(f"orchestration.{name}", runs[name].overhead, "s", 5 + 1.5 * count, note=more + whole[name])
    for name, more in (("flow", "on a running server; "), ("flow_alone_again", f"{same}starts its own server; ")):
        yield Figure(f"orchestration.{name}", runs[name].overhead / count, "s a stage", 3, note=more + whole[name])
    yield from _looks(project, options.rounds(LOOKS))


def _ways(project: Project) -> Iterator[tuple[str, Run]]:
    """Each way to run the stages: first from nothing, then again."""
    yield "bare", project.bare()
    project.clear()
    yield "dvc", project.repro()
    yield "dvc_again", project.repro()
    project.clear()
    with _prefect_server() as api:
        yield "flow", project.flow(api)
    yield "flow_alone_again", project.flow()


@contextmanager
def _prefect_server() -> Iterator[str]:
    """The address of a server as `make ui` starts it."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    home = material.folder() / "prefect"
    home.mkdir()
    server = prefect_server(port, {"PREFECT_HOME": str(home)})
    with serving([server], logs=home):
        yield server.environment["PREFECT_API_URL"]


def _looks(project: Project, rounds: int) -> Iterator[Figure]:
    """What is asked of DVC by each flow, and of MLflow by `register` for what is there already."""
    looks = {
        "dag": ([*DVC, "dag", "--dot"], "`dvc dag`, once a flow"),
        "register": ([sys.executable, "-m", "pipelines.stages.register", "tiny"], "nothing new, by the quick look"),
        "register_mlflow": ([sys.executable, "-c", ASK_MLFLOW], "nothing new, by asking MLflow"),
    }
    works = {name: lambda command=command: project.call(command) for name, (command, _) in looks.items()}
    times = take_turns(works, rounds, "looks")
    for name, (_, note) in looks.items():
        yield Figure(f"orchestration.{name}", best(times, name), "s", note=f"{note}; start of Python included")
