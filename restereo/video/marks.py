"""What finished files get beside what ffmpeg's writers can be made to write through PyAV: how their views are shown."""

import struct
import zlib
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

from restereo.video.containers import boxes, elements

BOX_MODES: Final = {1: 2, 3: 1, 11: 4}
"""Values of MP4's box `st3d`, 2 = left-right, 1 = top-bottom, 4 = right-left, by Matroska's StereoMode."""
BOX_PATH: Final = [{b"moov"}, {b"trak"}, {b"mdia"}, {b"minf"}, {b"stbl"}, {b"stsd"}, {b"avc1", b"hvc1"}]
"""Where the description of the pictures is, whose track is the first."""
SEGMENT, TRACKS, TRACK, VIDEO = b"\x18S\x80g", b"\x16T\xaek", b"\xae", b"\xe0"
SHOWN_WIDTH, SHOWN_HEIGHT, CHECKSUM = b"\x54\xb0", b"\x54\xba", b"\xbf"
"""Names of Matroska's elements (RFC 9559)."""
ACROSS, DOWN = {1, 11}, {3}
"""StereoModes of views side by side and one above the other."""


def mark_stereo(file: Path, mode: int) -> None:
    """Adds the box `st3d` (Spherical Video V2 RFC) to the description of the pictures.

    Args:
        file: MP4 or QuickTime as `write_film` writes it: pictures first, the index at the end, where it can grow.
        mode: The box's stereo_mode.
    """
    box = struct.pack(">L4sLB", 13, b"st3d", 0, mode)
    begin, end, around = 0, file.stat().st_size, []
    with file.open("r+b") as stream:
        for name in BOX_PATH:
            begin, end = next((at, beyond) for one, at, beyond in boxes(stream, begin, end) if one in name)
            around.append((begin, end - begin))
            begin += 16 if b"stsd" in name else 8
        stream.seek(end)
        behind = stream.read()
        stream.seek(end)
        stream.write(box + behind)
        for at, length in around:
            stream.seek(at)
            stream.write(struct.pack(">L", length + len(box)))


def view_shape(width: int, height: int, aspect: Fraction, mode: int, halved: bool) -> Fraction:
    """Returns the width over the height of one view, as it is to be seen.

    Args:
        width: Of a frame, in px.
        height: Likewise.
        aspect: Width of a pixel over its height, before views were halved.
        mode: Matroska's StereoMode.
        halved: Whether views are squeezed to half where they are joined.

    Example:
        >>> view_shape(1440, 576, Fraction(64, 45), 1, False), view_shape(1920, 1080, Fraction(1), 3, True)
        (Fraction(16, 9), Fraction(16, 9))
    """
    across, down = (2 if mode in kind and not halved else 1 for kind in (ACROSS, DOWN))
    return Fraction(width, across) / Fraction(height, down) * aspect


def state_view_shape(file: Path, shape: Fraction) -> None:
    """Makes a Matroska film with a StereoMode state the shape of one view (RFC 9559 18.10) in its display size.

    PyAV cannot tell ffmpeg the shape of pixels there. The larger side that stands there is kept, so no element grows.

    Args:
        file: As `write_film` writes it: pictures first.
        shape: Width over height.
    """
    with file.open("r+b") as stream:
        _, begin, end = next(one for one in elements(stream, 0, file.stat().st_size) if one[0] == SEGMENT)
        tracks = next(one for one in elements(stream, begin, end) if one[0] == TRACKS)
        track = next(one for one in elements(stream, *tracks[1:]) if one[0] == TRACK)
        video = next(one for one in elements(stream, *track[1:]) if one[0] == VIDEO)
        parts = {name: (at, beyond) for name, at, beyond in elements(stream, *video[1:])}
        if not {SHOWN_WIDTH, SHOWN_HEIGHT} <= set(parts):
            return
        width, height = (_number(stream, *parts[name]) for name in (SHOWN_WIDTH, SHOWN_HEIGHT))
        if shape >= Fraction(width, height):
            height = round(width / shape)
        else:
            width = round(height * shape)
        for name, value in ((SHOWN_WIDTH, width), (SHOWN_HEIGHT, height)):
            at, beyond = parts[name]
            stream.seek(at)
            stream.write(value.to_bytes(beyond - at, "big"))
        name, at, beyond = next(elements(stream, *tracks[1:]))
        if name == CHECKSUM:
            stream.seek(beyond)
            checksum = zlib.crc32(stream.read(tracks[2] - beyond))
            stream.seek(at)
            stream.write(checksum.to_bytes(4, "little"))


def _number(stream: BinaryIO, begin: int, end: int) -> int:
    stream.seek(begin)
    return int.from_bytes(stream.read(end - begin), "big")
