"""The report's example scenes: which pictures there are, what each shows, and its figures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.reporting.comparison import Comparison
from pipelines.reporting.display import metric, shown, variant_label
from pipelines.reporting.embedding import Embedded
from pipelines.reporting.results import RecipeResults

VIEWS = {
    "observed": ("Input", "what goes in"),
    "observed_left": ("Input, left eye", "what goes in"),
    "prediction": ("Recovered", "what the network makes of it"),
    "truth": ("Truth", "what it should be"),
    "prediction_left": ("Recovered, left eye", "what the network makes of it"),
    "truth_left": ("Truth, left eye", "what it should be"),
    "observed_right": ("Input, right eye", "what goes in"),
    "prediction_right": ("Recovered, right eye", "what the network makes of it"),
    "truth_right": ("Truth, right eye", "what it should be"),
}
BROAD = 2.2
"""A picture so much wider than high gets the whole width of the page."""
_ROLES = {"best": "best scene", "median": "middle scene", "worst": "worst scene"}


def picture_files(found: Sequence[RecipeResults]) -> list[Path]:
    """Returns every picture that the recipes' examples name."""
    return [
        evidence.folder / name
        for evidence in found
        for row in evidence.pictures
        for view, name in row["files"].items()
        if view in VIEWS
    ]


def examples(
    found: Sequence[RecipeResults], comparison: Comparison, embedded: Mapping[Path, Embedded]
) -> list[dict[str, Any]]:
    """Returns the example scenes of each recipe by kind of input: best, middle, worst."""
    groups = []
    roles = list(_ROLES)
    for evidence in sorted(found, key=lambda e: comparison.recipes.index(e.recipe)):
        for variant in comparison.variants:
            rows = [row for row in evidence.pictures if row["variant"] == variant]
            rows.sort(key=lambda row: roles.index(row["role"]) if row["role"] in roles else len(roles))
            scenes = [_example(evidence, comparison, row, embedded) for row in rows]
            if scenes:
                groups.append({"recipe": evidence.recipe, "label": variant_label(variant), "scenes": scenes})
    return groups


def _example(
    evidence: RecipeResults, comparison: Comparison, row: Mapping[str, Any], embedded: Mapping[Path, Embedded]
) -> dict[str, Any]:
    scene, folder = str(row["scene"]), evidence.folder
    views = [
        {
            "view": view,
            "label": label,
            "alt": f"{label} of scene {scene}: {means}",
            "picture": embedded[folder / row["files"][view]],
        }
        for view, (label, means) in VIEWS.items()
        if view in row["files"] and folder / row["files"][view] in embedded
    ]
    shapes = [embedded[folder / row["files"][view["view"]]] for view in views]
    figures = comparison.scenes.get(row["variant"], {}).get(evidence.recipe, {}).get(scene, {})
    known = {comparison.headline: row.get(comparison.headline), **figures}
    return {
        "scene": scene,
        "role": _ROLES.get(row["role"], str(row["role"])),
        "figures": told(known, comparison.headline),
        "views": views,
        "broad": any(p.width > BROAD * p.height for p in shapes),
        "missing": len(row["files"]) - len(views),
    }


def told(figures: Mapping[str, float | None], headline: str) -> str:
    """Returns a scene's headline figure in words, with its parts where they are known; empty if it is not.

    Example:
        >>> told({"missing_psnr": 21.84, "missing_psnr_visible": 23.6}, "missing_psnr")
        'Missing colours: 21.8 dB (visible 23.6)'
    """
    value = figures.get(headline)
    if value is None:
        return ""
    parts = [name for name in figures if name.startswith(f"{headline}_") and figures[name] is not None]
    inner = ", ".join(f"{metric(name).label} {shown(figures[name], name)}" for name in parts)
    text = f"{metric(headline).group}: {shown(value, headline)} {metric(headline).unit}".strip()
    return f"{text} ({inner})" if inner else text
