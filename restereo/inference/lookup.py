"""What the name of a model stands for: a run folder, released weights, or a baseline."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch

from restereo import catalog
from restereo.digests import file_sha256
from restereo.errors import MODEL, Training, UserError, nearest
from restereo.evaluation import baselines
from restereo.evaluation.baselines import BASELINES
from restereo.inference.devices import find_device
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


def _restorer(name: str, device: str | torch.device) -> tuple[Restorer, Path]:
    if name in released():
        return Restorer(run_folder.read_released(WEIGHTS, name), device), WEIGHTS / f"{name}.safetensors"
    folder = RUNS / name if (RUNS / name).is_dir() else Path(name)
    if folder.is_dir():
        return load_run(folder, device), folder / run_folder.WEIGHTS
    if name in BASELINES:
        trained = ", ".join([*released(), *run_names()]) or "(none)"
        remedy = f"name a trained network, such as {trained}"
        raise UserError("a baseline, which can only be evaluated", where=name, remedy=remedy)
    known = [*BASELINES, *released(), *run_names()]
    what = "no run folder, baseline or released weights of this name"
    raise UserError(what, where=name, remedy=nearest(name, known))


def find_model(name: str, device: str | torch.device = "cpu", kind: str | None = None) -> Restorer:
    """Returns a trained network: a path is a run folder; a bare name is released weights, else a run under data/runs.

    Args:
        name: The path or name.
        device: Where it runs.
        kind: The tasks that it must be trained for: their file, such as `anaglyph`; None = any.

    Raises:
        UserError: There is none of this name, or its files are damaged, or it was trained for something else.
    """
    restorer = _restorer(name, device)[0]
    found = restorer.config["task_kind"]
    if kind is not None and found != kind:
        raise UserError(f"trained for task '{found}', not '{kind}'", where=name, remedy=("name another with ", MODEL))
    return restorer


@lru_cache(maxsize=4)
def loaded_model(name: str, device: str = "auto", kind: str | None = None) -> Restorer:
    """Returns what `find_model` finds, read once; the last four are kept.

    Raises:
        UserError: See `find_model`, and if there is no such device.
    """
    return find_model(name, find_device(device), kind)


def find_predictor(name: str, task: str = "anaglyph", device: str = "cpu") -> NamedPredictor:
    """Returns a baseline of this bare name, at this task, or else what `find_model` finds, at its own.

    Args:
        name: Of the model.
        task: Of a baseline: a task with its default options, or a trained network, whose task it then is.
        device: Of a network.

    Raises:
        UserError: There is none of this name, or its files are damaged, or the baseline is none of the task's.
    """
    if name not in BASELINES:
        restorer, file = _restorer(name, device)
        return NamedPredictor(restorer, restorer.task, file, restorer.sha256)
    file = Path(baselines.__file__)
    plain = task in catalog.names("task")
    its_task: Task = catalog.build("task", task) if plain else find_model(task, device).task
    if name not in its_task.baselines:
        raise UserError(f"no baseline of task '{task}'", where=name, remedy=f"it has {', '.join(its_task.baselines)}")
    return NamedPredictor(BASELINES[name], its_task, file, file_sha256(file))


def default_model() -> str:
    """Returns the name of the network for anaglyphs if none is named: released weights, else a run under data/runs.

    Raises:
        UserError: There is neither.
    """
    names = [name for name in (*released(), *run_names()) if name.startswith("anaglyph")]
    if not names:
        remedy = Training("anaglyph_parallax"), ", or name a run folder with ", MODEL
        raise UserError("no trained network", remedy=remedy)
    return names[0]
