"""The recipes of one task and their baselines on one table: merged, ordered, and given their looks."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.reporting.charts import COLOURS, Shape
from pipelines.reporting.display import BASELINES, METRICS, called, capitalized, ranked
from pipelines.reporting.results import Figures, RecipeResults

_SHAPES: dict[str, Shape] = {
    "identity": "circle",
    "grey": "square",
    "grey_copy": "square",
    "bicubic": "square",
    "sgbm": "diamond",
}


@dataclass(frozen=True)
class Comparison:
    """What every section of the page reads.

    Attributes:
        recipes: Best first (by the headline figure of the first variant), then those without a figure.
        baselines: From the plainest to the cleverest.
        variants: Variant -> what -> metric -> mean; "clean" comes first.
        scenes: Variant -> what -> scene -> figures.
        doubts: Sentences on what does not fit together.
    """

    headline: str
    recipes: list[str]
    baselines: list[str]
    variants: dict[str, dict[str, Figures]]
    scenes: dict[str, dict[str, dict[str, Figures]]]
    doubts: list[str]

    @property
    def first(self) -> str:
        """The variant that decides."""
        return next(iter(self.variants))

    @property
    def metrics(self) -> list[str]:
        """Every metric that has a figure anywhere: known ones in the glossary's order, then the others."""
        found = dict.fromkeys(
            name
            for whats in self.variants.values()
            for figures in whats.values()
            for name, value in figures.items()
            if value is not None
        )
        return [name for name in METRICS if name in found] + [name for name in found if name not in METRICS]

    def headlines(self, variant: str) -> dict[str, dict[str, float | None]]:
        """The headline figure of each scene: what -> scene -> figure."""
        return {
            what: {scene: figures.get(self.headline) for scene, figures in found.items()}
            for what, found in self.scenes.get(variant, {}).items()
        }

    def look(self, what: str) -> tuple[Shape, str]:
        """The marker and the colour class of a recipe (a filled disc) or a baseline (an open grey shape)."""
        if what in self.recipes:
            return "disc", f"c{self.recipes.index(what) % COLOURS}"
        return _SHAPES.get(what, "triangle"), "baseline"


def compare(found: Sequence[RecipeResults]) -> Comparison:
    """Returns the recipes' evidence as one table.

    A baseline is measured beside every recipe; the first recipe's figures stand for it, and where another's
    differ (they were measured at different times), `doubts` says so. Only recipes with the headline of the
    first one are ranked.

    Raises:
        ValueError: There is nothing to compare.
    """
    if not found:
        raise ValueError("no evidence to compare")
    names = [evidence.recipe for evidence in found]
    variants: dict[str, dict[str, Figures]] = {}
    scenes: dict[str, dict[str, dict[str, Figures]]] = {}
    unlike: dict[str, dict[str, None]] = {}
    order = dict.fromkeys(variant for evidence in found for variant in evidence.variants)
    for variant in sorted(order, key=lambda name: name != "clean"):
        variants[variant] = {}
        for evidence in found:
            for what, figures in evidence.variants.get(variant, {}).items():
                if variants[variant].setdefault(what, figures) != figures:
                    unlike.setdefault(evidence.recipe, {})[called(what)] = None
    doubts = [
        f"{' and '.join(whats)} {'has' if len(whats) == 1 else 'have'} other figures beside {recipe} than beside "
        f"{found[0].recipe}; they were not measured alike, so evaluate again."
        for recipe, whats in unlike.items()
    ]
    for evidence in found:
        for row in evidence.scenes:
            by_what = scenes.setdefault(row.variant, {})
            by_what.setdefault(row.what, {}).setdefault(row.name, row.figures)
    headline = found[0].headline
    doubts += [
        f"{evidence.recipe} is judged by {evidence.headline}, not by {headline} like {found[0].recipe}."
        for evidence in found
        if evidence.headline != headline
    ]
    doubts += [
        f"the figures of {evidence.recipe} are of other weights than those in its run folder: evaluate it again."
        for evidence in found
        if evidence.measured and evidence.weights and evidence.measured != evidence.weights.sha256
    ]
    best_first = ranked(names, variants[next(iter(variants))], headline)
    others = {what for whats in variants.values() for what in whats if what not in names}
    return Comparison(
        headline=headline,
        recipes=best_first + [name for name in names if name not in best_first],
        baselines=[name for name in BASELINES if name in others] + sorted(others - set(BASELINES)),
        variants=variants,
        scenes=scenes,
        doubts=[capitalized(doubt) for doubt in doubts],
    )
