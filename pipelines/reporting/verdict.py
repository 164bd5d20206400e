"""The report's first sentence: what the figures say, good or bad, in words."""

import math
import statistics
from collections.abc import Mapping, Sequence

from pipelines.reporting.display import BASELINES, Figures, amount, called, gain, metric, ranked, shown, variant_label

PLAIN = ("grey", "grey_copy", "bicubic", "identity")
"""The baselines that anybody could do, first found = what the verdict compares with."""

_DOES = {"missing_psnr": "recovers the missing colours"}
ByScene = Mapping[str, Mapping[str, float | None]]
"""Variant's headline figures: what was measured -> scene -> figure."""


def reference(whats: Sequence[str]) -> str | None:
    """Returns the baseline that the verdict compares with, the plainest first; None if there is none.

    Example:
        >>> reference(["unet", "sgbm", "grey"]), reference(["unet"])
        ('grey', None)
    """
    return next((name for name in (*PLAIN, *BASELINES) if name in whats), None)


def differences(what: str, other: str, by_scene: ByScene, headline: str) -> list[float]:
    """Returns by how much `what` is better than `other`, scene by scene, where both have a figure.

    Example:
        >>> differences("a", "b", {"a": {"s": 3.0, "t": None}, "b": {"s": 1.0, "t": 1.0}}, "missing_psnr")
        [2.0]
    """
    sign = metric(headline).better or 1
    mine, theirs = by_scene.get(what, {}), by_scene.get(other, {})
    both = [(a, b) for scene, a in mine.items() if a is not None and (b := theirs.get(scene)) is not None]
    return [sign * (a - b) for a, b in both]


def uncertain(values: Sequence[float]) -> bool:
    """Returns whether the mean lies within two standard errors of nothing, so that chance may explain it.

    Example:
        >>> uncertain([3.0, 3.1, 2.9]), uncertain([5.0, -4.0, 0.5]), uncertain([1.0])
        (False, True, True)
    """
    if len(values) < 2:
        return True
    return abs(statistics.fmean(values)) < 2 * statistics.stdev(values) / math.sqrt(len(values))


def _against(difference: float, other: str, headline: str) -> str:
    size = amount(difference, headline)
    if not size:
        return f"no better than {called(other)}"
    return f"{size} {'better' if difference > 0 else 'worse'} than {called(other)}"


def verdict(
    headline: str, recipes: Sequence[str], variants: Mapping[str, Figures], by_scene: Mapping[str, ByScene]
) -> str:
    """Returns one sentence on the best recipe: against the plain baseline, the best one, and other inputs.

    Args:
        headline: The metric that decides.
        recipes: What was trained; everything else in `variants` is a baseline.
        variants: Variant -> means over the scenes; the first decides, the others are told if they differ.
        by_scene: Variant -> the headline figure of each scene.

    Example:
        >>> means = {"unet": {"missing_psnr": 21.4}, "grey": {"missing_psnr": 18.3}}
        >>> by_scene = {"unet": {"s": 21.0, "t": 21.8}, "grey": {"s": 18.0, "t": 18.6}}
        >>> verdict("missing_psnr", ["unet"], {"clean": means}, {"clean": by_scene})
        'unet recovers the missing colours 3.1 dB better than the grey copy on 2 test scenes.'
    """
    first = next(iter(variants))
    figures, scenes = variants[first], by_scene.get(first, {})
    order = ranked(recipes, figures, headline)
    if not order:
        return f"No recipe has a figure for {headline}, so there is nothing to compare."
    best = order[0]
    baselines = [what for what in figures if what not in recipes]
    plain = reference(ranked(baselines, figures, headline))
    subject = f"{best}, the best of {len(order)} recipes," if len(order) > 1 else best
    count = len(scenes.get(best, {}))
    where = f"on {count} test scene{'s' if count != 1 else ''}"
    if plain is None:
        value = f"{shown(figures[best][headline], headline)} {metric(headline).unit}".strip()
        return f"{subject} reaches {value} {where}; no baseline was measured beside it."
    ahead = gain(best, plain, figures, headline)
    does = _DOES.get(headline, "does")
    sentence = f"{subject} {does} {_against(ahead, plain, headline)} {where}"
    if amount(ahead, headline) and count > 1 and uncertain(differences(best, plain, scenes, headline)):
        sentence += " (a difference that chance may explain)"
    rivals = _rivals(best, plain, baselines, figures, headline)
    return f"{sentence}{rivals}{_elsewhere(best, baselines, variants, headline)}."


def _rivals(best: str, plain: str, baselines: Sequence[str], figures: Figures, headline: str) -> str:
    """Returns every baseline that is ahead, or else what there is to say about the best one but the plain one."""
    order = ranked(baselines, figures, headline)
    gains = {other: gain(best, other, figures, headline) for other in order if other != plain}
    ahead = [other for other, difference in gains.items() if difference < 0 and amount(difference, headline)]
    if ahead:
        first, *more = [(called(other), amount(gains[other], headline)) for other in ahead]
        return f"; {first[0]} is still {first[1]} ahead" + "".join(f", {name} {size}" for name, size in more)
    if order[0] == plain or not gains:
        return ""
    rival = order[0]
    if not amount(gains[rival], headline):
        return f", and is level with {called(rival)}"
    return f", and {_against(gains[rival], rival, headline)}, the best baseline"


def _elsewhere(best: str, baselines: Sequence[str], variants: Mapping[str, Figures], headline: str) -> str:
    """Returns the comparisons with a baseline that turn round on the inputs that do not decide."""
    (_, first), *others = variants.items()
    told = []
    for name, figures in others:
        turned = []
        for other in ranked(baselines, figures, headline):
            here, there = (gain(best, other, f, headline) for f in (first, figures))
            if here * there < 0 and amount(there, headline):
                turned.append(_against(there, other, headline))
        if turned:
            told.append(f"; with {variant_label(name)}, it is {' and '.join(turned)}")
    return "".join(told)


def wins(what: str, baselines: Sequence[str], by_scene: ByScene, headline: str) -> str:
    """Returns in how many scenes a recipe beats each baseline, as a sentence; empty without baselines.

    Example:
        >>> wins("u", ["grey"], {"u": {"s": 3.0, "t": 1.0}, "grey": {"s": 1.0, "t": 2.0}}, "missing_psnr")
        'Scene by scene, u is ahead of the grey copy in 1 of 2.'
    """
    told = [
        f"{called(other)} in {sum(d > 0 for d in found)} of {len(found)}"
        for other in baselines
        if (found := differences(what, other, by_scene, headline))
    ]
    return f"Scene by scene, {what} is ahead of {', of '.join(told)}." if told else ""
