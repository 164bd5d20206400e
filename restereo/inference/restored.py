"""From pictures of the sibling tasks - grey, old, small - to the files of what is restored of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from restereo.errors import UserError
from restereo.inference.contender import find_restorer, released, run_names
from restereo.inference.devices import find_device
from restereo.inference.files import write_picture
from restereo.inference.layouts import eight_bit
from restereo.inference.opening import open_photo
from restereo.inference.predictor import Restorer
from restereo.sample import Picture
from restereo.sources._pictures import PairFiles, read_pair


@dataclass(frozen=True)
class Craft:
    """What one command does.

    Attributes:
        kind: The tasks that it serves: their file.
        recipes: Whose network is taken when none is named, the first there is.
        ending: What a result's name ends in before the suffix.
    """

    kind: str
    recipes: tuple[str, ...]
    ending: str


COLORIZE: Final = Craft("colorization", ("colorization_lab", "colorization_gan"), "_color")
REPAIR: Final = Craft("old_photo", ("old_photo_unet", "old_photo_denoise"), "_repaired")
UPSCALE: Final = {scale: Craft("stereo_sr", (f"stereo_sr_x{scale}",), f"_x{scale}") for scale in (2, 4)}


def restorer_for(craft: Craft, model: str | None = None, device: str = "auto") -> tuple[Restorer, str]:
    """Returns a trained network for a command, and its name: the one named, else released weights, else a run.

    Raises:
        UserError: There is none, or the one named was trained for something else.
    """
    known = [*released(), *run_names()]
    name = model or next((recipe for recipe in craft.recipes if recipe in known), None)
    if name is None:
        raise UserError(
            f"no trained network for task '{craft.kind}'; train one with `dvc --wait-for-lock repro "
            f"train@{craft.recipes[0]}`, or name a run folder with --model."
        )
    restorer = find_restorer(name, find_device(device))
    if restorer.config["task_kind"] != craft.kind:
        raise UserError(
            f"{name}: trained for task '{restorer.config['task_kind']}', not '{craft.kind}'; name another with --model."
        )
    return restorer, name


def restore_file(file: Path, out: Path | None, restorer: Restorer, ending: str) -> Path:
    """Returns the file of the restored picture, after writing it: `out`, or beside the picture with `ending`.

    Where the file was taken, its place, its colour profile and the like are kept.

    Raises:
        UserError: The picture is damaged, or the result cannot be written.
    """
    photo = open_photo(file)
    picture = eight_bit(photo.pixels)
    target = out or file.with_name(f"{file.stem}{ending}{file.suffix}")
    write_picture(target, restorer.views(picture)[0], photo.metadata)
    return target


def upscale_files(left: Path, right: Path, out: Path | None, restorer: Restorer, ending: str) -> list[Path]:
    """Returns the files of both enlarged views, after writing them: into the folder `out`, or beside the views.

    Raises:
        UserError: A view is damaged, or the views differ in size.
    """
    pair = read_pair(PairFiles(left.stem, left, right))
    views: Picture = restorer.views(np.concatenate([pair.left, pair.right], axis=1))
    targets = [(out or file.parent) / f"{file.stem}{ending}{file.suffix}" for file in (left, right)]
    if targets[0] == targets[1]:
        raise UserError(f"{targets[0]}: both results would have this name; give the views different names.")
    for target, view in zip(targets, views, strict=True):
        write_picture(target, view)
    return targets
