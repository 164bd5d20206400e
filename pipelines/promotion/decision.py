"""Whether a challenger is better than the champion: a pure function of both one's figures on the same pictures."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from restereo.margins import Promotion, Slice

Outcome = Literal["promote", "refuse", "too few"]
SPEED = "seconds_per_megapixel"
SUPPORT = ("match_share", "match_correlation")
TENTH = 0.1
DECIBELS = " in dB"
PERFECT = 100.0
"""dB of no error, and the most that a small one counts for: as the PSNR of a perfect copy (`imaging/metrics.py`)."""


@dataclass(frozen=True)
class PairedResult:
    """The figures of both models on one test picture.

    Attributes:
        scene: What it shows; pictures of one scene stand or fall together.
        variant: Kind of input, such as `clean` or `jpeg85`.
        champion: The champion's figures, `seconds_per_megapixel` among them; None where undefined.
        challenger: The challenger's.
        traits: What slices are cut by, where it is known: `brightness`, `disparity`.
    """

    scene: str
    variant: str
    champion: Mapping[str, float | None]
    challenger: Mapping[str, float | None]
    traits: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """One thing that was asked.

    Attributes:
        name: What.
        champion: The champion's figure, None where it has none.
        challenger: The challenger's.
        change: How much better the challenger is, negative = worse; a share for time and size. None = not known.
        limit: The least change that passes.
        passed: Whether it did.
    """

    name: str
    champion: float | None
    challenger: float | None
    change: float | None
    limit: float
    passed: bool


@dataclass(frozen=True)
class Verdict:
    """What was decided, and why.

    Attributes:
        outcome: `promote`, `refuse`, or `too few` where there are not enough scenes for a verdict.
        reason: Why, in a line.
        scenes: How many scenes were compared.
        checks: Everything that was asked; the gain, with the lower bound as its change, comes first.
    """

    outcome: Outcome
    reason: str
    scenes: int
    checks: tuple[Check, ...]

    @property
    def promote(self) -> bool:
        """Whether the challenger becomes champion."""
        return self.outcome == "promote"


def decide(
    results: Sequence[PairedResult],
    sizes: tuple[float | None, float | None],
    headline: str,
    settings: Promotion,
    seed: int = 0,
    guarded: bool = True,
    better: int = 1,
) -> Verdict:
    """Returns the verdict on a challenger; the same arguments give the same verdict.

    The gain in the headline on the first variant is bootstrapped over scenes, in pairs: both ones' figures on a
    scene are drawn together. The challenger wins if the lower bound exceeds `settings.gain` and no guard fails.

    Args:
        results: Every test picture, the variant that decides first.
        sizes: Bytes of the champion's and of the challenger's weights; None = not known.
        headline: The figure that decides.
        settings: The margins.
        seed: Of the bootstrap.
        guarded: False asks for the gain alone: what the champion is no guard for, such as a baseline.
        better: 1 if a higher headline is better; -1 if it is an error, which is then compared in dB.

    Example:
        >>> results = [PairedResult(f"scene {n}", "clean", {"psnr": 20.0}, {"psnr": 21.0 + n % 2}) for n in range(30)]
        >>> decide(results, (1e6, 1e6), "psnr", Promotion()).reason
        'psnr: +1.50 on average over 30 scenes, at least +1.33 with 95 % confidence; +0.10 is asked. No guard fails.'
        >>> decide(results[:5], (1e6, 1e6), "psnr", Promotion()).outcome
        'too few'
    """
    if better < 0:
        results, headline = in_decibels(results, headline), f"{headline}{DECIBELS}"
    first = [result for result in results if result.variant == results[0].variant]  # of none, none
    pairs = [(d.scene, both[0], both[1]) for d in first if (both := _both(d, headline))]
    scenes = len({scene for scene, *_ in pairs})
    mean, lower = gain_bounds(pairs, settings, seed)
    ours, theirs = _mean([ours for _, ours, _ in pairs]), _mean([theirs for *_, theirs in pairs])
    checks = [Check(f"{headline}, lower bound", ours, theirs, lower, settings.gain, (lower or 0.0) > settings.gain)]
    if lost := sum(d.champion.get(headline) is not None and d.challenger.get(headline) is None for d in results):
        checks.append(Check("pictures without a figure", 0.0, float(lost), -float(lost), 0.0, False))
    if guarded:
        checks += guards(results, first, sizes, headline, settings)
    if scenes < settings.min_scenes:
        reason = f"too few: {scenes} test scenes, at least {settings.min_scenes} are needed for a verdict."
        return Verdict("too few", reason, scenes, tuple(checks))
    message = f"{headline}: {mean:+.2f} on average over {scenes} scenes, at least {lower:+.2f} with "
    message += f"{settings.confidence:.0%} confidence; {settings.gain:+.2f} is asked".replace("%", " %")
    failed = [check for check in checks if not check.passed]
    if not failed:
        return Verdict("promote", f"{message}.{' No guard fails.' if guarded else ''}", scenes, tuple(checks))
    worse = [f"{c.name} {_shown(c.change)}, at least {c.limit:+.2f} is asked" for c in failed if c is not checks[0]]
    return Verdict("refuse", "; ".join([message, *worse]) + ".", scenes, tuple(checks))


def in_decibels(results: Sequence[PairedResult], error: str) -> list[PairedResult]:
    """Returns the results with an error, better if lower, also as `… in dB` below 1, better if higher.

    So margins in dB are those of every task, and +6 dB is half the error, whatever its unit.

    Example:
        >>> in_decibels([PairedResult("day", "clean", {"error": 0.1}, {"error": None})], "error")[0].champion
        {'error': 0.1, 'error in dB': 20.0}
    """

    def converted(figures: Mapping[str, float | None]) -> dict[str, float | None]:
        return {**figures, f"{error}{DECIBELS}": _decibels(figures.get(error))}

    return [
        replace(result, champion=converted(result.champion), challenger=converted(result.challenger))
        for result in results
    ]


def _decibels(error: float | None) -> float | None:
    if error is None:
        return None
    return min(PERFECT, -20 * math.log10(error)) if error else PERFECT


def _both(result: PairedResult, figure: str) -> tuple[float, float] | None:
    """Returns the champion's and the challenger's figure, None unless both are numbers."""
    ours, theirs = result.champion.get(figure), result.challenger.get(figure)
    if ours is None or theirs is None or not (math.isfinite(ours) and math.isfinite(theirs)):
        return None
    return ours, theirs


def gain_bounds(
    pairs: Sequence[tuple[str, float, float]], settings: Promotion, seed: int
) -> tuple[float | None, float | None]:
    """Returns the mean gain and the lower end of its bootstrap interval (percentile method, resampled by scene).

    Args:
        pairs: Scene, the champion's figure and the challenger's figure of each picture.
        settings: Confidence and number of resamples.
        seed: Of the resampling.

    Example:
        >>> gain_bounds([("a", 20.0, 21.0), ("a", 20.0, 22.0), ("b", 20.0, 21.5)], Promotion(), 0)
        (1.5, 1.5)
    """
    if not pairs:
        return None, None
    names, which = np.unique([scene for scene, *_ in pairs], return_inverse=True)
    gains = np.array([challenger - champion for _, champion, challenger in pairs])
    sums, counts = np.bincount(which, gains), np.bincount(which)
    drawn = resamples(len(names), settings.resamples, seed)
    means = np.concatenate([sums[scenes].sum(1) / counts[scenes].sum(1) for scenes in drawn])
    lower = np.quantile(means, (1 - settings.confidence) / 2)
    return float(gains.mean()), float(lower)


def resamples(count: int, times: int, seed: int) -> Iterator[NDArray[np.intp]]:
    """Yields the rows of a bootstrap, `(n, count)` numbers of scenes each, `times` rows in all, some at a time.

    The draw must not depend on numpy's version, or the gate would decide the same figures differently after an
    upgrade. Numpy promises that for the raw numbers of its bit generators, not for `Generator.multinomial` (NEP 19).

    Args:
        count: Number of scenes.
        times: Number of resamples.
        seed: The same one gives the same rows.

    Example:
        >>> [rows.tolist() for rows in resamples(5, 2, 0)]
        [[[3, 1, 0, 0, 4], [4, 3, 3, 2, 4]]]
    """
    bits = np.random.PCG64(seed)
    most = max(1, 2**20 // count)  # rows at a time: memory stays small for many scenes
    for done in range(0, times, most):
        rows = min(most, times - done)
        high = bits.random_raw(rows * count) >> np.uint64(32)
        yield (high * np.uint64(count) >> np.uint64(32)).astype(np.intp).reshape(rows, count)


def guards(
    results: Sequence[PairedResult],
    first: Sequence[PairedResult],
    sizes: tuple[float | None, float | None],
    headline: str,
    settings: Promotion,
) -> list[Check]:
    """Returns the checks that a challenger must not fail, in a fixed order.

    What the champion has no figure for cannot be lost and passes; what the challenger alone lacks fails.
    """
    limits = settings.guards
    slices = {"all": first} | {name: cut(first, one) for name, one in settings.slices.items()}
    found = [_worst(f"worst tenth, {name}", each, headline, limits.worst_decile) for name, each in slices.items()]
    jpegs = dict.fromkeys(result.variant for result in results if result.variant.startswith("jpeg"))
    found += [_average(jpeg, [d for d in results if d.variant == jpeg], headline, limits.jpeg) for jpeg in jpegs]
    found += [_average(name, first, name, limits.match_support) for name in SUPPORT]
    ratios = [both[1] / both[0] for d in results if (both := _both(d, SPEED)) and both[0] > 0]
    times = [[both[i] for d in results if (both := _both(d, SPEED))] for i in (0, 1)]
    slower = float(np.median(ratios)) - 1 if ratios else None
    medians = [float(np.median(one)) if one else None for one in times]
    found.append(_judged(SPEED, medians[0], medians[1], None if slower is None else -slower, limits.seconds))
    grown = sizes[1] / sizes[0] - 1 if sizes[0] and sizes[1] else None
    return [*found, _judged("size in bytes", *sizes, None if grown is None else -grown, limits.size)]


def cut(results: Sequence[PairedResult], wanted: Slice) -> list[PairedResult]:
    """Returns the results of a slice, at least one where the trait is known at all.

    Example:
        >>> scenes = {"day": 150.0, "night": 20.0}
        >>> results = [PairedResult(name, "clean", {}, {}, {"brightness": b}) for name, b in scenes.items()]
        >>> [result.scene for result in cut(results, Slice(trait="brightness", end="lowest"))]
        ['night']
    """
    known = [result for result in results if wanted.trait in result.traits]
    sign = 1 if wanted.end == "lowest" else -1
    ordered = sorted(known, key=lambda result: (sign * result.traits[wanted.trait], result.scene))
    return ordered[: max(1, round(wanted.share * len(known)))]


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if len(values) else None


def _average(name: str, results: Sequence[PairedResult], figure: str, margin: float) -> Check:
    ours, theirs = ([d.champion.get(figure) for d in results], [d.challenger.get(figure) for d in results])
    if all(value is None for value in theirs) and any(value is not None for value in ours):
        return Check(name, _mean([value for value in ours if value is not None]), None, None, -margin, False)
    both = [values for d in results if (values := _both(d, figure))]
    means = [_mean([pair[i] for pair in both]) for i in (0, 1)]
    return _judged(name, means[0], means[1], None, margin)


def _worst(name: str, results: Sequence[PairedResult], figure: str, margin: float) -> Check:
    both = [values for d in results if (values := _both(d, figure))]
    count = math.ceil(TENTH * len(both))
    worst = [_mean(sorted(pair[i] for pair in both)[:count]) for i in (0, 1)]
    return _judged(name, worst[0], worst[1], None, margin)


def _judged(name: str, ours: float | None, theirs: float | None, change: float | None, margin: float) -> Check:
    if change is None and ours is not None and theirs is not None:
        change = theirs - ours
    return Check(name, ours, theirs, change, -margin, change is None or change >= -margin)


def _shown(change: float | None) -> str:
    return "is missing" if change is None else f"{change:+.2f}"
