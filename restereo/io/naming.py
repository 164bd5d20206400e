"""Where results go: names that say what a file holds, so that players and a second run know it."""

from collections.abc import Sequence
from pathlib import Path

from restereo.errors import UserError
from restereo.io.layouts import LAYOUTS, Layout

SAME = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}
"""Endings that a result keeps from its source."""
OWN = {ending for layout in LAYOUTS.values() for ending in layout.endings} - SAME
"""Endings that only certain layouts have."""

SAMPLE = "_sample"
"""What follows the layout in the name of one frame of a film."""
COLORED, REPAIRED, ENLARGED = "_color", "_repaired", "_x{scale}"
"""What `colorize`, `repair` and `upscale` add to a name."""
SCALES = (2, 4)
"""How many times larger `upscale` makes views."""
RESTORED = {COLORED, REPAIRED, *(ENLARGED.format(scale=scale) for scale in SCALES)}


def targets(source: Path, layouts: Sequence[Layout], out: Path | None = None, ending: str | None = None) -> list[Path]:
    """Returns the files to write for one source, in the layouts' order.

    Without `out` they lie beside the source, each with its layout's suffix; an `out` that is a folder, or has no
    ending, takes them; one that names a file is that file if there is only one, else it lends its stem.

    Args:
        source: The file that was read.
        layouts: What is made of it.
        out: Folder or file, or None.
        ending: Of the results, such as `.png` or `.mp4`; by default the source's own if it is a picture's, else `.png`.

    Raises:
        UserError: A layout cannot be held by a file of this ending, or a result would overwrite its source.

    Example:
        >>> sbs, pair, mpo = (LAYOUTS[name] for name in ("sbs", "pair", "mpo"))
        >>> [str(file) for file in targets(Path("a.jpg"), [sbs])]
        ['a_LRF_Full_SBS.jpg']
        >>> [str(file) for file in targets(Path("in/a.jpg"), [pair, mpo], Path("out"), ".png")]
        ['out/a_L.png', 'out/a_R.png', 'out/a.mpo']
        >>> [str(file) for file in targets(Path("a.jpg"), [sbs], Path("b.png"))]
        ['b.png']
    """
    count = sum(len(layout.suffixes) for layout in layouts)
    into = out is not None and (out.is_dir() or not out.suffix)
    folder = source.parent if out is None else out if into else out.parent
    named = None if out is None or into else out
    stem = source.stem if named is None else named.stem
    files = []
    for layout in layouts:
        last = _ending(layout, source, named if count == 1 else None, ending or (named.suffix if named else None))
        single = named is not None and count == 1
        files += [folder / f"{stem}{'' if single else suffix}{last}" for suffix in layout.suffixes]
    for file in files:
        keep_source(file, source)
    return files


def keep_source(file: Path, source: Path) -> None:
    """Raises `UserError` if writing the file would overwrite the source.

    Example:
        >>> keep_source(Path("a.png"), Path("b/../a.png"))
        Traceback (most recent call last):
        restereo.errors.UserError: a.png: it would overwrite its own source; name another with -o.
    """
    if file.resolve() == source.resolve() or _same(file, source):
        raise UserError(f"{file}: it would overwrite its own source; name another with -o.")


def _same(file: Path, source: Path) -> bool:
    try:
        return file.samefile(source)
    except OSError:  # one of them is not there, or cannot be: then they are two
        return False


def _ending(layout: Layout, source: Path, exact: Path | None, options: str | None) -> str:
    if exact is not None:
        if layout.endings and exact.suffix.lower() not in layout.endings:
            allowed = ", ".join(layout.endings)
            raise UserError(f"{exact}: layout '{layout.name}' cannot be held by '{exact.suffix}'; end it in {allowed}.")
        shows = None if layout.endings else _only_layout(exact.suffix.lower())
        if shows:
            raise UserError(
                f"{exact}: layout '{layout.name}' cannot be held by '{exact.suffix}', which is for '{shows}'; "
                "end it in .png or the like."
            )
        return exact.suffix
    if layout.endings:
        fits = options is not None and options.lower() in layout.endings and layout.name != "wiggle"
        return options if options is not None and fits else layout.endings[0]
    if options is not None and options.lower() not in OWN:
        return options
    return picture_ending(source)


def _only_layout(ending: str) -> str | None:
    """The layout that files of this ending are of; none of .gif, which holds any one picture, too."""
    owners = [layout.name for layout in LAYOUTS.values() if ending in layout.endings]
    return owners[0] if owners and ending in OWN - {".gif"} else None


def picture_ending(source: Path) -> str:
    """Returns the ending of a picture made of this one: its own if that can be written and holds one picture.

    Example:
        >>> picture_ending(Path("a.JPG")), picture_ending(Path("a.mpo"))
        ('.JPG', '.png')
    """
    return source.suffix if source.suffix.lower() in SAME else ".png"


def is_result(file: Path, sources: set[Path]) -> bool:
    """Returns whether the file is named as a result of one of the sources (paths with and without their endings).

    Example:
        >>> is_result(Path("in/a_LRF_Full_SBS.jpg"), {Path("in/a")})
        True
        >>> is_result(Path("in/my_anaglyph.jpg"), {Path("in/a")})
        False
        >>> is_result(Path("a_LR_sample.png"), {Path("a")}), is_result(Path("a_color.jpg"), {Path("a")})
        (True, True)
    """
    bare = file.with_suffix("")
    bare = bare.with_name(bare.name.removesuffix(SAMPLE) or bare.name)
    suffixes = {suffix for layout in LAYOUTS.values() for suffix in layout.suffixes if suffix} | RESTORED
    return any(
        bare.name.endswith(s) and bare.name != s and bare.with_name(bare.name[: -len(s)]) in sources for s in suffixes
    )
