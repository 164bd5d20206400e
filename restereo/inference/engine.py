"""A trained run, ready to restore pictures."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from restereo import catalog
from restereo.errors import UserError
from restereo.image import Picture, check_picture, eight_bit
from restereo.imaging.resampling import reduced
from restereo.inference.answer import Answer, Views, to_unit
from restereo.inference.bands import Rows, in_smaller_bands, restore_any_size, restored_bands
from restereo.inference.devices import memory_of
from restereo.methods import AnaglyphMethod
from restereo.progress import ProgressCallback, no_progress
from restereo.sample import Observation, Operator, Prediction
from restereo.tasks import build_model, build_task, to_picture, to_tensor
from restereo.training import run_folder
from restereo.training.run_folder import Run

__all__ = ["Restorer", "Views", "load_run"]


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
            reason = " ".join(str(error).split())
            raise UserError(f"weights do not fit model '{row['model']}' ({reason:.160}…); train it again.") from None
        self.model.to(self.device).eval()

    @property
    def modules(self) -> tuple[str, str]:
        """The modules of its task and of its network."""
        task, model = self.config["task_kind"], self.config["row"]["model"]
        return catalog.module_of("task", task), catalog.module_of("model", model)

    def __call__(self, observed: torch.Tensor, operator: Operator) -> Prediction:
        """Returns the prediction `(1, K, H, W)` for one observation `(1, C, H, W)` in [0, 1], projected.

        Raises:
            UserError: Memory is too small.
        """
        return self._restored(observed, operator, "the picture")

    def _restored(self, observed: torch.Tensor, operator: Operator, name: str) -> Prediction:
        with torch.inference_mode(), memory_of(self.device, name):
            there = observed.to(self.device), operator.to(self.device)
            return restore_any_size(self.model, self.task, *there, self.calibration)

    def restore(
        self,
        picture: Picture | NDArray[np.uint16],
        method: AnaglyphMethod,
        jpeg_quality: int | None = None,
        name: str = "the picture",
        *,
        invent_color: bool = False,
        maps: bool = True,
        on_progress: ProgressCallback = no_progress,
    ) -> Views:
        """Returns both views of an anaglyph `(H, W, 3)` uint8 or uint16, in bounded memory.

        The views of a grey anaglyph are grey: it holds no colour.

        Args:
            picture: The anaglyph.
            method: How it was made.
            jpeg_quality: Its quality if it comes from a JPEG file: what it shows is then trusted less.
            name: What an error sentence calls the picture.
            invent_color: Whether the views of a grey anaglyph get the colours that the network makes up.
            maps: Whether to return disparity and confidence.
            on_progress: Called with the number of pixels each time some are done.

        Raises:
            UserError: The picture is no RGB picture, or memory is too small.
        """
        shallow: NDArray[Any] = eight_bit(picture) if getattr(picture, "dtype", None) == np.uint16 else picture
        check_picture(shallow, name)
        operator = self.task.operator(Observation(shallow, method, jpeg_quality)).to(self.device)
        with memory_of(self.device, name):
            answer = Answer(picture, method, method.is_grey and not invent_color, maps)
            return in_smaller_bands(partial(self._fill, answer, picture, operator, on_progress), self.device)

    def _fill(
        self, answer: Answer, picture: NDArray[Any], operator: Operator, on_progress: ProgressCallback, band_pixels: int
    ) -> Views:
        done = 0
        try:
            for rows, part in self._bands(picture, operator, band_pixels):
                answer.take(rows, part)
                pixels = (rows.stop - rows.start) * picture.shape[1]
                done += pixels
                on_progress(pixels)
        except (RuntimeError, MemoryError):  # it may begin anew, in smaller bands
            answer.forget()
            on_progress(-done)
            raise
        return answer.views()

    def _bands(self, picture: NDArray[Any], operator: Operator, band_pixels: int) -> Iterator[tuple[slice, Prediction]]:
        height, width = picture.shape[:2]

        def copy(scale: float) -> torch.Tensor:  # channel by channel: a float copy of all is four times the picture
            return torch.cat([reduced(to_unit(picture[..., c : c + 1]), scale) for c in range(3)], 1).to(self.device)

        source = Rows(lambda rows: to_unit(picture[rows]).to(self.device), copy, height, width)
        with torch.inference_mode():
            yield from restored_bands(self.model, self.task, source, operator, self.calibration, band_pixels)

    def answer(
        self,
        picture: Picture,
        method: AnaglyphMethod | None = None,
        jpeg_quality: int | None = None,
        name: str = "the picture",
    ) -> tuple[Observation, Prediction]:
        """Returns what a picture `(H, W, 3)` uint8 is taken for, and what is restored of it: of any task.

        Raises:
            UserError: As the task's `accept`, and if the picture is no 8-bit RGB picture, or memory is too small.
        """
        check_picture(picture, name)
        observation = self.task.accept(picture, method, jpeg_quality, name)
        operator = self.task.operator(observation)
        return observation, self._restored(to_tensor(observation.picture), operator, name)

    def views(
        self,
        picture: Picture,
        method: AnaglyphMethod | None = None,
        jpeg_quality: int | None = None,
        name: str = "the picture",
    ) -> Picture:
        """Returns `(V, H, W, 3)` uint8: left and right, or the one view of a task of single pictures; see `answer`."""
        image = to_picture(self.answer(picture, method, jpeg_quality, name)[1].image)
        return np.stack(np.split(image, self.task.channels_out // 3, axis=2))


def load_run(folder: Path, device: str | torch.device = "cpu") -> Restorer:
    """Returns the restorer of a run folder.

    Raises:
        UserError: The folder is not a run folder, or its weights are damaged, a pickle, or of another network.
    """
    return Restorer(run_folder.read(folder), device)
