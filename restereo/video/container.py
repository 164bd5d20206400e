"""Whether a film's file ends before its own headers say so: decoders go through what is left and say nothing."""

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
                return _boxes_end(stream, size) > size
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); check its place and permissions.") from None
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


def _boxes_end(stream: BinaryIO, size: int) -> int:
    """Returns where the last of the boxes (ISO 14496-12) that begin within the file ends."""
    at = 0
    while at + LEAST_BOX <= size:
        stream.seek(at)
        length = int.from_bytes(stream.read(4), "big")
        stream.read(4)
        if length == 1:
            length = int.from_bytes(stream.read(8), "big")
        if length == 0:  # to the end of the file
            return size
        if length < LEAST_BOX:
            return at  # no box: a matter for the decoder
        at += length
    return at
