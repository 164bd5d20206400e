"""JPEG files that say themselves that they hold two views: MPO (CIPA DC-007) and JPS (VRex' APP3 segment)."""

import struct
from typing import Final

SOI, APP2, APP3 = b"\xff\xd8", 0xE2, 0xE3
DISPARITY: Final = 0x020002
"""MP type "multi-frame image, disparity": views of one moment from neighbouring places."""
REPRESENTATIVE: Final = 0x20000000
_LONG, _UNDEFINED = 4, 7


def mpo(left: bytes, right: bytes) -> bytes:
    r"""Returns one file of two JPEG files, marked as left (viewpoint 1) and right view of a stereo picture.

    Example:
        >>> mpo(SOI + b"left", SOI + b"right").count(b"MPF\0")
        2
    """
    first_start, first_end = _split(left)
    second_start, second_end = _split(right)
    second = second_start + _segment(APP2, b"MPF\0" + _header(_attributes(2, version=True))) + second_end
    length = len(_index(0, 0, 0))
    header = len(first_start) + 4 + 4  # where offsets count from: behind the marker, its length and "MPF\0"
    first_size = len(first_start) + 8 + length + len(first_end)
    block = _index(first_size, len(second), first_size - header)
    return first_start + _segment(APP2, b"MPF\0" + block) + first_end + second


def jps(joined: bytes) -> bytes:
    """Returns a JPEG file of the right and left view side by side, marked as that.

    Example:
        >>> jps(SOI + b"...")[6:14]
        b'_JPSJPS_'
    """
    separation, flags, side_by_side, stereo = 0, 0, 2, 1  # flag 4 would be "left first"
    descriptor = struct.pack(">H4BH", 4, separation, flags, side_by_side, stereo, 0)
    start, end = _split(joined)
    return start + _segment(APP3, b"_JPSJPS_" + descriptor) + end


def _split(jpeg: bytes) -> tuple[bytes, bytes]:
    """Splits a JPEG file behind its leading JFIF and Exif segments, which must stay first."""
    place = len(SOI)
    while jpeg[place : place + 1] == b"\xff" and jpeg[place + 1 : place + 2] in {b"\xe0", b"\xe1"}:
        place += 2 + int.from_bytes(jpeg[place + 2 : place + 4], "big")
    return jpeg[:place], jpeg[place:]


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def _header(directories: bytes) -> bytes:
    return b"II*\0" + struct.pack("<L", 8) + directories


def _entry(tag: int, kind: int, count: int, value: bytes | int) -> bytes:
    packed = struct.pack("<L", value) if isinstance(value, int) else value
    return struct.pack("<HHL", tag, kind, count) + packed


def _attributes(number: int, version: bool) -> bytes:
    """The directory that says which view this is."""
    entries = [_entry(0xB000, _UNDEFINED, 4, b"0100")] if version else []
    entries += [_entry(0xB101, _LONG, 1, number), _entry(0xB204, _LONG, 1, 1)]  # own viewpoint, base viewpoint
    return struct.pack("<H", len(entries)) + b"".join(entries) + struct.pack("<L", 0)


def _index(first_size: int, second_size: int, second_offset: int) -> bytes:
    entries_at = 8 + 2 + 3 * 12 + 4
    attributes_at = entries_at + 2 * 16
    listed = struct.pack("<LLLHH", REPRESENTATIVE | DISPARITY, first_size, 0, 0, 0)
    listed += struct.pack("<LLLHH", DISPARITY, second_size, second_offset, 0, 0)
    directory = struct.pack("<H", 3)
    directory += _entry(0xB000, _UNDEFINED, 4, b"0100") + _entry(0xB001, _LONG, 1, 2)
    directory += _entry(0xB002, _UNDEFINED, len(listed), entries_at) + struct.pack("<L", attributes_at)
    return _header(directory + listed + _attributes(1, version=False))
