"""The report's first sentences: how the best recipe stands against the baselines, good or bad."""

import math
import statistics
from collections.abc import Sequence

from pipelines.reporting.display import BASELINES, amount, called, gain, metric, ranked, shown, variant_label
from pipelines.reporting.results import Comparison

PLAIN = ("grey", "grey_copy", "bicubic", "identity")
"""The baselines that need no method at all; the first that was measured is what the verdict compares with."""

_DOES = {"missing_psnr": "recovers the missing colours"}


def verdict(comparison: Comparison) -> str:
    """Returns one sentence on the best recipe: against the plainest baseline, the best one, and on other inputs."""
    headline, figures = comparison.headline, comparison.variants[comparison.first]
    order = ranked(comparison.recipes, figures, headline)
    if not order:
        return f"No recipe has a figure for {headline}, so there is nothing to compare."
    best, baselines = order[0], ranked(comparison.baselines, figures, headline)
    subject = f"{best}, the best of {len(order)} recipes," if len(order) > 1 else best
    count = len(comparison.scenes.get(comparison.first, {}).get(best, {}))
    where = f" on {count} test scene{'s' if count != 1 else ''}" if count else ""
    plain = next((name for name in (*PLAIN, *BASELINES) if name in baselines), None)
    if plain is None:
        value = f"{shown(figures[best][headline], headline)} {metric(headline).unit}".strip()
        return f"{subject} reaches {value}{where}; no baseline was measured beside it."
    difference = gain(best, plain, figures, headline)
    text = f"{subject} {_DOES.get(headline, 'does')} {_against(difference, plain, headline)}{where}"
    if amount(difference, headline) and count > 1 and _uncertain(comparison.differences(best, plain)):
        text += " (a difference that chance may explain)"
    return f"{text}{_rivals(best, plain, baselines, comparison)}{_elsewhere(best, baselines, comparison)}."


def scene_wins(comparison: Comparison) -> str:
    """Returns in how many scenes the best recipe beats each baseline, as a sentence; empty without baselines."""
    best = comparison.recipes[0]
    counts = [
        f"{called(other)} in {sum(difference > 0 for difference in found)} of {len(found)}"
        for other in comparison.baselines
        if (found := comparison.differences(best, other))
    ]
    return f"Scene by scene, {best} is ahead of {', of '.join(counts)}." if counts else ""


def _uncertain(differences: Sequence[float]) -> bool:
    """Returns whether the mean lies within two standard errors of nothing, so that chance may explain it."""
    if len(differences) < 2:
        return True
    return abs(statistics.fmean(differences)) < 2 * statistics.stdev(differences) / math.sqrt(len(differences))


def _against(difference: float, other: str, headline: str) -> str:
    size = amount(difference, headline)
    if not size:
        return f"no better than {called(other)}"
    return f"{size} {'better' if difference > 0 else 'worse'} than {called(other)}"


def _rivals(best: str, plain: str, baselines: Sequence[str], comparison: Comparison) -> str:
    """Returns every baseline that is ahead, or else how the best one compares, unless it is the plain one."""
    headline, figures = comparison.headline, comparison.variants[comparison.first]
    gains = {other: gain(best, other, figures, headline) for other in baselines if other != plain}
    ahead = {other: amount(difference, headline) for other, difference in gains.items() if difference < 0}
    sizes = [(called(other), size) for other, size in ahead.items() if size]
    if sizes:
        (name, size), *more = sizes
        return f"; {name} is still {size} ahead" + "".join(f", {name} {size}" for name, size in more)
    rival = baselines[0]
    if rival == plain:
        return ""
    if not amount(gains[rival], headline):
        return f", and is level with {called(rival)}"
    return f", and {_against(gains[rival], rival, headline)}, the best baseline"


def _elsewhere(best: str, baselines: Sequence[str], comparison: Comparison) -> str:
    """Returns the comparisons with a baseline that turn round on the inputs that do not decide."""
    headline, (first, *others) = comparison.headline, comparison.variants
    parts = []
    for variant in others:
        turned = []
        for other in baselines:
            here, there = (gain(best, other, comparison.variants[name], headline) for name in (first, variant))
            if here * there < 0 and amount(there, headline):
                turned.append(_against(there, other, headline))
        if turned:
            parts.append(f"; with {variant_label(variant)}, it is {' and '.join(turned)}")
    return "".join(parts)
