"""Pickles are told by their first bytes, before anything opens them."""

from pathlib import Path
from typing import Final

from restereo.errors import UserError

PICKLES: Final = frozenset({".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib"})
"""Endings of files that are one, or hold one."""


def check_not_pickle(file: Path) -> None:
    """Raises `UserError` if a file is a pickle by its content or its name: it could run code when opened."""
    with file.open("rb") as stream:
        head = stream.read(9)
    # The first eight bytes of safetensors are a length, whose lowest may be a pickle's 0x80; then comes JSON.
    looks_like = head[8:] != b"{" and (head[:1] == b"\x80" or head[:4] == b"PK\x03\x04")
    if file.suffix in PICKLES or looks_like:
        raise UserError("a pickle could run code when opened", where=file, remedy="save the weights as safetensors")
