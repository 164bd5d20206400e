"""What a name on the command line stands for: a run folder, a baseline, or released weights."""

from dataclasses import dataclass
from pathlib import Path

import torch

from restereo import catalog
from restereo.errors import UserError, nearest
from restereo.evaluation import baselines
from restereo.evaluation.baselines import BASELINES
from restereo.inference.engine import Restorer, load_run
from restereo.sample import Predictor
from restereo.tasks import Task
from restereo.training import run_folder

WEIGHTS = Path(__file__).parent.parent / "weights"
RUNS = Path("data/runs")


@dataclass(frozen=True)
class NamedPredictor:
    """Something that answers observations, and the file that decides how."""

    predictor: Predictor
    task: Task
    file: Path
    sha256: str


def released() -> list[str]:
    """Returns the names of the weights that the package carries."""
    return sorted(file.stem for file in WEIGHTS.glob("*.safetensors"))


def run_names() -> list[str]:
    """Returns the names of the runs under data/runs."""
    return sorted(file.parent.name for file in RUNS.glob("*/config.json"))


def _restorer(what: str, device: str | torch.device) -> tuple[Restorer, Path]:
    if what in released():
        return Restorer(run_folder.read_released(WEIGHTS, what), device), WEIGHTS / f"{what}.safetensors"
    folder = RUNS / what if (RUNS / what).is_dir() else Path(what)
    if not folder.is_dir() and what in BASELINES:
        trained = ", ".join([*released(), *run_names()]) or "(none)"
        raise UserError(f"{what}: a baseline, which only `evaluate` takes; name a trained network, such as {trained}.")
    if not folder.is_dir():
        known = [*BASELINES, *released(), *run_names()]
        raise UserError(f"{what}: no run folder, baseline or released weights of this name; {nearest(what, known)}.")
    return load_run(folder, device), folder / run_folder.WEIGHTS


def find_model(what: str, device: str | torch.device = "cpu", kind: str | None = None) -> Restorer:
    """Returns a trained network: a path is a run folder; a bare name is released weights, else a run under data/runs.

    Args:
        what: The path or name.
        device: Where it runs.
        kind: The tasks that it must be trained for: their file, such as `anaglyph`; None = any.

    Raises:
        UserError: There is none of this name, or its files are damaged, or it was trained for something else.
    """
    restorer = _restorer(what, device)[0]
    found = restorer.config["task_kind"]
    if kind is not None and found != kind:
        raise UserError(f"{what}: trained for task '{found}', not '{kind}'; name another with --model.")
    return restorer


def find_predictor(what: str, task: str = "anaglyph", device: str = "cpu") -> NamedPredictor:
    """Returns a baseline of this bare name, at this task, or else what `find_model` finds, at its own.

    Args:
        what: The name.
        task: Of a baseline: a task with its default options, or a trained network, whose task it then is.
        device: Of a network.

    Raises:
        UserError: There is none of this name, or its files are damaged, or the baseline is none of the task's.
    """
    if what not in BASELINES:
        restorer, file = _restorer(what, device)
        return NamedPredictor(restorer, restorer.task, file, restorer.sha256)
    file = Path(baselines.__file__)
    plain = task in catalog.names("task")
    its_task: Task = catalog.build("task", task) if plain else find_model(task, device).task
    if what not in its_task.baselines:
        raise UserError(f"{what}: no baseline of task '{task}'; it has {', '.join(its_task.baselines)}.")
    return NamedPredictor(BASELINES[what], its_task, file, run_folder.file_sha256(file))


def default_model() -> str:
    """Returns the name of the network to use when none is named: released weights, else a run under data/runs.

    Raises:
        UserError: There is neither.
    """
    names = [name for name in (*released(), *run_names()) if name.startswith("anaglyph")]
    if not names:
        raise UserError("no trained network; train one with 'make run', or name a run folder with --model.")
    return names[0]
