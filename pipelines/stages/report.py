"""Stage `report`: one self-contained HTML page on all recipes of a task that have been evaluated."""

from pipelines import paths
from pipelines.reporting.page import render
from pipelines.reporting.results import read, read_json
from restereo.config import load_params
from restereo.errors import UserError, nearest


def main(task: str) -> None:
    """Writes `data/report/TASK.html`.

    Raises:
        UserError: There is no such task, none of its recipes has been evaluated, or a file is broken.
    """
    params = load_params()
    if task not in params.tasks:
        raise UserError(f"params.yaml: unknown task '{task}': {nearest(task, params.tasks)}.")
    names = [name for name, row in params.recipes.items() if row.task == task]
    found = [results for name in names if (results := read(task, name)) is not None]
    if not found:
        wanted = ", ".join(str(paths.metrics(task, name)) for name in names) or "a recipe in params.yaml"
        raise UserError(
            f"{paths.report(task)}: no recipe of task '{task}' has been evaluated; "
            f"run `dvc --wait-for-lock repro` to make {wanted}."
        )
    index = read_json(paths.pairs(task) / "index.json") or {}
    validation = read_json(paths.VALIDATION) or {}
    page = paths.report(task)
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(task, params, found, index, validation), encoding="utf-8")
    print(page)


if __name__ == "__main__":
    from pipelines.environment import run_stage

    run_stage(main)
