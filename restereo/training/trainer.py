"""From a recipe's name and a folder of scenes to a run folder."""

import hashlib
import os
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import nn

from restereo import catalog
from restereo.config import Params, Start
from restereo.digests import file_sha256, key_of
from restereo.errors import UserError
from restereo.progress import ProgressBar
from restereo.tasks import Task, build_model, build_task
from restereo.training import run_folder
from restereo.training.checkpoint import Live
from restereo.training.data import Examples, frozen_examples
from restereo.training.loop import Loop
from restereo.training.shards import Shards


def make_task(params: Params, name: str) -> Task:
    """Returns the task of a row of `tasks:`, with the training degradations of section `synthesize`."""
    row = params.task(name)
    return build_task(params.kinds[name], {"degradations": params.synthesize.degradations, **row.options})


def data_sha256(folder: Path) -> str:
    """Returns one SHA-256 over the names and bytes of the index and the shards of a folder."""
    digest = hashlib.sha256()
    for file in sorted([folder / "index.json", *folder.glob("*.safetensors")]):
        digest.update(f"{file.name} {file_sha256(file)}\n".encode())
    return digest.hexdigest()


def _engine() -> Fabric:
    """Every device of this machine, or what `torchrun` and SLURM say; bf16 where there is a GPU."""
    on_gpu = torch.cuda.is_available()
    fabric = Fabric(
        accelerator="cuda" if on_gpu else "cpu",
        devices=torch.cuda.device_count() if on_gpu else int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        num_nodes=int(os.environ.get("WORLD_SIZE", "1")) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")),
        precision="bf16-mixed" if on_gpu else "32-true",
    )
    fabric.launch()
    return fabric


def _config(params: Params, recipe: str, data: Path) -> dict[str, Any]:
    row = params.recipe(recipe)
    index = Shards(data).index
    return {
        "recipe": recipe,
        "seed": params.seed,
        "row": row.model_dump(),
        "task_kind": params.kinds[row.task],
        "task_options": {"degradations": params.synthesize.degradations, **params.tasks[row.task].options},
        "train": params.train_of(recipe).model_dump(),
        "data_sha256": data_sha256(data),
        "licences": index["licences"],
    }


def _set_out(model: nn.Module, start: Start) -> None:
    weights = run_folder.read_pinned(Path(start.file), start.sha256)
    if start.parts is not None:
        random = {name: one for name, one in model.state_dict().items() if name.split(".")[0] not in start.parts}
        weights = random | {name: one for name, one in weights.items() if name.split(".")[0] in start.parts}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = " ".join(str(error).split())
        what = f"weights of another network ({reason:.160}…)"
        raise UserError(what, where=start.file, remedy="name others in train.start") from None


def train_recipe(params: Params, recipe: str, data: Path, out: Path, live: Path, quiet: bool = False) -> dict[str, Any]:
    """Returns what the training cost, here and `in_all` with what a killed one had done; the run folder is in `out`.

    Args:
        params: The checked parameters.
        recipe: A row of `recipes:`.
        data: Folder that stage `synthesize` wrote for the recipe's task.
        out: The run folder to write; an old one is replaced when the new one is whole.
        live: Folder of the checkpoint. If a killed training left one there, this one goes on from it.
        quiet: Print nothing.

    Raises:
        UserError: The recipe is unknown, or the data are missing or too small.
    """
    row, settings = params.recipe(recipe), params.train_of(recipe)
    started, clock = datetime.now(UTC), time.perf_counter()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(params.seed)
    task = make_task(params, row.task)
    config = _config(params, recipe, data)
    examples = Examples(Shards(data), task, settings.crop, params.seed, settings.pair_share)
    frozen = frozen_examples(data, "validation", "clean")
    model = build_model(task, row.model, row.model_options)
    if settings.start:
        _set_out(model, settings.start)
    objective = catalog.build("objective", row.objective, **row.objective_options)

    fabric = _engine()
    loop = Loop(fabric, task, model, objective, settings, params.seed)
    quiet = quiet or fabric.global_rank > 0
    device = torch.cuda.get_device_name(fabric.device) if fabric.device.type == "cuda" else fabric.device.type
    facts = run_folder.environment(device, settings.threads)
    modules = [
        catalog.module_of("task", config["task_kind"]),
        catalog.module_of("model", row.model),
        catalog.module_of("objective", row.objective),
    ]
    place = Live(live, key_of([config, facts], __name__, *modules))
    if state := place.load(lambda why: quiet or print(why, file=sys.stderr)):
        loop.resume(state)
    with ProgressBar(recipe, settings.steps, "steps", loop.outcome.step, quiet) as progress:
        outcome = loop.run(examples, frozen, place, progress)
        steps, rate = outcome.step - progress.first, progress.rate

    best = loop.average.module
    best.load_state_dict(outcome.best)
    best.eval()  # it is calibrated as it will be used
    names = sorted(examples.shards.rows("validation")[0]["variants"])
    variants = {name: frozen_examples(data, "validation", name) for name in names}
    calibration = task.calibrate(best, variants, fabric.device)
    if fabric.global_rank == 0:
        metrics = {
            "best_step": outcome.best_step,
            "last_step": outcome.step,
            f"validation_{task.headline}": round(outcome.best_headline, 4),
            "parameters": sum(p.numel() for p in best.parameters()),
            "averaged_sha256": run_folder.weights_sha256(outcome.best),
            "raw_sha256": {name: run_folder.weights_sha256(raw) for name, raw in loop.raw().items()},
        }
        run_folder.write(out, config, facts, outcome.history, metrics, calibration, outcome.best)
        place.remove()
    return {
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - clock, 1),
        "steps": steps,
        "in_all": {"steps": outcome.step, "seconds": round(outcome.seconds, 1)},
        "samples_per_second": round(rate * settings.batch, 1),
        "host": platform.node(),
        "device": device,
    }
