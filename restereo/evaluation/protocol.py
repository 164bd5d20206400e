"""The protocol: one `judge` for the stage and for the command line, of one scene, of a folder, of every method."""

import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from restereo.datasets.pairs import PairFiles
from restereo.errors import UserError
from restereo.evaluation.reader import read_photo, read_scene
from restereo.image import Picture
from restereo.methods import AnaglyphMethod
from restereo.progress import shown
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


def evaluate_folder(
    predictor: Predictor, task: Task, files: Sequence[PairFiles | Path], jpeg_quality: int | None = None
) -> dict[str, Any]:
    """Returns `{"scenes": {name: figures}, "mean": figures}`; the figures are those of `Task.measure` and the speed.

    Args:
        predictor: What is measured.
        task: The task it answers.
        files: The pairs, as `find_pairs` finds them in a folder, or for a task of single pictures the photos.
        jpeg_quality: If given, the input is saved as JPEG 4:2:0 of this quality first.

    Raises:
        UserError: A picture is damaged, the views of a pair differ in size, or two scenes have one name.
    """
    scenes: dict[str, Figures] = {}
    for name, one in shown(list(named(files).items()), "scenes"):
        scene = task.prepare(read_photo(one, name) if isinstance(one, Path) else read_scene(one))
        judged = judge(predictor, scene, task.observe(scene.truth, jpeg_quality), task)
        scenes[name] = {**judged.figures, "seconds_per_megapixel": judged.seconds_per_megapixel}
    return {"scenes": scenes, "mean": mean(list(scenes.values()))}


def named(files: Sequence[PairFiles | Path]) -> dict[str, PairFiles | Path]:
    """Returns the scenes by name; a photo's is its path below the folder that all lie in, `/` becoming `_`.

    Raises:
        UserError: Two have the same name, such as `one.jpg` and `one.png`.

    Example:
        >>> list(named([Path("photos/set5/one.png"), Path("photos/set14/one.png"), Path("photos/two.png")]))
        ['set5_one', 'set14_one', 'two']
    """
    photos = [one for one in files if isinstance(one, Path)]
    top = Path(os.path.commonpath([photo.parent for photo in photos])) if photos else Path()
    scenes: dict[str, PairFiles | Path] = {}
    for one in files:
        name = "_".join(one.relative_to(top).with_suffix("").parts) if isinstance(one, Path) else one.name
        if name in scenes:
            raise UserError(f"a second scene of the name '{name}'", where=one, remedy="rename one of the two")
        scenes[name] = one
    return scenes


def evaluate_methods(
    predictors: Mapping[str, Predictor],
    task: Task,
    methods: Sequence[AnaglyphMethod],
    files: Sequence[PairFiles],
    jpeg_quality: int | None = None,
) -> dict[str, Figures]:
    """Returns name of the method -> predictor -> mean headline over the scenes.

    The headline is PSNR of the hidden channels, or of both whole views where a method hides none outright.

    Args:
        predictors: What is measured, by name.
        task: The task they answer.
        methods: Anaglyph methods.
        files: The pairs.
        jpeg_quality: If given, the input is saved as JPEG 4:2:0 of this quality first.

    Raises:
        UserError: A picture is damaged.
    """
    scenes = [read_scene(pair) for pair in files]
    return {
        method.name: mean([headlines(predictors, task.observing(method), scene, jpeg_quality) for scene in scenes])
        for method in shown(methods, "methods")
    }


def headlines(predictors: Mapping[str, Predictor], task: Task, scene: Scene, jpeg_quality: int | None) -> Figures:
    """Returns the headline of each predictor's answer to one scene."""
    observation = task.observe(scene.truth, jpeg_quality)
    observed, operator = to_tensor(observation.picture), task.operator(observation)
    with torch.inference_mode():
        answers = {name: to_picture(ask(observed, operator).image) for name, ask in predictors.items()}
    return {name: task.headline_of(answer, scene, observation) for name, answer in answers.items()}
