"""MP4 films that say themselves that they hold two views: the `st3d` box, which ffmpeg's writer leaves out.

The box belongs into the description of the pictures (Spherical Video V2 RFC, "Stereoscopic 3D Video Box"). ffmpeg puts
the index behind the pictures, so that it can grow without anything else moving.
"""

import struct
from pathlib import Path
from typing import Final

from restereo.errors import UserError

MODES: Final = {1: 2, 3: 1}
"""The box's stereo_mode, 2 = left-right and 1 = top-bottom, by Matroska's StereoMode; it has none for right first."""
PATH: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
PICTURES: Final = {b"avc1", b"hvc1"}
_HEAD: Final = 8
_COUNTS: Final = 8
"""Bytes of `stsd` before its entries: version and their number."""


def marked(index: bytes, mode: int) -> bytes:
    r"""Returns the box `moov` with a box `st3d` in each description of H.264 or HEVC pictures.

    Args:
        index: The box, head included.
        mode: The box's stereo_mode.

    Example:
        >>> pictures = struct.pack(">L4s", 12, b"avc1") + b"size"
        >>> entries = struct.pack(">L4sLL", 28, b"stsd", 0, 1) + pictures
        >>> index = entries
        >>> for name in reversed(PATH[:-1]):
        ...     index = struct.pack(">L4s", len(index) + 8, name) + index
        >>> marked(index, 2)[-25:]
        b'\x00\x00\x00\x19avc1size\x00\x00\x00\rst3d\x00\x00\x00\x00\x02'
    """
    return _box(index, PATH, mode)


def _box(box: bytes, path: tuple[bytes, ...], mode: int) -> bytes:
    """The box with what is in it marked, if it is the first of the path."""
    name = box[4:8]
    if not path and name in PICTURES:
        return _sized(box + struct.pack(">L4sLB", 13, b"st3d", 0, mode))
    if not path or name != path[0]:
        return box
    begin = _HEAD + (_COUNTS if len(path) == 1 else 0)
    return _sized(box[:begin] + b"".join(_box(one, path[1:], mode) for one in _boxes(box[begin:])))


def _boxes(content: bytes) -> list[bytes]:
    found, at = [], 0
    while at + _HEAD <= len(content):
        length = max(_HEAD, int.from_bytes(content[at : at + 4], "big"))
        found.append(content[at : at + length])
        at += length
    return [*found, content[at:]] if at < len(content) else found


def _sized(box: bytes) -> bytes:
    return struct.pack(">L", len(box)) + box[4:]


def mark_stereo(file: Path, mode: int | None) -> None:
    """Adds the box to an MP4 or QuickTime file that ffmpeg has just written; does nothing where the mode has none.

    Args:
        file: Changed in its place; its index must be the last box.
        mode: Matroska's StereoMode.

    Raises:
        UserError: Its index is not the last box.
    """
    if mode not in MODES:
        return
    with file.open("r+b") as stream:
        at, size = 0, file.stat().st_size
        while at + _HEAD <= size:
            stream.seek(at)
            length, name = struct.unpack(">L4s", stream.read(_HEAD))
            if length == 1:
                length = int.from_bytes(stream.read(8), "big")
            if name == b"moov" and at + length == size:
                stream.seek(at)
                index = marked(stream.read(), MODES[mode])
                stream.seek(at)
                stream.write(index)
                return
            at += max(_HEAD, length)
    raise UserError(
        f"{file}: its index is not at its end, so it cannot be marked as stereo; name a film that ends in .mkv."
    )
