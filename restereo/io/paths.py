"""Which files are read and which are written.

Sources are found by name or below folders. Results are named so that players and a second run know what they hold, and
take the place of no original.
"""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, JpegImagePlugin

from restereo.errors import OUT, UserError
from restereo.io.layouts import LAYOUTS, Layout
from restereo.io.read import ENDINGS, check_regular

SAME = {".png", ".jpg", ".jpeg", ".jfif", ".jpe", ".webp", ".tif", ".tiff", ".bmp"}
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
Identity = tuple[int, int]
COMMON: Final = frozenset(["", "_anaglyph", "_left", "_right", "_L", "_R"])
"""Ends of a result's name that cameras and people give their own files, too."""
SHOWN = 3
"""How many of the files left out are named."""
_ENDINGS = """
.3gp .asf .avi .divx .flv .h264 .h265 .hevc .m1v .m2ts .m2v .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogm .ogv .rm .rmvb
.ts .vob .webm .wmv .y4m
"""
FILM_ENDINGS = frozenset(_ENDINGS.split())
PICTURE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"P5", b"P6")
PICTURE_BRANDS = frozenset(b"avif avis heic heim heis heix hevc hevm hevs hevx mif1 mif2 msf1".split())
"""Major brands of HEIF files (ISO 23008-12 and AV1 in HEIF): photos, and bursts, which hold several."""
FILM_MAGIC = (b"\x1aE\xdf\xa3", b"FLV\x01", b"OggS", b"\0\0\x01\xba", b"\x30\x26\xb2\x75", b"YUV4MPEG2")


@dataclass(frozen=True)
class Found:
    """A file to read.

    Attributes:
        file: Its path.
        under: Its folder below the one that was named.
        error: Why it cannot be read, or None.
    """

    file: Path
    under: Path = Path()
    error: UserError | None = None


def find_sources(paths: Sequence[Path], out: Path | None, on_note: Callable[[str], None]) -> list[Found]:
    """Returns the files named and those below folders named, each once; not hidden ones and earlier results.

    Args:
        paths: Pictures, films and folders.
        out: Where results go: nothing in that folder is a source, if it lies below one that was named.
        on_note: Called with a sentence on what is left out.
    """
    found = dict[Path, Found]()
    for path in paths:
        for source in _below(path, out, on_note):
            found.setdefault(place_of(source.file), source)
    return list(found.values())


def is_folder(path: Path) -> bool:
    """Returns whether it is a folder; not if that cannot be told, as of a name that is too long.

    Example:
        >>> is_folder(Path(".")), is_folder(Path(1000 * "a"))
        (True, False)
    """
    try:
        return path.is_dir()
    except OSError:
        return False


def place_of(file: Path) -> Path:
    """Returns the file's path in the one way of writing it; a link is not followed, for it has a name of its own.

    Example:
        >>> place_of(Path("a/../b.png")) == place_of(Path("b.png"))
        True
    """
    whole = file.resolve() if file.name in {"", ".."} else file
    return Path(os.path.realpath(whole.parent)) / whole.name


def _below(path: Path, out: Path | None, on_note: Callable[[str], None]) -> Iterator[Found]:
    if not is_folder(path):
        yield _checked(path)
        return
    found: list[Path] = []
    errors: list[OSError] = []
    others = Counter[str]()
    apart = None if out is None else os.path.realpath(out)
    for folder, folders, names in os.walk(path, onerror=errors.append):
        here = Path(folder)
        folders[:] = sorted(n for n in folders if not n.startswith(".") and os.path.realpath(here / n) != apart)
        shown = [here / n for n in sorted(names) if not n.startswith(".")]
        found += [file for file in shown if file.suffix.lower() in ENDINGS | FILM_ENDINGS]
        others.update(file.suffix.lower() for file in shown if _is_other_picture(file))
    for error in errors:
        place = Path(error.filename)
        yield Found(
            place, error=UserError(f"cannot be read ({error.strerror})", where=place, remedy="allow reading it")
        )
    bare = {file.with_suffix("") for file in found} | set(found)
    results = [file for file in found if is_result(file, bare)]
    if results:
        names = [str(file.relative_to(path)) for file in results[:SHOWN]]
        listing = ", ".join(names) + (", ..." if len(results) > SHOWN else "")
        on_note(f"{path}: {len(results)} left out as results of earlier runs ({listing}); name them to take them")
    if others:
        counts = ", ".join(f"{ending} {count}" for ending, count in sorted(others.items()))
        on_note(f"{path}: {others.total()} left out by their type ({counts}); name them to take them")
    left_out = set(results)
    for file in found:
        if file not in left_out:
            yield _checked(file, file.parent.relative_to(path))
    if not errors and len(results) == len(found):
        what = f"no pictures or films in it ({', '.join(sorted(ENDINGS))})"
        yield Found(path, error=UserError(what, where=path, remedy="check the name"))


