"""Stage `train`: one recipe on its task's scenes."""

from pipelines import cost, lineage, paths
from pipelines.quiet import run_stage


def main(recipe: str) -> None:
    """Writes the recipe's run folder; a killed training goes on where it was."""
    from restereo.config import load_params
    from restereo.training.trainer import train_recipe

    params = load_params()
    task = params.recipe(recipe).task
    facts = train_recipe(params, recipe, paths.pairs(task), paths.run(recipe), paths.live(recipe))
    cost.record(recipe, "train", {**facts, **lineage.work_tree()})


if __name__ == "__main__":
    run_stage(main)
