"""How much a recovered film flickers: what changes from frame to frame at places that did not change in the film."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restereo.imaging.metrics import missing_psnr
from restereo.inference.films import motion
from restereo.inference.films.reader import Film, frames
from restereo.inference.films.span import WHOLE, Span
from restereo.inference.films.steadiness import Motion
from restereo.inference.films.views import FilmViews
from restereo.inference.predictor import Restorer
from restereo.progress import rated
from restereo.sample import Picture
from restereo.tasks.anaglyph import missing_of


@dataclass(frozen=True)
class Flicker:
    """Means over the frames of a film.

    Attributes:
        colour: Mean |change| in codes of what was recovered, along the film's own motion, where that was found.
        disparity: Likewise of the disparities, in px; None if the network matches nothing.
        missing_psnr: Of the recovered channels against the true film, dB; None without one.
    """

    colour: float
    disparity: float | None = None
    missing_psnr: float | None = None


def measure(
    restorer: Restorer, method: str, film: Film, span: Span = WHOLE, count: int = 24, truth: Film | None = None
) -> dict[str, Flicker]:
    """Returns the figures of the same frames recovered one by one, and held steady; and of the truth, if it is given.

    All three are judged along the motion that the steady run found in the anaglyph.

    Args:
        restorer: The network.
        method: The film's.
        film: An anaglyph film.
        span: Where to look.
        count: How many frames to look at.
        truth: The film that the anaglyph was made of, left and right side by side.
    """
    runs = {name: FilmViews(restorer, method, name == "steady") for name in ("frame by frame", "steady")}
    sums: dict[str, list[Flicker]] = {name: [] for name in (*runs, *(["truth"] if truth else []))}
    before: dict[str, tuple[Picture, NDArray[np.float32] | None]] = {}
    hidden = missing_of(method)
    hidden = np.ones(6, np.bool_) if hidden is None else hidden
    looked = zip(range(count), _pictures(film, span), _pictures(truth, span), strict=False)
    for _, picture, true in rated(looked, "Measuring", "frames", count):
        assert picture is not None
        answers: dict[str, tuple[Picture, NDArray[np.float32] | None]] = {}
        for name, views in runs.items():
            answer = views(picture)
            answers[name] = np.concatenate([answer.left, answer.right], axis=2), answer.disparity
        if true is not None:
            half = true.shape[1] // 2
            answers["truth"] = np.concatenate([true[:, :half], true[:, half:]], axis=2), None
        between = runs["steady"].frames.between
        for name, (six, disparity) in answers.items():
            if between is None or name not in before:
                continue
            colour = _change(six.astype(np.float32), before[name][0].astype(np.float32), between, hidden)
            moved = None if disparity is None else _disparity_change(disparity, before[name][1], between)
            score = missing_psnr(six, answers["truth"][0], hidden) if true is not None and name != "truth" else None
            sums[name].append(Flicker(colour, moved, score))
        before = answers
    return {name: _mean(several) for name, several in sums.items()}


def _pictures(film: Film | None, span: Span) -> Iterator[Picture | None]:
    while film is None:
        yield None
    yield from (frame.image() for frame in frames(film, span))


def _change(now: NDArray[np.float32], before: NDArray[np.float32], between: Motion, hidden: NDArray[np.bool_]) -> float:
    """Mean |now - before| of the hidden channels, along the motion, where it is trusted."""
    total = number = 0.0
    for eye, (moved, trusted) in enumerate(zip(between.moved, between.trusted, strict=True)):
        own = [channel for channel in range(3 * eye, 3 * eye + 3) if hidden[channel]]
        if own:
            laid = motion.fetched(np.ascontiguousarray(before[..., own]), moved).reshape(*moved.shape[:2], -1)
            off = np.abs(now[..., own] - laid).mean(axis=2)
            total, number = total + float(off[trusted > 0.5].sum()), number + float((trusted > 0.5).sum())
    return total / max(1.0, number)


def _disparity_change(now: NDArray[np.float32], before: NDArray[np.float32] | None, between: Motion) -> float:
    assert before is not None
    changes = [
        np.abs(one - motion.fetched(np.ascontiguousarray(was), moved, smooth=False))[trusted > 0.5]
        for one, was, moved, trusted in zip(now, before, between.moved, between.trusted, strict=True)
    ]
    return float(np.concatenate(changes).mean())


def _mean(several: Iterable[Flicker]) -> Flicker:
    all_of = list(several)

    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None

    return Flicker(
        mean([one.colour for one in all_of]) or 0.0,
        mean([one.disparity for one in all_of]),
        mean([one.missing_psnr for one in all_of]),
    )
