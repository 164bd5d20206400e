"""From pictures of the sibling tasks - grey, old, small - to the files of what is restored of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from restereo.errors import FORCE, MODEL, Parameter, Training, UserError
from restereo.image import Image, Picture, eight_bit
from restereo.inference.engine import Restorer
from restereo.inference.lookup import loaded_model, released, run_names
from restereo.inference.result import Result
from restereo.io.convert import AnyPicture, read_views
from restereo.io.layouts import Layout, arrange
from restereo.io.paths import COLORED, ENLARGED, REPAIRED, SCALES, keep_source, picture_ending, targets
from restereo.io.read import as_image, read_image
from restereo.io.write import PLAIN, check_target, make_folder, not_kept, write_layout, write_picture
from restereo.tasks import Doubt


@dataclass(frozen=True)
class Command:
    """What one command, and one tab of the page, does.

    Attributes:
        name: The command.
        title: What the page calls it.
        kind: The tasks that it serves: their file.
        recipes: Whose network is taken when none is named, the first there is.
        about: What it does, for a person.
        asks: What it is given, a name for each picture.
        ending: What a result's name ends in before the suffix; `{scale}` is how many times larger it is.
        done: What it says of a result, likewise.
        strict: Whether pictures that are hardly what the task restores are refused, or only noted.
        scale: How many times larger a result is.
    """

    name: str
    title: str
    kind: str
    recipes: tuple[str, ...]
    about: str
    asks: tuple[str, ...]
    ending: str
    done: str
    strict: bool = True
    scale: int = 1

    def text(self, text: str, restorer: Restorer) -> str:
        """Returns a text of this command, as it is with this network."""
        return text.format(scale=restorer.task.scale)


COLORIZE: Final = Command(
    "colorize",
    "colorize",
    "colorization",
    ("colorization_lab", "colorization_gan"),
    "Gives a grey picture colours; its grey is kept at full size.",
    ("Grey picture",),
    COLORED,
    "coloured",
)
REPAIR: Final = Command(
    "repair",
    "repair",
    "old_photo",
    ("old_photo_denoise", "old_photo_unet"),
    "Takes grain and dirt out of an old photograph, fills scratches, and colours it if the network does.",
    ("Old photograph",),
    REPAIRED,
    "repaired",
    strict=False,
)
UPSCALE: Final = {
    scale: Command(
        "upscale",
        f"upscale x{scale}",
        "stereo_sr",
        (f"stereo_sr_x{scale}",),
        f"Makes both views of a stereo pair {scale} times larger, together.",
        ("Left view", "Right view"),
        ENLARGED,
        "{scale} times larger,",
        scale=scale,
    )
    for scale in SCALES
}
COMMANDS: Final = (COLORIZE, REPAIR, UPSCALE[4], UPSCALE[2])
"""All of them, as the page shows them."""


def network_for(command: Command) -> str | None:
    """Returns the name of the network to use when none is named: released weights, else a run; None without any.

    Example:
        >>> network_for(COLORIZE) in (None, *COLORIZE.recipes)
        True
    """
    known = [*released(), *run_names()]
    return next((recipe for recipe in command.recipes if recipe in known), None)


def no_network(command: Command) -> UserError:
    """Returns the error of a command that has no network, with how to get one.

    Example:
        >>> str(no_network(COLORIZE))
        "no trained network for task 'colorization'; train recipe 'colorization_lab', or name a run folder with model."
    """
    remedy = Training(command.recipes[0]), ", or name a run folder with ", MODEL
    return UserError(f"no trained network for task '{command.kind}'", remedy=remedy)


def model_for(command: Command, model: str | None = None, device: str = "auto") -> tuple[Restorer, str]:
    """Returns a trained network for a command, and its name: the one named, else that of `network_for`.

    Raises:
        UserError: There is none, or the one named was trained for something else, such as another scale.
    """
    name = model or network_for(command)
    if name is None:
        raise no_network(command)
    restorer = loaded_model(name, device, command.kind)
    if restorer.task.scale != command.scale:
        remedy = "name another with ", MODEL, ", or give ", Parameter("scale", restorer.task.scale)
        what = f"enlarges {restorer.task.scale} times, not {command.scale}"
        raise UserError(what, where=name, remedy=remedy)
    return restorer, name


def colorize(picture: AnyPicture, *, force: bool = False, model: str | None = None, device: str = "auto") -> Image:
    """Returns a grey picture in colours; its grey is kept at full size.

    Args:
        picture: A file's name, a Pillow picture, an `(H, W, 3)` RGB array, or an `Image`.
        force: Whether to take one that has colours: they are lost.
        model: Run folder, or name of released weights or of a run; by default the released ones.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises:
        restereo.errors.UserError: The picture is damaged or in colour, or something named does not exist.

    Example:
        >>> from restereo import colorize
        >>> colorize("nowhere.jpg")
        Traceback (most recent call last):
        restereo.errors.UserError: nowhere.jpg: no such file; check the name.
    """
    return _restored([picture], COLORIZE, force, model, device)[0]


def repair(picture: AnyPicture, *, model: str | None = None, device: str = "auto") -> Image:
    """Returns an old photograph without grain and dirt, its scratches filled, in colours if the network makes them.

    Args:
        picture: A file's name, a Pillow picture, an `(H, W, 3)` RGB array, or an `Image`.
        model: Run folder, or name of released weights or of a run; by default the released ones.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises:
        restereo.errors.UserError: The picture is damaged, or something named does not exist.

    Example:
        >>> from restereo import repair
        >>> repair("nowhere.jpg")
        Traceback (most recent call last):
        restereo.errors.UserError: nowhere.jpg: no such file; check the name.
    """
    return _restored([picture], REPAIR, False, model, device)[0]


def upscale(
    left: AnyPicture,
    right: AnyPicture | None = None,
    scale: int = 4,
    *,
    force: bool = False,
    model: str | None = None,
    device: str = "auto",
) -> tuple[Image, Image]:
    """Returns left and right view of a stereo pair, enlarged together.

    Args:
        left: A file's name, a Pillow picture, an `(H, W, 3)` RGB array, or an `Image`.
        right: Likewise, of the same size; None = `left` is a stereo picture.
        scale: How many times larger each way: 2 or 4.
        force: Whether to take views that hardly are a pair.
        model: Run folder, or name of released weights or of a run; by default the released ones.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises:
        restereo.errors.UserError: A view is damaged, they are no pair, or something named does not exist.

    Example:
        >>> from restereo import upscale
        >>> upscale("left.png", "right.png", scale=3)
        Traceback (most recent call last):
        restereo.errors.UserError: scale=3: there is no such network; give 2 or 4.
    """
    if scale not in UPSCALE:
        raise UserError("there is no such network", where=f"scale={scale}", remedy="give 2 or 4")
    views = read_views(left if right is None else (left, right))
    first, second = _restored(views, UPSCALE[scale], force, model, device)
    return first, second


def _restored(
    pictures: Sequence[AnyPicture], command: Command, force: bool, model: str | None, device: str
) -> list[Image]:
    images = [as_image(picture) for picture in pictures]
    views, notes = restore_images(images, model_for(command, model, device)[0], command, force)
    return [replace(image, pixels=view, notes=tuple(notes)) for image, view in zip(images, views, strict=True)]


def restore_files(
    files: Sequence[Path], out: Path | None, restorer: Restorer, command: Command, force: bool = False
) -> Result:
    """Returns what was done after writing what is restored of one picture, or of the views of one scene.

    Where a picture was taken, its place, its colour profile and the like are kept.

    Args:
        files: The pictures, as many as `command.asks`.
        out: Folder, or for a single picture a file; by default results lie beside the pictures.
        restorer: The network.
        command: What is done.
        force: Whether to take pictures that are hardly what the task restores.

    Raises:
        UserError: A picture is damaged or refused, views differ in size, or a result cannot be written.
    """
    ending = command.text(command.ending, restorer)
    outputs = [target_of(file, out, f"{ending}{picture_ending(file)}") for file in files]
    if len(set(outputs)) < len(outputs):
        remedy = "give the pictures different names"
        raise UserError("both results would have this name", where=outputs[0], remedy=remedy)
    for target in outputs:
        check_target(target, PLAIN)
        for file in files:
            keep_source(target, file)
    images = [read_image(file) for file in files]
    views, notes = restore_images(images, restorer, command, force)
    for target, view, image in zip(outputs, views, images, strict=True):
        write_picture(target, view, image.metadata)
        notes += not_kept([target], image, bits=8)
    return Result(files[0], outputs, notes=notes)


def restore_stereo(
    files: Sequence[Path],
    out: Path | None,
    layout: Layout,
    restorer: Restorer,
    command: Command,
    *,
    force: bool = False,
    source_layout: Layout | None = None,
    swap: bool = False,
) -> Result:
    """Returns what was done after writing what is restored of a stereo picture, or of two views, in a layout.

    Args:
        files: The stereo picture, or left and right view.
        out: File or folder; by default it lies beside the first file.
        layout: How the result shows the views.
        restorer: The network.
        command: What is done.
        force: Whether to take views that hardly are a pair.
        source_layout: How the stereo picture shows them; by default as it says or looks.
        swap: Whether it holds them the other way round.

    Raises:
        UserError: See `restore_files`; or the file holds no two views.
    """
    ending = command.text(command.ending, restorer)
    into = out is not None and (out.is_dir() or not out.suffix)
    if out is not None and into:
        make_folder(out)
    outputs = targets(files[0].with_name(f"{files[0].stem}{ending}{files[0].suffix}"), [layout], out)
    for file in outputs:
        check_target(file)
        for source in files:
            keep_source(file, source)
    read = read_views((files[0], files[1]) if len(files) > 1 else files[0], source_layout)
    views, notes = restore_images(read[::-1] if swap else read, restorer, command, force)
    write_layout(outputs, layout, arrange(layout, *views), read[0].metadata)
    return Result(files[0], outputs, notes=[*dict.fromkeys(notes), *not_kept(outputs, read[0], layout, bits=8)])


def restore_images(
    images: Sequence[Image], restorer: Restorer, command: Command, force: bool = False
) -> tuple[Picture, list[str]]:
    """Returns `(V, H, W, 3)` uint8, what is restored of opened pictures, and what a person may want to know.

    Raises:
        UserError: Views differ in size, or the pictures are hardly what the task restores.
    """
    first = images[0]
    for image in images:
        if image.pixels.shape != first.pixels.shape:
            what = f"{image.width}x{image.height}, but {first.name} is {first.width}x{first.height}"
            raise UserError(what, where=image.name, remedy="both eyes need the same size")
    joined = np.concatenate([eight_bit(image.pixels) for image in images], axis=1)
    one_view = [image for image in images if image.stereo and image.stereo.frames]
    name, notes = " and ".join(image.name for image in images), [note for image in images for note in image.notes]
    notes += [f"{image.name}: {image.stereo.about}; only one was taken" for image in one_view if image.stereo]
    notes += doubted(restorer.task.doubt(joined), name, command, force)
    return restorer.restore(Image(joined, name)).pixels, notes


def doubted(doubt: Doubt | None, name: str, command: Command, force: bool) -> list[str]:
    """Returns the notes that a doubt leads to.

    Raises:
        UserError: The doubt is enough to refuse the picture of this name, and nobody says to go on.
    """
    if doubt is None:
        return []
    if command.strict and not force:
        raise UserError(doubt.reason, where=name, remedy=(f"{doubt.fix}, or go on with ", FORCE))
    return [doubt.reason]


def target_of(file: Path, out: Path | None, ending: str) -> Path:
    """Returns the file to write: `out` if it names one, else beside the source or in the folder `out`, so ending.

    The folder is made if it is not there.

    Raises:
        UserError: It would overwrite its source, or no folder can be made.

    Example:
        >>> str(target_of(Path("a/old.jpg"), None, "_color.jpg"))
        'a/old_color.jpg'
    """
    into = out is not None and (out.is_dir() or not out.suffix)
    folder = out if out is not None and into else file.parent
    target = folder / f"{file.stem}{ending}" if out is None or into else out
    keep_source(target, file)
    if into:
        make_folder(folder)
    return target
