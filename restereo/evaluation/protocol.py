"""The protocol: one `evaluate(predictor, examples, task)` for the stage and for the command line."""

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass

import torch

from restereo.image import Picture
from restereo.sample import Observation, Predictor, Scene
from restereo.tasks import Figures, Task, to_picture, to_tensor


@dataclass(frozen=True)
class Judged:
    """One scene's answer and figures.

    Attributes:
        scene: The scene.
        observation: What the predictor was given.
        answer: `(H, W, K)` uint8, what it gave back.
        figures: The task's figures by name.
        seconds_per_megapixel: Time of the prediction alone, by the wall clock.
    """

    scene: Scene
    observation: Observation
    answer: Picture
    figures: Figures
    seconds_per_megapixel: float


def judge(predictor: Predictor, scene: Scene, observation: Observation, task: Task) -> Judged:
    """Returns the predictor's answer to one observation, judged against the scene."""
    observed, operator = to_tensor(observation.picture), task.operator(observation)
    started = time.perf_counter()
    with torch.inference_mode():
        prediction = predictor(observed, operator)
        answer = to_picture(prediction.image)
    seconds = time.perf_counter() - started
    height, width = observation.picture.shape[:2]
    figures = task.measure(answer, prediction, scene, observation) | task.trust(prediction, observation)
    return Judged(scene, observation, answer, figures, seconds / (height * width / 1e6))


def evaluate(predictor: Predictor, examples: Iterable[tuple[Scene, Observation]], task: Task) -> Iterable[Judged]:
    """Yields each scene judged, in order, so that a caller can show progress."""
    for scene, observation in examples:
        yield judge(predictor, scene, observation, task)


def mean(rows: list[Figures]) -> Figures:
    """Returns the mean of each figure over the scenes where it is defined; None where it is defined in none.

    Example:
        >>> mean([{"psnr": 20.0, "epe": None}, {"psnr": 30.0, "epe": None}])
        {'psnr': 25.0, 'epe': None}
    """
    means: Figures = {}
    for name in rows[0]:
        values = [value for row in rows if (value := row[name]) is not None and math.isfinite(value)]
        means[name] = sum(values) / len(values) if values else None
    return means
