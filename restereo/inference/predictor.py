"""A trained run, ready to restore pictures."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from restereo import catalog
from restereo.errors import UserError
from restereo.imaging.detection import detect
from restereo.imaging.picture import check_picture
from restereo.inference.bands import restore_any_size
from restereo.sample import Observation, Operator, Picture, Prediction
from restereo.tasks import Task, to_picture, to_tensor
from restereo.training import run_folder
from restereo.training.run_folder import Run


@dataclass(frozen=True)
class Views:
    """The recovered pair, and the method that the anaglyph was taken for.

    Attributes:
        left: `(H, W, 3)` uint8.
        right: Likewise.
        method: Name of an anaglyph method.
        disparity: `(2, H, W)` float32 of left and right in px, positive = near; None if the network matches nothing.
        confidence: `(2, H, W)` float32 in [0, 1], 0 = colour invented here; or None.
    """

    left: Picture
    right: Picture
    method: str
    disparity: NDArray[np.float32] | None = None
    confidence: NDArray[np.float32] | None = None


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
        self.task: Task = catalog.build("task", run.config["task_kind"], **run.config["task_options"])
        channels = self.task.channels_in, self.task.channels_out
        self.model = catalog.build("model", row["model"], *channels, **row["model_options"])
        try:
            self.model.load_state_dict(run.weights)
        except RuntimeError as error:
            reason = " ".join(str(error).split())
            raise UserError(f"weights do not fit model '{row['model']}' ({reason:.160}…); train it again.") from None
        self.model.to(self.device).eval()

    def __call__(self, observed: torch.Tensor, operator: Operator) -> Prediction:
        """Returns the prediction `(1, K, H, W)` for one observation `(1, C, H, W)` in [0, 1], projected."""
        with torch.inference_mode():
            there = observed.to(self.device), operator.to(self.device)
            return restore_any_size(self.model, self.task, *there, self.calibration)

    def restore(
        self, picture: Picture, method: str = "auto", jpeg_quality: int | None = None, name: str = "the picture"
    ) -> Views:
        """Returns both views of an anaglyph `(H, W, 3)` uint8.

        Args:
            picture: The anaglyph.
            method: How it was made, or `auto` to detect it.
            jpeg_quality: Its quality if it comes from a JPEG file: what it shows is then trusted less.
            name: What an error sentence calls the picture.

        Raises:
            UserError: The method is unknown, or the picture is no 8-bit RGB picture or no anaglyph.
        """
        check_picture(picture, name)
        if method == "auto":
            found = detect(picture, name)
            if found.plain:
                raise UserError(f"{name}: a plain photo, not an anaglyph; name its method to try anyway.")
            method = found.method
        observation = Observation(picture, method, jpeg_quality)
        prediction = self(to_tensor(picture), self.task.operator(observation))
        answer = to_picture(prediction.image)
        maps = (None if one is None else one[0].cpu().numpy() for one in (prediction.disparity, prediction.confidence))
        return Views(answer[..., :3], answer[..., 3:], method, *maps)


def load_run(folder: Path, device: str | torch.device = "cpu") -> Restorer:
    """Returns the restorer of a run folder.

    Raises:
        UserError: The folder is not a run folder, or its weights are damaged, a pickle, or of another network.
    """
    return Restorer(run_folder.read(folder), device)
