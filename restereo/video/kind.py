"""What tells a film from a picture: its first bytes."""

import contextlib
from pathlib import Path

_ENDINGS = """
.3gp .asf .avi .divx .flv .h264 .h265 .hevc .m1v .m2ts .m2v .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogm .ogv .rm .rmvb
.ts .vob .webm .wmv .y4m
"""
SUFFIXES = frozenset(_ENDINGS.split())
PICTURE_MAGIC = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"P5", b"P6")
FILM_MAGIC = (b"\x1aE\xdf\xa3", b"FLV\x01", b"OggS", b"\0\0\x01\xba", b"\x30\x26\xb2\x75", b"YUV4MPEG2")


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
    if head.startswith(PICTURE_MAGIC) or (head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"avif", b"mif1"}):
        return False
    if head[4:8] == b"ftyp" or head.startswith(FILM_MAGIC) or (head[:4] == b"RIFF" and head[8:12] == b"AVI "):
        return True
    return file.suffix.lower() in SUFFIXES
