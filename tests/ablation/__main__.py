"""`python -m tests.ablation --minutes 10 --pairs DIR`: each row trained from scratch, equally long, on the same scenes.

The scenes are those that stage `synthesize` wrote for task `anaglyph` in this project. Time is processor time of one
thread, so that what else the machine does changes nothing. A row that is there already is not trained again; the
figures go to `data/ablation/ROW.json`, the table to the terminal.
"""

import argparse
import itertools
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric

from pipelines import paths
from restereo import catalog, models
from restereo.config import Params, Recipe, load_params
from restereo.datasets.pairs import find_pairs
from restereo.evaluation.protocol import evaluate_folder
from restereo.inference.engine import Restorer, load_run
from restereo.inference.lookup import find_model
from restereo.sample import Operator, Prediction
from restereo.tasks import build_model
from restereo.training.data import Examples, endless_batches
from restereo.training.loop import Loop
from restereo.training.shards import Shards
from restereo.training.trainer import make_task, train_recipe
from tests.ablation.rows import COMMON, ROWS, Row

HEAD = ("", "parameters", "steps", "validation", "missing clean", "visible", "occluded")
HEAD_JPEG = ("missing JPEG q85", "visible", "occluded")
OUT = Path("data/ablation")
TASK = "anaglyph"
WARM, TIMED = 3, 8
"""Steps before the clock starts, and steps that are timed."""


@contextmanager
def more_models() -> Iterator[None]:
    """Makes the networks in `tests/ablation/models` models of the catalog meanwhile: a model is a file."""
    files = [file for file in (Path(__file__).parent / "models").glob("*.py") if file.name != "__init__.py"]
    copies = [Path(shutil.copy(file, models.__path__[0])) for file in files]
    try:
        yield
    finally:
        for copy in copies:
            copy.unlink()


def params_of(name: str, row: Row, steps: int) -> Params:
    """The project's parameters with this row as their only recipe."""
    params = load_params()
    train = {**COMMON, **row.train, "steps": steps, "validate_every": steps, "checkpoint_every": 100}
    recipe = Recipe(
        task=TASK,
        model=row.model,
        objective=row.objective,
        model_options=row.options,
        objective_options=row.objective_options,
        train=train,
    )
    degradations = {**params.synthesize.degradations, **row.degradations}
    synthesize = params.synthesize.model_copy(update={"degradations": degradations})
    return params.model_copy(update={"recipes": {name: recipe}, "synthesize": synthesize})


def seconds_per_step(params: Params, name: str) -> float:
    """Processor seconds of a training step, with making its sample."""
    row, settings = params.recipe(name), params.train_of(name)
    torch.set_num_threads(settings.threads)
    torch.manual_seed(params.seed)
    task = make_task(params, TASK)
    examples = Examples(Shards(paths.pairs(TASK)), task, settings.crop, params.seed, settings.pair_share)
    model = build_model(task, row.model, row.model_options)
    objective = catalog.build("objective", row.objective, **row.objective_options)
    loop = Loop(Fabric(accelerator="cpu", devices=1), task, model, objective, settings, params.seed)
    batches = iter(endless_batches(examples, settings.batch, 0, 0, 0, 1))
    for batch in itertools.islice(batches, WARM):
        loop.step(batch)
    started = time.process_time()
    for batch in itertools.islice(batches, TIMED):
        loop.step(batch)
    return (time.process_time() - started) / TIMED


class Unprojected:
    """What the network of a run answers before it is moved onto the observation."""

    def __init__(self, restorer: Restorer) -> None:
        self.restorer = restorer

    def __call__(self, observed: torch.Tensor, operator: Operator) -> Prediction:
        answer: Prediction = self.restorer.model(self.restorer.task.lift(observed, operator))
        return answer


def judged(predictor: Any, restorer: Restorer, pairs: Path) -> dict[str, Any]:
    """Means over the pairs, clean and from JPEG q85."""
    files = find_pairs(pairs)
    variants = {"clean": None, "jpeg85": 85}
    return {name: evaluate_folder(predictor, restorer.task, files, q)["mean"] for name, q in variants.items()}


def measure(name: str, minutes: float, pairs: Path) -> dict[str, Any]:
    """The row's figures, from its file if it was measured for as long."""
    row, file = ROWS[name], OUT / f"{name}.json"
    if file.exists() and (found := json.loads(file.read_text()))["minutes"] == minutes:
        return dict(found)
    pace = seconds_per_step(params_of(name, row, 1), name)
    steps = max(1, round(60 * minutes / pace))
    print(f"{name}: {steps} steps of {pace:.2f} s")
    folder = OUT / name
    train_recipe(params_of(name, row, steps), name, paths.pairs(TASK), folder, paths.live(f"ablation_{name}"))
    restorer = load_run(folder)
    own = json.loads((folder / "metrics.json").read_text())
    figures = {
        "says": row.says,
        "minutes": minutes,
        "steps": steps,
        "parameters": own["parameters"],
        "validation": own["validation_missing_psnr"],
        "bench": judged(restorer, restorer, pairs),
    }
    if name == "whole":
        figures["unprojected"] = judged(Unprojected(restorer), restorer, pairs)
    file.write_text(f"{json.dumps(figures, indent=1)}\n")
    return figures


def without(pairs: Path) -> dict[str, dict[str, Any]]:
    """The released weights as they are, and with one part left out in use alone."""
    restorer = find_model("anaglyph_parallax")
    found = {"the released weights": judged(restorer, restorer, pairs)}
    found["they, without projection"] = judged(Unprojected(restorer), restorer, pairs)
    restorer.model.matching = "classical"
    found["they, without the matching network"] = judged(restorer, restorer, pairs)
    return found


def line(says: str, found: dict[str, Any] | None, bench: dict[str, Any], validation: str) -> str:
    clean, jpeg = (bench[name] for name in ("clean", "jpeg85"))
    size = [f"{found['parameters'] / 1e6:.2f} M", f"{found['steps']:,}"] if found else ["–", "–"]
    cells = [says, *size, validation]
    for figures in (clean, jpeg):
        cells += [f"{figures[key]:.2f}" for key in ("missing_psnr", "missing_psnr_visible", "missing_psnr_occluded")]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Trains and measures the rows, then prints the table."""
    parser = argparse.ArgumentParser("python -m tests.ablation", description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}; by default all")
    parser.add_argument("--minutes", type=float, default=10.0, help="processor minutes of training for each row")
    parser.add_argument("--released", action="store_true", help="take parts off the released weights; train nothing")
    parser.add_argument("--pairs", type=Path, required=True, help="folder of pairs that the table is measured on")
    arguments = parser.parse_args()
    for name in arguments.rows:
        if name not in ROWS:
            parser.error(f"no row '{name}'; there are: {', '.join(ROWS)}")
    print(f"| {' | '.join(HEAD + HEAD_JPEG)} |\n|{'---|' * len(HEAD + HEAD_JPEG)}")
    if arguments.released:
        for says, bench in without(arguments.pairs).items():
            print(line(says, None, bench, "–"))
        return
    OUT.mkdir(parents=True, exist_ok=True)
    with more_models():
        found = {name: measure(name, arguments.minutes, arguments.pairs) for name in arguments.rows or ROWS}
    for row in found.values():
        print(line(row["says"], row, row["bench"], f"{row['validation']:.2f}"))
        if "unprojected" in row:
            print(line("no projection", row, row["unprojected"], "–"))


if __name__ == "__main__":
    main()
