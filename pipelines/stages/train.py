"""Stage `train`: one recipe on its task's scenes."""

import os
from contextlib import AbstractContextManager, nullcontext

from pipelines import paths, results
from pipelines.environment import exclusive, run_stage
from pipelines.tracking.lineage import work_tree

LOCK_SECONDS = 15.0
"""Loader processes of a killed training notice it within 5 s."""


def alone(recipe: str, seconds: float = LOCK_SECONDS) -> AbstractContextManager[None]:
    """Lets one training of a recipe at a time write its checkpoint: `kill -9` of DVC alone leaves the stage running."""
    if os.environ.get("LOCAL_RANK", "0") != "0":  # the other processes of one training
        return nullcontext()
    file = paths.live(recipe).with_suffix(".lock")
    return exclusive(file, seconds, f"another training of '{recipe}' still runs; wait for it, or end it")


def main(recipe: str) -> None:
    """Writes the recipe's run folder; a killed training goes on where it was."""
    from restereo.config import load_params
    from restereo.training.trainer import train_recipe

    params = load_params()
    task = params.recipe(recipe).task
    with alone(recipe):
        facts = train_recipe(params, recipe, paths.pairs(task), paths.run(recipe), paths.live(recipe))
    results.write_cost(recipe, "train", {**facts, **work_tree()})


if __name__ == "__main__":
    run_stage(main)
