"""How much a recovered film flickers: what changes from frame to frame at places that did not change in the film."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from restereo.image import Picture
from restereo.imaging.metrics import missing_psnr
from restereo.inference.engine import Restorer
from restereo.methods import AnaglyphMethod
from restereo.progress import rated
from restereo.tasks.anaglyph import missing_of
from restereo.video import motion
from restereo.video.frames import Frames
from restereo.video.reader import Film, frames
from restereo.video.temporal import Motion
from restereo.video.time_range import WHOLE, Span
from restereo.video.views import anaglyph_frames


@dataclass(frozen=True)
class Flicker:
    """Means over the frames of a film.

    Attributes:
        colour: Mean |change| in codes of what was recovered, along the film's own motion; None where none was found,
            because every frame begins a scene.
        disparity: Likewise of the disparities, in px; None if the network matches nothing.
        psnr: Of the recovered channels against the true film, dB; None without one.
    """

    colour: float | None
    disparity: float | None = None
    psnr: float | None = None


def measure(
    restorer: Restorer,
    method: AnaglyphMethod | None,
    film: Film,
    span: Span = WHOLE,
    count: int = 24,
    truth: Film | None = None,
) -> dict[str, Flicker]:
    """Returns the figures of the same frames restored one by one, and held steady; and of the truth, if it is given.

    All three are judged along the motion that the steady run found in the film.

    Args:
        restorer: The network.
        method: Of an anaglyph film; None for a task of single pictures, such as colorization.
        film: The film to restore.
        span: Where to look.
        count: How many frames to look at.
        truth: The film that it was made of; of an anaglyph both views, left and right side by side.
    """
    runs = {name: _frames(restorer, method, name == "steady") for name in ("frame by frame", "steady")}
    sums: dict[str, list[Flicker]] = {name: [] for name in (*runs, *(["truth"] if truth else []))}
    before: dict[str, tuple[Picture, NDArray[np.float32] | None]] = {}
    hidden = None if method is None else missing_of(method)
    hidden = np.ones(restorer.task.channels_out, np.bool_) if hidden is None else hidden
    looked = zip(range(count), _pictures(film, span), _pictures(truth, span), strict=False)
    for _, picture, true in rated(looked, "Measuring", "frames", count):
        assert picture is not None
        answers: dict[str, tuple[Picture, NDArray[np.float32] | None]] = {}
        for name, maker in runs.items():
            views, said = maker.restore(picture)
            answers[name] = views, None if said.disparity is None else said.disparity[0].numpy(force=True)
        if true is not None:
            answers["truth"] = np.concatenate(np.split(true, restorer.task.channels_out // 3, axis=1), axis=2), None
        between = runs["steady"].between
        for name, (views, disparity) in answers.items():
            if between is None or name not in before:
                continue
            colour = _change(views.astype(np.float32), before[name][0].astype(np.float32), between, hidden)
            moved = None if disparity is None else _disparity_change(disparity, before[name][1], between)
            score = missing_psnr(views, answers["truth"][0], hidden) if true is not None and name != "truth" else None
            sums[name].append(Flicker(colour, moved, score))
        before = answers
    return {name: _mean(several) for name, several in sums.items()}


def _frames(restorer: Restorer, method: AnaglyphMethod | None, steady: bool) -> Frames:
    return Frames(restorer, steady=steady) if method is None else anaglyph_frames(restorer, method, steady)


def _pictures(film: Film | None, span: Span) -> Iterator[Picture | None]:
    while film is None:
        yield None
    yield from (frame.image() for frame in frames(film, span))


def _change(
    now: NDArray[np.float32], before: NDArray[np.float32], between: Motion, hidden: NDArray[np.bool_]
) -> float | None:
    """Mean |now - before| of the hidden channels, along the motion, where it is trusted; None if it is nowhere."""
    total = number = 0.0
    for eye, (moved, trusted) in enumerate(zip(between.moved, between.trusted, strict=True)):
        own = [channel for channel in range(3 * eye, 3 * eye + 3) if hidden[channel]]
        if own:
            laid = motion.fetched(np.ascontiguousarray(before[..., own]), moved).reshape(*moved.shape[:2], -1)
            off = np.abs(now[..., own] - laid).mean(axis=2)
            total, number = total + float(off[trusted > 0.5].sum()), number + float((trusted > 0.5).sum())
    return total / number if number else None


def _disparity_change(now: NDArray[np.float32], before: NDArray[np.float32] | None, between: Motion) -> float | None:
    assert before is not None
    changes = [
        np.abs(one - motion.fetched(np.ascontiguousarray(was), moved, smooth=False))[trusted > 0.5]
        for one, was, moved, trusted in zip(now, before, between.moved, between.trusted, strict=True)
    ]
    changed = np.concatenate(changes)
    return float(changed.mean()) if changed.size else None


def _mean(several: Iterable[Flicker]) -> Flicker:
    all_of = list(several)

    def mean(values: list[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None

    return Flicker(
        mean([one.colour for one in all_of]),
        mean([one.disparity for one in all_of]),
        mean([one.psnr for one in all_of]),
    )
