"""Stage `report`: one self-contained HTML page on all recipes of a task that have been evaluated."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines import paths
from pipelines.reporting import gallery, provenance, sections
from pipelines.reporting.comparison import Comparison, compare
from pipelines.reporting.display import capitalized, metric, title, variant_label
from pipelines.reporting.embedding import embed
from pipelines.reporting.results import RecipeResults, read, read_json
from pipelines.reporting.verdict import verdict, wins
from restereo.config import Params, load_params
from restereo.errors import UserError, nearest

TEMPLATES = Path(__file__).parent / "reporting" / "templates"


def render(
    task: str, params: Params, found: Sequence[RecipeResults], index: Mapping[str, Any], validation: Mapping[str, Any]
) -> str:
    """Returns the page's HTML; the same inputs give the same text.

    Args:
        task: A row of `tasks:`.
        params: The checked parameters.
        found: The evidence of its evaluated recipes, at least one.
        index: Content of the task's `index.json`, empty if there is none.
        validation: Content of `validation.json`, empty if there is none.
    """
    comparison = compare(found)
    ordered = sorted(found, key=lambda evidence: comparison.recipes.index(evidence.recipe))
    pictures = embed(gallery.picture_files(ordered), params.report.picture_height)
    names = [name for name, row in params.recipes.items() if row.task == task]
    stated = [*index.get("licences", []), *(x for e in found for x in e.config.get("licences", []))]
    headline = metric(comparison.headline)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["safe_svg"] = Markup  # our own drawings, whose texts are escaped where they are drawn
    environment.filters["capitalize_first"] = capitalized
    return environment.get_template("report.html").render(
        task=task,
        title=title(task, params.kinds[task]),
        verdict=_verdict(comparison),
        wins=_wins(comparison),
        glance=sections.glance(comparison),
        doubts=comparison.doubts + sections.suspects(comparison),
        waiting=[name for name in names if name not in comparison.recipes],
        headline=headline,
        headline_name=f"{headline.group}, {headline.label}",
        first=variant_label(comparison.first),
        metrics=[{"name": name, **metric(name).__dict__} for name in comparison.metrics],
        tables=sections.results(comparison),
        curves=sections.curves(ordered, comparison),
        no_history=[e.recipe for e in ordered if not e.history],
        examples=gallery.examples(ordered, comparison, pictures),
        no_pictures=[e.recipe for e in ordered if not e.pictures],
        worst=sections.worst(comparison),
        by_scene=sections.by_scene(comparison),
        best=comparison.recipes[0],
        costs=provenance.costs(ordered),
        baseline_speeds=provenance.baseline_speeds(ordered),
        recipes=[evidence.recipe for evidence in ordered],
        lineage=provenance.lineage(ordered),
        splits=provenance.splits(index),
        licences=provenance.licences(stated),
        checks=provenance.checks(validation),
    )


def _verdict(comparison: Comparison) -> str:
    by_scene = {variant: comparison.headlines(variant) for variant in comparison.variants}
    return verdict(comparison.headline, comparison.recipes, comparison.variants, by_scene)


def _wins(comparison: Comparison) -> str:
    by_scene = comparison.headlines(comparison.first)
    return wins(comparison.recipes[0], comparison.baselines, by_scene, comparison.headline)


def main(task: str) -> None:
    """Writes `data/report/TASK.html`.

    Raises:
        UserError: There is no such task, none of its recipes has been evaluated, or a file is broken.
    """
    params = load_params()
    if task not in params.tasks:
        raise UserError(f"params.yaml: unknown task '{task}': {nearest(task, params.tasks)}.")
    names = [name for name, row in params.recipes.items() if row.task == task]
    found = [evidence for name in names if (evidence := read(task, name)) is not None]
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
    print(f"{page}: {provenance.file_size(page.stat().st_size)}")


if __name__ == "__main__":
    from pipelines.environment import run_stage

    run_stage(main)
