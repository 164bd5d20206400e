"""The headline of every way to observe the same scenes: one row for each anaglyph method."""

import torch
from rich.console import Console
from rich.table import Column, Table

from restereo.datasets.pairs import PairFiles
from restereo.evaluation.protocol import mean
from restereo.evaluation.reader import read_scene
from restereo.methods import AnaglyphMethod
from restereo.progress import shown
from restereo.sample import Predictor, Scene
from restereo.tasks import Figures, Task, to_picture, to_tensor


def evaluate_methods(
    predictors: dict[str, Predictor],
    task: Task,
    methods: list[AnaglyphMethod],
    files: list[PairFiles],
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


def headlines(predictors: dict[str, Predictor], task: Task, scene: Scene, jpeg_quality: int | None) -> Figures:
    """Returns the headline of each predictor's answer to one scene."""
    observation = task.observe(scene.truth, jpeg_quality)
    observed, operator = to_tensor(observation.picture), task.operator(observation)
    with torch.inference_mode():
        answers = {name: to_picture(ask(observed, operator).image) for name, ask in predictors.items()}
    return {name: task.headline_of(answer, scene, observation) for name, answer in answers.items()}


def print_methods(rows: dict[str, Figures]) -> None:
    """Prints the table to the terminal."""
    names = next(iter(rows.values()))
    table = Table(Column("method", overflow="fold"), *(Column(name, justify="right") for name in names))
    table.caption = "PSNR in dB of the hidden channels; of both whole views where a method hides none outright"
    for method, row in rows.items():
        table.add_row(method, *("–" if value is None else f"{value:.2f}" for value in row.values()))
    Console().print(table)
