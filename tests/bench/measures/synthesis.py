"""Samples/s of one core from photos to what training sees, and the share of forming anaglyphs in it."""

import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

from restereo.sample import Scene
from tests.bench import material
from tests.bench.figure import Figure
from tests.bench.options import Options

SCENES = 120
PASSES = 4


def measure(_: Options) -> Iterator[Figure]:
    """Yields the rate and the share twice: one scene for each sample, and training's own use of stored scenes."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    examples = material.examples(sorted(material.params().recipes)[0])
    task, scenes = examples.task, material.generated("train")

    def whole(number: int) -> Any:
        made = scenes[number].scene
        height, width = examples.crop
        assert made.disparity is not None and made.occlusion is not None
        maps = made.disparity[:, :height, :width], made.occlusion[:, :height, :width]
        return task.draw(Scene(made.name, made.truth[:height, :width], *maps), number)

    rate, share = _timed(task, whole, SCENES)
    yield Figure(
        "synthesis.samples", rate, "samples/s", note="photos -> scene -> window -> degraded -> batch; one core"
    )
    yield Figure("synthesis.formation", share, target=0.1, note="share of processor time in that chain")
    rate, share = _timed(task, examples.__getitem__, SCENES * 8)
    yield Figure("synthesis.drawn", rate, "samples/s", note="stored scene -> window -> degraded -> batch; one core")
    yield Figure(
        "synthesis.drawn_formation", share, note="share there: a stored scene is drawn from about a hundred times"
    )


def _timed(task: Any, sample: Callable[[int], Any], count: int) -> tuple[float, float]:
    """Samples per processor second, and the share of `form`: the quickest pass of a few."""
    from restereo.imaging.anaglyph import form as real
    from restereo.progress import shown
    from restereo.tasks import anaglyph
    from restereo.training.data import collate

    spent = [0.0]

    def form(*arguments: Any) -> Any:
        start = time.process_time()
        picture = real(*arguments)
        spent[0] += time.process_time() - start
        return picture

    passes: list[tuple[float, float]] = []
    with patch.object(anaglyph, "form", form):
        for turn in shown(range(-1, PASSES), "samples"):
            spent[0], start = 0.0, time.process_time()
            for first in range(0, count // PASSES, 8):
                numbers = range(turn * count + first, turn * count + first + 8)
                collate([sample(max(0, number)) for number in numbers], task)
            if turn >= 0:
                passes.append((time.process_time() - start, spent[0]))
    total, formed = min(passes)
    return count // PASSES / total, formed / total
