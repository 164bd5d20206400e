"""Multiply-adds and parameters of each released network for one picture: figures that no machine changes."""

from collections.abc import Iterator

import torch
from torch.utils.flop_counter import FlopCounterMode

from restereo.inference.lookup import find_model, released
from restereo.methods import METHODS
from restereo.sample import Operator
from restereo.tasks import Task, to_tensor
from tests.bench.figure import Figure
from tests.bench.options import Options
from tests.conftest import smooth_picture

SIZES = {"stereo_sr": (90, 160)}
"""Height and width of what is observed; of super-resolution those that papers count for."""
SIZE = 321, 481
"""Of all others: a picture of BSDS500."""


def measure(options: Options) -> Iterator[Figure]:
    """Yields both; what is not a convolution or a matrix product, such as semi-global aggregation, is not counted."""
    for name in released():
        restorer = find_model(name)
        height, width = SIZES.get(restorer.config["task_kind"], SIZE)
        observed, operator = _observed(restorer.task, height, width)
        with FlopCounterMode(display=False) as counter:
            restorer(observed, operator)
        note = f"for {width}x{height} px"
        yield Figure(f"compute.{name}", counter.get_total_flops() / 2e9, "GMAC", note=note)
        count = sum(parameter.numel() for parameter in restorer.model.parameters())
        yield Figure(f"compute.{name}.parameters", count / 1e6, "M")


def _observed(task: Task, height: int, width: int) -> tuple[torch.Tensor, Operator]:
    views = task.channels_out // 3
    shown = smooth_picture(0, height, views * width if task.scale > 1 else width)
    observation = task.accept(shown, METHODS["red-cyan-color"] if views == 2 and task.scale == 1 else None)
    return to_tensor(observation.picture), task.operator(observation)
