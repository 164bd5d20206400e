"""The one driver of every network: any size, on any device, in as little memory as the answer takes."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restereo import catalog
from restereo.errors import UserError
from restereo.image import Image, Pixels, eight_bit
from restereo.imaging.color import BT601
from restereo.imaging.resampling import reduced
from restereo.inference import full_size
from restereo.inference.bands import Known, Rows, in_smaller_bands, known_of, restore_any_size, restored_bands
from restereo.inference.devices import memory_of
from restereo.inference.levelling import Levelling
from restereo.methods import AnaglyphMethod
from restereo.progress import ProgressCallback, no_progress
from restereo.sample import HasMatch, Operator, Prediction
from restereo.tasks import build_model, build_task, to_picture, to_tensor
from restereo.training import run_folder
from restereo.training.run_folder import Run

LUMA = torch.tensor(BT601)
"""Of which grey anaglyphs are made."""
TYPICAL_QUALITY = 85
"""What a JPEG file is taken to have been saved with: the quality on which the projection was calibrated."""


@dataclass(frozen=True, eq=False)
class Views:
    """What a network restored of one picture: both views, or the one view of a task of single pictures.

    Attributes:
        pixels: `(V, H, W, 3)` RGB, uint8, or uint16 where an anaglyph has 16 bits.
        method: What an anaglyph was taken for; None of other tasks.
        disparity: `(2, H, W)` float32 of left and right in px, positive = near; None if the network matches nothing.
        confidence: `(2, H, W)` float32 in [0, 1], 0 = colour invented here; or None.
        matched: Share of the pixels whose colours were matched, not invented; None if the network matches nothing.
        residual: Root mean square of what the answer contradicted before it was projected, in [0, 1].
    """

    pixels: NDArray[Any]
    method: AnaglyphMethod | None = None
    disparity: NDArray[np.float32] | None = None
    confidence: NDArray[np.float32] | None = None
    matched: float | None = None
    residual: float | None = None

    @property
    def left(self) -> Pixels:
        """`(H, W, 3)`: the left view, or the only one."""
        view: Pixels = self.pixels[0]
        return view

    @property
    def right(self) -> Pixels:
        """`(H, W, 3)`: the right view, or the only one."""
        view: Pixels = self.pixels[-1]
        return view


class Restorer:
    """A network with its task and calibration; calling it is a `Predictor`."""

    def __init__(self, run: Run, device: str | torch.device = "cpu") -> None:
        """Builds the network of a run and loads its weights.

        Raises:
            UserError: The weights do not fit the network that the configuration names.
        """
        self.config, self.sha256 = run.config, run.sha256
        self.device = torch.device(device)
        self.calibration = run.calibration
        row = run.config["row"]
        self.task = build_task(run.config["task_kind"], run.config["task_options"])
        self.model = build_model(self.task, row["model"], row["model_options"])
        try:
            self.model.load_state_dict(run.weights)
        except RuntimeError as error:
            what = f"weights do not fit model '{row['model']}' ({' '.join(str(error).split()):.160}…)"
            raise UserError(what, remedy="train it again") from None
        self.model.to(self.device).eval()

    @property
    def modules(self) -> tuple[str, str]:
        """The modules of its task and of its network."""
        task, model = self.config["task_kind"], self.config["row"]["model"]
        return catalog.module_of("task", task), catalog.module_of("model", model)

    def __call__(self, observed: Tensor, operator: Operator, match: Any = None) -> Prediction:
        """Returns the prediction `(1, K, H, W)` for one observation `(1, C, H, W)` in [0, 1], projected.

        Args:
            observed: The observation.
            operator: How it was made.
            match: Of a network that matches, if it is known already.

        Raises:
            UserError: Memory is too small.
        """
        with torch.inference_mode(), memory_of(self.device, "the picture"):
            there = observed.to(self.device), operator.to(self.device)
            return restore_any_size(self.model, self.task, *there, self.calibration, match=match)

    def restore(
        self,
        image: Image,
        method: AnaglyphMethod | None = None,
        *,
        invent_color: bool = False,
        maps: bool = True,
        on_progress: ProgressCallback = no_progress,
    ) -> Views:
        """Returns what the network restores of a picture, in bounded memory.

        The views of a grey anaglyph are grey: it holds no colour. What an anaglyph went through is told by
        `image.lossy`: what it shows is then trusted less.

        Args:
            image: The picture; of a task of two views they stand side by side, left first.
            method: How an anaglyph was made; None = detect it.
            invent_color: Whether the views of a grey anaglyph get the colours that the network makes up.
            maps: Whether to return disparity and confidence.
            on_progress: Called with the number of pixels each time some are done.

        Raises:
            UserError: The task does not take this picture, or memory is too small.
        """
        shallow = eight_bit(image.pixels)
        observation = self.task.accept(shallow, method, TYPICAL_QUALITY if image.lossy else None, image.name)
        used = observation.method if isinstance(observation.method, AnaglyphMethod) else None
        observed: Pixels = image.pixels if observation.picture is shallow else observation.picture
        finish = without_color if used is not None and used.is_grey and not invent_color else as_it_is
        with torch.inference_mode(), memory_of(self.device, image.name):
            operator = self.task.operator(observation).to(self.device)
            level = None if used is None else Levelling.of(observed, used)
            source = observed if level is None else level.observed
            if self._colours_by_copies(source):
                views = self._from_copies(source, operator, used, finish is without_color, maps, on_progress)
            else:
                work = partial(self._restored, source, operator, used, finish, maps, on_progress)
                views = in_smaller_bands(work, self.device)
            return views if level is None else level.undo(views, exact=finish is as_it_is and not image.lossy)

    def _colours_by_copies(self, observed: Pixels) -> bool:
        """Whether its network needs nothing but copies of the picture, and `full_size` can do the rest."""
        able = self.device.type == "cpu" and observed.shape[1] <= full_size.WIDEST
        return able and isinstance(self.model, HasMatch) and self.task.channels_out == 6 and self.task.scale == 1

    def _from_copies(
        self,
        observed: Pixels,
        operator: Operator,
        method: AnaglyphMethod | None,
        grey: bool,
        maps: bool,
        on_progress: ProgressCallback,
    ) -> Views:
        """The views, from the match and the refinement of copies."""
        assert isinstance(self.model, HasMatch)
        height, width = observed.shape[:2]
        known = known_of(self.model, self.task, self._source(observed), operator)
        assert isinstance(known, Known)
        confidence = self.model.confidence(known.match)[0].numpy(force=True)
        found = known.match.disparity, known.match.agreement, known.refinement
        disparity, agreement, refinement = (one[0].float().numpy(force=True) for one in found)
        findings = full_size.Findings(disparity, agreement, refinement, width, height)
        mixing = full_size.mixing_of(operator, self.calibration, np.iinfo(observed.dtype).max + 1, grey)
        threads, done = torch.get_num_threads(), partial(_scaled, on_progress, width)
        pixels, square = full_size.restore(observed, mixing, findings, threads, done)
        matched = full_size.share_above_zero(confidence, height, width)
        shown = full_size.enlarged(disparity, height, width) * np.float32(width / disparity.shape[2]) if maps else None
        sure = full_size.enlarged(confidence, height, width) if maps else None
        return Views(pixels, method, shown, sure, matched, math.sqrt(square))

    def _restored(
        self,
        observed: Pixels,
        operator: Operator,
        method: AnaglyphMethod | None,
        finish: Callable[[Tensor], Tensor],
        maps: bool,
        on_progress: ProgressCallback,
        band_pixels: int,
    ) -> Views:
        """The views, filled from top to bottom in bands of so many pixels."""
        (height, width), scale = observed.shape[:2], self.task.scale
        pixels = np.empty((self.task.channels_out // 3, height * scale, width * scale, 3), observed.dtype)
        kept: dict[str, NDArray[np.float32]] = {}
        matched, square, done = None, 0.0, 0
        try:
            for rows, part in self._bands(observed, operator, band_pixels):
                filled = slice(rows.start * scale, rows.stop * scale)
                band = to_depth(finish(part.image), observed.dtype)
                pixels[:, filled] = np.moveaxis(band.reshape(*band.shape[:2], -1, 3), 2, 0)
                weight = (rows.stop - rows.start) / height
                if part.confidence is not None:
                    matched = (matched or 0.0) + float((part.confidence > 0).float().mean()) * weight
                if part.residual is not None:
                    square += float(part.residual.square().mean()) * weight
                for name, one in (("disparity", part.disparity), ("confidence", part.confidence)):
                    if maps and one is not None:
                        room = kept.setdefault(name, np.empty((2, *pixels.shape[1:3]), np.float32))
                        room[:, filled] = one[0].cpu().numpy()
                count = (rows.stop - rows.start) * width
                done += count
                on_progress(count)
        except (RuntimeError, MemoryError):  # it may begin anew, in smaller bands
            on_progress(-done)
            raise
        return Views(pixels, method, kept.get("disparity"), kept.get("confidence"), matched, math.sqrt(square))

    def _bands(self, observed: Pixels, operator: Operator, band_pixels: int) -> Iterator[tuple[slice, Prediction]]:
        source = self._source(observed)
        return restored_bands(self.model, self.task, source, operator, self.calibration, band_pixels)

    def _source(self, observed: Pixels) -> Rows:
        def copy(scale: float) -> Tensor:
            if scale >= 1:
                return to_unit(observed).to(self.device)
            # In 8 bits: a float copy of all is four times the picture, and making it takes forty times as long.
            codes = torch.from_numpy(eight_bit(observed)).permute(2, 0, 1)[None]
            return reduced(codes, scale).to(self.device).float() / 255

        return Rows(lambda rows: to_unit(observed[rows]).to(self.device), copy, *observed.shape[:2])


def load_run(folder: Path, device: str | torch.device = "cpu") -> Restorer:
    """Returns the restorer of a run folder.

    Raises:
        UserError: The folder is not a run folder, or its weights are damaged, a pickle, or of another network.
    """
    return Restorer(run_folder.read(folder), device)


def _scaled(on_progress: ProgressCallback, width: int, rows: int) -> None:
    on_progress(rows * width)


def as_it_is(image: Tensor) -> Tensor:
    """Returns the image."""
    return image


def without_color(image: Tensor) -> Tensor:
    """Returns both views `(B, 6, H, W)` in their luma.

    Example:
        >>> without_color(torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 1.0]).reshape(1, 6, 1, 1)).flatten()[[0, 3]].tolist()
        [0.29899999499320984, 1.0]
    """
    views = image.unflatten(1, (2, 3))
    luma = torch.einsum("bvchw,c->bvhw", views, LUMA.to(image))
    return luma[:, :, None].expand_as(views).flatten(1, 2)


def to_unit(picture: Pixels) -> Tensor:
    """Returns `(1, C, H, W)` float32 in [0, 1] of an `(H, W, C)` uint8 or uint16 picture.

    Example:
        >>> to_unit(np.full((1, 1, 1), 65535, np.uint16)).item()
        1.0
    """
    if picture.dtype == np.uint8:
        return to_tensor(picture)
    return torch.from_numpy(np.moveaxis(picture, -1, 0)[None] / np.float32(65535))


def to_depth(image: Tensor, dtype: np.dtype[Any]) -> Pixels:
    """Returns `(H, W, C)` uint8 or uint16 of a `(1, C, H, W)` image, clipped and rounded: the inverse of `to_unit`.

    Example:
        >>> to_depth(torch.full((1, 1, 1, 1), 0.5), np.dtype(np.uint16)).tolist()
        [[[32768]]]
    """
    if dtype == np.uint8:
        return to_picture(image)
    codes = image[0].detach().clamp(0, 1).mul(65535).round().permute(1, 2, 0)
    return codes.cpu().numpy().astype(np.uint16)
