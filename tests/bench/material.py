"""What the measures work on: the embedded photos, scenes made of them, and networks with default parameters."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from pipelines.synthesize import PHOTOS_PER_SCENE, SPLITS
from restereo.config import Params, load_params
from restereo.sample import Picture, Sample, Scene
from tests.conftest import ROOT


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
def photos() -> list[Picture]:
    """Returns the embedded photos."""
    from pipelines.download import fetch
    from restereo.sources._pictures import read_picture
    from restereo.sources.builtin import build

    place = folder() / "builtin"
    return [
        read_picture(place / item.files["photo"]) for item in fetch("builtin", build(), place) if item.kind == "photo"
    ]


def scene(number: int, split: int = 0, crop: int | None = None) -> Scene:
    """Returns one scene, or its first `crop` rows and columns, made as stage `synthesize` makes it."""
    import numpy as np

    from restereo.imaging.scenes import random_scene

    settings = params().synthesize
    rng = np.random.default_rng((params().seed, split, number))
    pictures = photos()
    chosen = rng.choice(len(pictures), min(PHOTOS_PER_SCENE, len(pictures)), replace=False)
    made = random_scene([pictures[i] for i in chosen], rng, settings.size, settings.max_disparity)
    truth = np.concatenate([made.left, made.right], axis=-1)
    disparity = made.disparity[:, :crop, :crop].astype(np.float16)
    return Scene(f"scene-{number:05d}", truth[:crop, :crop], disparity, made.occlusion[:, :crop, :crop])


@cache
def scenes() -> Path:
    """Returns a folder as stage `synthesize` writes it, with fewer scenes."""
    from restereo.progress import shown
    from restereo.training.shards import Record, write_split

    out = folder() / "scenes"
    out.mkdir()
    splits = {}
    for index, (split, count) in enumerate(zip(SPLITS, (40, 1, 1), strict=True)):
        made = (scene(number, index) for number in shown(range(count), f"{split} scenes"))
        splits[split] = write_split(out, split, (Record(s, {}, {}) for s in made), 2**28)
    (out / "index.json").write_text(json.dumps({"splits": splits}), encoding="utf-8")
    return out


def examples(recipe: str) -> Any:
    """Returns the endless training examples of a recipe."""
    from restereo.training.data import Examples
    from restereo.training.shards import Shards
    from restereo.training.trainer import make_task

    settings = params()
    task = make_task(settings, settings.recipe(recipe).task)
    return Examples(Shards(scenes()), task, settings.train_of(recipe).crop, settings.seed)


def batches(recipe: str, count: int) -> list[Sample]:
    """Returns training batches of a recipe, made beforehand."""
    from restereo.training.data import endless_batches

    settings = params().train_of(recipe)
    return list(islice(endless_batches(examples(recipe), settings.batch, 0, 0, 0, 1), count))


def network(recipe: str) -> tuple[Any, Any, Any]:
    """Returns task, network and objective of a recipe, the network with the same weights at each call."""
    import torch

    from restereo import catalog
    from restereo.training.trainer import make_task

    settings = params()
    row = settings.recipe(recipe)
    task = make_task(settings, row.task)
    torch.manual_seed(settings.seed)
    model = catalog.build("model", row.model, task.channels_in, task.channels_out, **row.model_options)
    return task, model, catalog.build("objective", row.objective, **row.objective_options)


def loop(recipe: str) -> Any:
    """Returns our loop on a recipe, ready to make its first step; it neither validates nor saves."""
    from lightning.fabric import Fabric

    from restereo.training.loop import Loop

    settings = params().train_of(recipe)
    never = settings.steps * 1000
    settings = settings.model_copy(update={"steps": never, "validate_every": never, "checkpoint_every": never})
    return Loop(Fabric(accelerator="cpu", devices=1), *network(recipe), settings, params().seed)
