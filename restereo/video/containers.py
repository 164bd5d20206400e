"""What the bytes of a film's file say: boxes of MP4, elements of Matroska, and whether an end is missing."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from restereo.errors import UserError

EBML, SEGMENT = b"\x1aE\xdf\xa3", b"\x18S\x80g"
LEAST_BOX = 8


def is_cut_short(file: Path) -> bool:
    """Returns whether bytes are missing at the end of a Matroska, MP4 or AVI file; of others it cannot be told.

    Raises:
        UserError: The file cannot be read.

    Example:
        >>> import tempfile
        >>> with tempfile.NamedTemporaryFile() as one:
        ...     _ = one.write(b"RIFF" + (100).to_bytes(4, "little") + b"AVI ")
        ...     one.flush()
        ...     is_cut_short(Path(one.name))
        True
    """
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            head = stream.read(16)
            stream.seek(0)
            if head.startswith(EBML):
                return _matroska_end(stream) > size
            if head[4:8] == b"ftyp":
                return any(end > size for _, _, end in boxes(stream, 0, size))
    except OSError as error:
        raise UserError(
            f"cannot be read ({error.strerror})", where=file, remedy="check its place and permissions"
        ) from None
    return head[:4] == b"RIFF" and int.from_bytes(head[4:8], "little") + 8 > size


def _matroska_end(stream: BinaryIO) -> int:
    """Returns where the segment ends; 0 if it does not say, as in a live recording."""
    stream.seek(len(EBML))
    header = _number(stream) or 0
    stream.seek(header, 1)
    if stream.read(4) != SEGMENT:
        return 0
    length = _number(stream)
    return 0 if length is None else stream.tell() + length


def _number(stream: BinaryIO) -> int | None:
    """Reads an EBML number (RFC 8794): leading zero bits count its bytes; all ones = unknown."""
    first = stream.read(1)
    count = 8 - first[0].bit_length() if first and first[0] else 0
    rest = stream.read(count)
    value = int.from_bytes(bytes([(first or b"\0")[0] & (0x7F >> count)]) + rest, "big")
    return None if value == (1 << 7 * (count + 1)) - 1 else value


def boxes(stream: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields name, begin and end of each box (ISO 14496-12) that begins within these bytes of a file."""
    while begin + LEAST_BOX <= end:
        stream.seek(begin)
        length, name = int.from_bytes(stream.read(4), "big"), stream.read(4)
        if length == 1:
            length = int.from_bytes(stream.read(8), "big")
        elif length == 0:
            length = end - begin
        if length < LEAST_BOX:
            return  # no box: a matter for the decoder
        yield name, begin, begin + length
        begin += length


def elements(stream: BinaryIO, begin: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yields name, begin and end of the content of each EBML element (RFC 8794) within these bytes of a file."""
    while begin < end:
        stream.seek(begin)
        first = stream.read(1)
        name = first + stream.read(8 - first[0].bit_length() if first and first[0] else 0)
        length = _number(stream)
        begin = stream.tell()
        beyond = end if length is None else begin + length
        yield name, begin, beyond
        begin = beyond
