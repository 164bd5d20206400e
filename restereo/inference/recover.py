"""One anaglyph: from a picture in memory, or its file, to its views, or their files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restereo.errors import FORCE, UserError
from restereo.image import Image, eight_bit
from restereo.imaging.detection import LEAST_SIDE, Detection, detect, packing_of
from restereo.imaging.stereo import unrelated
from restereo.inference import statistics
from restereo.inference.engine import Restorer, Views
from restereo.inference.lookup import default_model, loaded_model
from restereo.inference.result import Result
from restereo.io.convert import AnyPicture
from restereo.io.defaults import GLASSES, QUALITY
from restereo.io.layouts import LAYOUTS, Layout, arrange
from restereo.io.read import as_image, read_image
from restereo.io.write import not_kept, write_layout
from restereo.methods import METHODS, AnaglyphMethod, parse_or_detect
from restereo.progress import ProgressCallback, no_progress
from restereo.video.conversion import WHOLE_FILM, VideoOptions


@dataclass(frozen=True)
class RecoverOptions:
    """What a person wants of pictures.

    Attributes:
        method: How they were made; None = detect it.
        swap: Whether the first colour is the right eye's.
        force: Whether to take what does not look like an anaglyph for one.
        invent_color: Whether views of grey anaglyphs get colours.
        layouts: What to write.
        glasses: Method of layout `anaglyph`.
        quality: Of JPEG files.
        film: What else is wanted of films.
    """

    method: AnaglyphMethod | None = None
    swap: bool = False
    force: bool = False
    invent_color: bool = False
    layouts: Sequence[Layout] = (LAYOUTS["sbs"],)
    glasses: AnaglyphMethod = METHODS[GLASSES]
    quality: int = QUALITY
    film: VideoOptions = WHOLE_FILM


def describe(method: AnaglyphMethod, found: Detection | None, matched: float | None) -> str:
    """Returns in words what a picture was taken for, how sure that is, and how much of its colours is matched.

    Args:
        method: Taken for.
        found: What the picture looks like, if that is known.
        matched: Share of the pixels whose colours were matched, if the network matches.

    Example:
        >>> describe(METHODS["red-cyan-half"].swapped(), None, 0.9)
        "red-cyan-half; first colour taken for the right eye's; 90% of its colours matched, the rest invented"
    """
    detected = found is not None and found.method.base == method.base and not found.plain
    sure = f" (detected, {found.confidence:.0%} sure of '{method.family}')" if detected and found is not None else ""
    share = "" if matched is None else f"; {matched:.0%} of its colours matched, the rest invented"
    return f"{method.base}{sure}; first colour taken for the {method.first_eye} eye's{share}"


def recover(
    picture: AnyPicture,
    method: str | AnaglyphMethod = "auto",
    *,
    swap: bool = False,
    force: bool = False,
    invent_color: bool = False,
    model: str | None = None,
    device: str = "auto",
) -> Views:
    """Returns both views of an anaglyph: `left`, `right` `(H, W, 3)`, `disparity`, `confidence` `(2, H, W)`, `method`.

    Args:
        picture: A file's name, a Pillow picture, an `(H, W, 3)` RGB array of 8 or 16 bits, or an `Image`.
        method: How it was made, such as `red-cyan` or `green-magenta-half`, or `auto` to detect it.
        swap: Whether the first colour is the right eye's.
        force: Whether to take what does not look like an anaglyph for one.
        invent_color: Whether the views of a grey anaglyph get colours.
        model: Run folder, or name of released weights or of a run; by default the released ones.
        device: `auto`, `cpu`, `cuda`, `cuda:1` or `mps`.

    Raises:
        restereo.errors.UserError: The picture is damaged or no anaglyph, or something named does not exist.

    Example:
        >>> from restereo import recover
        >>> recover("nowhere.jpg")
        Traceback (most recent call last):
        restereo.errors.UserError: nowhere.jpg: no such file; check the name.
    """
    options = RecoverOptions(parse_or_detect(method), swap, force, invent_color)
    image = as_image(picture)
    return recover_image(image, loaded_model(model or default_model(), device, "anaglyph"), options)[0]


def recover_file(
    file: Path,
    outputs: Sequence[Path],
    restorer: Restorer,
    options: RecoverOptions,
    on_progress: ProgressCallback = no_progress,
) -> Result:
    """Returns what was done after writing every layout asked for.

    Args:
        file: The anaglyph.
        outputs: Where to, as `paths.targets` lists them.
        restorer: The network.
        options: How.
        on_progress: Called with the number of pixels each time some are done.

    Raises:
        UserError: The file is damaged or no anaglyph, or an output cannot be written.
    """
    start = time.perf_counter()
    image = read_image(file)
    wanted = any(layout.name in {"disparity", "confidence"} for layout in options.layouts)
    views, found = recover_image(image, restorer, options, wanted, on_progress)
    assert views.method is not None
    remaining, notes = list(outputs), list(image.notes)
    for layout in options.layouts:
        files, remaining = remaining[: len(layout.suffixes)], remaining[len(layout.suffixes) :]
        maps = views.disparity, views.confidence
        pictures = arrange(layout, views.left, views.right, *maps, glasses=options.glasses)
        write_layout(files, layout, pictures, image.metadata, options.quality)
        notes += not_kept(files, image, layout)
    notes += doubts(views.method, found, options.method is not None, views.matched)
    detected = found and {
        "method": found.method.name,
        "confidence": round(found.confidence, 4),
        "plain": found.plain,
        "runner_up": found.runner_up and found.runner_up.name,
    }
    details = {
        "detected": detected,
        "width": image.width,
        "height": image.height,
        "bits": image.bits,
        "matched": views.matched and round(views.matched, 4),
    }
    return Result(
        file,
        list(outputs),
        method=views.method,
        description=f"from {describe(views.method, found, views.matched)}",
        details=details,
        seconds=time.perf_counter() - start,
        notes=notes,
    )


def recover_image(
    image: Image,
    restorer: Restorer,
    options: RecoverOptions,
    maps: bool = True,
    on_progress: ProgressCallback = no_progress,
) -> tuple[Views, Detection | None]:
    """Returns the views of a picture, and what it looks like (None if it is too small to tell).

    Where `RESTEREO_STATISTICS` asks for it, figures of the picture are added to that file.

    Raises:
        UserError: It is no anaglyph, and neither `options.method` nor `options.force` says to take it for one.
    """
    anyway = FORCE, " tries anyway"
    if image.stereo and not options.force:
        what = f"{image.stereo.about}, no anaglyph, so there is nothing to recover"
        raise UserError(what, where=image.name, remedy=anyway)
    shallow = eight_bit(image.pixels)
    small = min(shallow.shape[:2]) < LEAST_SIDE
    found = None if small and options.method else detect(shallow, image.name)
    if found is not None and found.plain and not options.force and options.method is None:
        packing = packing_of(shallow)
        if packing:
            what = f"a picture that holds both views {packing}, not an anaglyph"
            raise UserError(what, where=image.name, remedy=anyway)
        remedy = "if it is one, of a scene with hardly any depth, name its method or use ", FORCE
        raise UserError("a plain picture, not an anaglyph", where=image.name, remedy=remedy)
    method = options.method
    if method is None:
        assert found is not None
        method = found.method
    if options.swap:
        method = method.swapped()
    log = statistics.log()
    views = restorer.restore(
        image,
        method,
        invent_color=options.invent_color,
        maps=maps or log is not None,
        on_progress=on_progress,
    )
    if log is not None:
        trust = views.residual, views.disparity, views.confidence
        left = eight_bit(views.left)
        statistics.note(log, statistics.statistics_of(shallow, left, method, image.lossy, restorer.sha256, *trust))
    return views, found


def doubts(method: AnaglyphMethod, found: Detection | None, named: bool, matched: float | None = None) -> list[str]:
    """Returns what speaks against the method that a picture was taken for, in notes.

    Args:
        method: Taken for.
        found: What the picture looks like, if that is known.
        named: Whether a person named the method.
        matched: Share of the pixels whose colours were matched, if the network matches.

    Example:
        >>> doubts(METHODS["red-cyan-color"], Detection(METHODS["amber-blue-color"], 0.9, False, {}), True)
        ['taken for red-cyan-color as asked, but it looks like amber-blue-color']
        >>> doubts(METHODS["red-cyan-color"], None, True, 0.28)
        ['only 28% of it could be matched: a drawing, a picture on its side, or eyes of different scenes?']
    """
    notes = []
    if found is not None and found.plain:
        notes.append(f"it looks like a plain picture{'' if named else '; its glasses are a guess'}")
    elif found is not None and method.colors != found.method.colors:
        notes.append(f"taken for {method} as asked, but it looks like {found.method}")
    elif found is not None and found.runner_up is not None and not named:
        notes.append(f"it looks nearly as much like {found.runner_up}: name that if the eyes differ in colour")
    if matched is not None and unrelated(matched):
        what = "a drawing, a picture on its side, or eyes of different scenes?"
        notes.append(f"only {matched:.0%} of it could be matched: {what}")
    return notes
