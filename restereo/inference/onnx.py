"""A trained network as ONNX files, for programs without torch; each is compared with torch before it counts.

A network that only colours is one file. Of a network that matches, what colours is a file too, and takes the match:
that is found by OpenCV and a network whose range depends on the picture, which ONNX cannot say.
"""

import json
import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from restereo.errors import UserError
from restereo.inference.engine import Restorer
from restereo.io.atomic import replacing
from restereo.layers import precision
from restereo.layers.match import Match
from restereo.sample import HasMatch

TOLERANCE = 1e-3
"""By how much an answer may differ from torch's, on pictures in [0, 1]."""
SIZES = (67, 93), (129, 201), (256, 384)
"""Height and width on which they are compared: odd ones, and one to measure the time with."""


@dataclass(frozen=True)
class Exported:
    """One ONNX file.

    Attributes:
        file: Its name.
        inputs: Their names and shapes, with H and W for what may be any size.
        outputs: Likewise.
        difference: Greatest |difference| from torch, over `SIZES`.
        seconds: Of the largest size, by onnxruntime.
        seconds_torch: Likewise by torch in float32.
        seconds_torch_fast: Likewise by torch as `recover` runs it.
    """

    file: str
    inputs: dict[str, list[int | str]]
    outputs: dict[str, list[int | str]]
    difference: float
    seconds: float
    seconds_torch: float
    seconds_torch_fast: float


@dataclass(frozen=True)
class Part:
    """What becomes a file: a module, its inputs' channels, its outputs' names."""

    name: str
    module: nn.Module
    inputs: dict[str, int]
    outputs: tuple[str, ...]


class Whole(nn.Module):
    """A network that takes the lifted observation alone."""

    def __init__(self, model: nn.Module) -> None:
        """Wraps it."""
        super().__init__()
        self.model = model

    def forward(self, lifted: Tensor) -> Tensor:
        """Returns the picture."""
        image: Tensor = self.model(lifted).image
        return image


class Colouring(nn.Module):
    """Both views, once they are matched."""

    def __init__(self, model: nn.Module) -> None:
        """Wraps a network that matches."""
        super().__init__()
        self.model = model

    def forward(self, lifted: Tensor, disparity: Tensor, agreement: Tensor, support: Tensor) -> Tensor:
        """Returns the picture."""
        image: Tensor = self.model(lifted, Match(disparity, agreement, support)).image
        return image


@contextmanager
def exact() -> Iterator[None]:
    """Within it, networks compute in float32 wherever they run: what is exported does."""
    known = precision.multiplies_bf16
    precision.multiplies_bf16 = lambda kind: False  # type: ignore[assignment]
    try:
        yield
    finally:
        precision.multiplies_bf16 = known


def parts_of(restorer: Restorer) -> list[Part]:
    """Returns what becomes a file each."""
    model, channels = restorer.model, restorer.task.channels_in
    matches = isinstance(model, HasMatch)
    if not matches:
        return [Part("network", Whole(model), {"lifted": channels}, ("image",))]
    maps = {"disparity": 2, "agreement": 2, "support": 2}
    return [Part("colouring", Colouring(model), {"lifted": channels, **maps}, ("image",))]


def export(restorer: Restorer, folder: Path) -> list[Exported]:
    """Returns what was written into the folder: ONNX files, and `onnx.json` which describes them.

    Raises:
        UserError: The network enlarges, the extra `[onnx]` is not installed, or an answer differs from torch's by
            more than `TOLERANCE`.
    """
    if restorer.task.scale > 1:  # such a network matches within, as ONNX cannot say
        raise UserError(
            f"task '{restorer.config['task_kind']}': its networks match while they enlarge, which ONNX cannot say; "
            "export one of another task."
        )
    try:
        import onnxruntime
        import onnxscript  # noqa: F401  # torch's exporter needs it
    except ModuleNotFoundError as error:
        raise UserError(f"exporting needs {error.name}; install it with: pip install 'restereo[onnx]'.") from None
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for part in parts_of(restorer):
        file = folder / f"{part.name}.onnx"
        with replacing(file) as temporary:
            _write(part, temporary)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = torch.get_num_threads()
            session = onnxruntime.InferenceSession(str(temporary), options, providers=["CPUExecutionProvider"])
            one = _compared(part, session, file.name)
            if one.difference > TOLERANCE:
                raise UserError(f"{file}: differs from torch by {one.difference:.1e}, over {TOLERANCE:g}; not written.")
        written.append(one)
    facts = {
        "weights_sha256": restorer.sha256,
        "row": restorer.config["row"],
        "working_size": restorer.task.working_size,
        "flips": restorer.task.flips,
        "files": [asdict(one) for one in written],
    }
    (folder / "onnx.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    return written


def _write(part: Part, file: Path) -> None:
    inputs = _example(part, 64, 96)
    height, width = torch.export.Dim.DYNAMIC, torch.export.Dim.DYNAMIC
    shapes = tuple({2: height, 3: width} for _ in inputs)
    with exact(), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own making, like what it logs
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        torch.onnx.export(
            part.module.eval(),
            inputs,
            str(file),
            input_names=list(part.inputs),
            output_names=list(part.outputs),
            dynamic_shapes=shapes,
            dynamo=True,
            external_data=False,
            verbose=False,
        )


def _compared(part: Part, session: Any, name: str) -> Exported:
    differences, seconds = [], [0.0, 0.0, 0.0]
    for height, width in SIZES:
        inputs = _example(part, height, width)
        feed = {key: one.numpy() for key, one in zip(part.inputs, inputs, strict=True)}
        with torch.inference_mode():
            with exact():
                expected, seconds[1] = _timed(lambda: part.module(*inputs))  # noqa: B023
            _, seconds[2] = _timed(lambda: part.module(*inputs))  # noqa: B023
        found, seconds[0] = _timed(lambda: session.run(None, feed))  # noqa: B023
        several = expected if isinstance(expected, tuple) else (expected,)
        differences += [float((torch.from_numpy(b) - a).abs().max()) for a, b in zip(several, found, strict=True)]
    outputs = {
        one.name: [size if isinstance(size, int) else "any" for size in one.shape] for one in session.get_outputs()
    }
    shapes: dict[str, list[int | str]] = {key: [1, count, "H", "W"] for key, count in part.inputs.items()}
    return Exported(name, shapes, outputs, max(differences), *seconds)


def _timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """The answer, and the least seconds of three runs after a first one."""
    answer, least = run(), float("inf")
    for _ in range(3):
        start = time.perf_counter()
        run()
        least = min(least, time.perf_counter() - start)
    return answer, least


def _example(part: Part, height: int, width: int) -> tuple[Tensor, ...]:
    random = torch.Generator().manual_seed(height * width)
    made = {key: torch.rand(1, count, height, width, generator=random) for key, count in part.inputs.items()}
    if "disparity" in made:
        made["disparity"] = 20 * made["disparity"] - 4
        made["agreement"] = made["agreement"].round()
    return tuple(made.values())