def _is_other_picture(file: Path) -> bool:
    """Returns whether a file is named as a picture of a type that folders are not searched for, such as MPO."""
    ending = file.suffix.lower()
    known = OWN | {".pns"} | {one for one, name in Image.registered_extensions().items() if name in Image.OPEN}
    return ending in known - ENDINGS - FILM_ENDINGS


def _checked(file: Path, under: Path = Path()) -> Found:
    try:
        check_regular(file)
    except UserError as error:
        return Found(file, under, error)
    return Found(file, under)


def is_film(file: Path) -> bool:
    """Returns whether the file's first bytes are those of a film; where they do not tell, whether its name ends so.

    Example:
        >>> is_film(Path("missing.mkv")), is_film(Path("missing.png"))
        (True, False)
    """
    head = b""
    with contextlib.suppress(OSError):
        if file.is_file():  # opening a pipe would wait for ever
            with file.open("rb") as stream:
                head = stream.read(16)
    if head.startswith(PICTURE_MAGIC) or (head[4:8] == b"ftyp" and head[8:12] in PICTURE_BRANDS):
        return False
    if head[4:8] == b"ftyp" or head.startswith(FILM_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return True
    return file.suffix.lower() in FILM_ENDINGS


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
        restereo.errors.UserError: a.png: it would overwrite its own source; name another with out.
    """
    if file.resolve() == source.resolve() or _same(file, source):
        raise UserError("it would overwrite its own source", where=file, remedy=("name another with ", OUT))


def _same(file: Path, source: Path) -> bool:
    try:
        return file.samefile(source)
    except OSError:  # one of them is not there, or cannot be: then they are two
        return False


def _ending(layout: Layout, source: Path, exact: Path | None, wanted: str | None) -> str:
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
        fits = wanted is not None and wanted.lower() in layout.endings and layout.name != "wiggle"
        return wanted if wanted is not None and fits else layout.endings[0]
    if wanted is not None and wanted.lower() not in OWN:
        return wanted
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


def identity(file: Path) -> Identity | None:
    """Returns what tells two files apart however their paths are written, or None if there is no such file.

    Example:
        >>> identity(Path("restereo")) == identity(Path("restereo/../restereo"))
        True
    """
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def keep_originals(
    file: Path, source: Path, sources: Collection[Identity | None], named: bool, stem: str | None = None
) -> None:
    """Makes sure that a result written under this name destroys no original.

    Earlier results are written over. Of names that others give, too, a file is taken for an original if it lies beside
    the source and is older, or is a JPEG that was not saved as 4:4:4: what is made of a picture is younger, and 4:4:4.

    Args:
        file: The result to write.
        source: What it is made of.
        sources: All that the run reads.
        named: Whether a person named this very file.
        stem: With which its name begins; by default the source's.

    Raises:
        UserError: It would.
    """
    there = identity(file)
    if there is None:
        return
    if there in sources:
        remedy = "name another place with ", OUT
        raise UserError("it would overwrite a picture that is to be read", where=file, remedy=remedy)
    if named or file.stem.removeprefix(stem or source.stem) not in COMMON:
        return
    older = file.parent.resolve() == source.parent.resolve() and file.stat().st_mtime < source.stat().st_mtime
    if older or _saved_by_another(file):
        why = f"older than {source.name}" if older else "saved by another program"
        remedy = "move it away, or name another place with ", OUT
        raise UserError(f"{why}, so it may be an original", where=file, remedy=remedy)


def _saved_by_another(file: Path) -> bool:
    try:
        with Image.open(file) as image:
            return isinstance(image, JpegImagePlugin.JpegImageFile) and JpegImagePlugin.get_sampling(image) != 0
    except Exception:  # no picture that Pillow knows
        return False
