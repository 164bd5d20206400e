"""What the measures work on: the embedded photos, scenes made of them, and networks with default parameters."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.stages.synthesize import Row, Scenes
from restereo import catalog
from restereo.config import Params, Split, load_params
from restereo.progress import shown
from restereo.sample import Sample
from tests.conftest import ROOT

SCENES: dict[Split, int] = {"train": 40, "validation": 1, "test": 1}


@cache
def params() -> Params:
    """Returns the parameters of the checkout."""
    return load_params(ROOT / "params.yaml")


@cache
def folder() -> Path:
    """Returns a folder that is removed at the end."""
    made = Path(tempfile.mkdtemp(prefix="restereo-bench-"))
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


@cache
def builtin() -> Path:
    """Returns the folder of the embedded pictures."""
    from pipelines.stages.download import fetch
    from restereo.datasets.builtin import build

    fetch("builtin", build(), folder() / "builtin")
    return folder() / "builtin"


def photos() -> list[Row]:
    """Returns the embedded photos as rows of a manifest."""
    items = json.loads((builtin() / "index.json").read_text(encoding="utf-8"))["items"]
    facts = {"kind": "photo", "source": "builtin", "licence": "-"}
    return [{**facts, "path": str(builtin() / one["files"]["photo"])} for one in items if one["kind"] == "photo"]


@cache
def generated(split: Split) -> Scenes:
    """Returns the scenes that stage `synthesize` makes of the photos."""
    return Scenes(catalog.build("task", "anaglyph"), split, photos(), params())


@cache
def scenes() -> Path:
    """Returns a folder as stage `synthesize` writes it, with fewer scenes."""
    from restereo.training.shards import write_split

    out = folder() / "scenes"
    out.mkdir()
    splits = {}
    for split, count in SCENES.items():
        made = (generated(split)[number] for number in shown(range(count), f"{split} scenes"))
        splits[split] = write_split(out, split, made, 2**28)
    (out / "index.json").write_text(json.dumps({"splits": splits}), encoding="utf-8")
    return out


def examples(recipe: str) -> Any:
    """Returns the endless training examples of a recipe."""
    from restereo.training.data import Examples
    from restereo.training.shards import Shards
    from restereo.training.trainer import make_task

    settings = params()
    task, train = make_task(settings, settings.recipe(recipe).task), settings.train_of(recipe)
    return Examples(Shards(scenes()), task, train.crop, settings.seed, train.pair_share)


def batches(recipe: str, count: int) -> list[Sample]:
    """Returns training batches of a recipe, made beforehand."""
    from restereo.training.data import endless_batches

    settings = params().train_of(recipe)
    return list(islice(endless_batches(examples(recipe), settings.batch, 0, 0, 0, 1), count))


def network(recipe: str) -> tuple[Any, Any, Any]:
    """Returns task, network and objective of a recipe, the network with the same weights at each call."""
    import torch

    from restereo.tasks import build_model
    from restereo.training.trainer import make_task

    settings = params()
    row = settings.recipe(recipe)
    task = make_task(settings, row.task)
    torch.manual_seed(settings.seed)
    model = build_model(task, row.model, row.model_options)
    return task, model, catalog.build("objective", row.objective, **row.objective_options)


def loop(recipe: str) -> Any:
    """Returns our loop on a recipe, ready to make its first step; it neither validates nor saves."""
    from lightning.fabric import Fabric

    from restereo.training.loop import Loop

    settings = params().train_of(recipe)
    never = settings.steps * 1000
    settings = settings.model_copy(update={"steps": never, "validate_every": never, "checkpoint_every": never})
    return Loop(Fabric(accelerator="cpu", devices=1), *network(recipe), settings, params().seed)
