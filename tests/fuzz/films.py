"""Films to break `restereo recover` with: short ones with sound, in three containers, and what chance makes of them."""

import random
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path

from tests.fuzz import damage
from tests.restereo.video import clips

BOXES = [
    b"moov",
    b"trak",
    b"mdia",
    b"stsd",
    b"avc1",
    b"avcC",
    b"stts",
    b"ctts",
    b"stss",
    b"stsz",
    b"stco",
    b"tkhd",
    b"elst",
]
"""Parts of an MP4 file's index, which is at its end."""


def seeds(real: Path | None = None) -> dict[str, bytes]:
    """Returns whole films by name: generated anaglyphs with sound, and the shortest real film of a folder."""
    with tempfile.TemporaryDirectory() as folder:
        names = ["a.mp4", "a.mov", "a.mkv", "a.avi", "silent.mp4"]
        made = [
            clips.make(
                Path(folder) / name, [0, 40, 80, 120], sound=not name.startswith("silent"), subtitles="mkv" in name
            )
            for name in names
        ]
        files = {file.name: file.read_bytes() for file in made}
    shortest = min(real.glob("*.mp4"), key=lambda file: file.stat().st_size, default=None) if real else None
    return files | ({f"real-{shortest.name}": shortest.read_bytes()} if shortest else {})


def case(number: int, files: dict[str, bytes]) -> tuple[str, bytes]:
    """Returns the name and the bytes of a film, a pure function of the number."""
    rng = random.Random(f"film {number}")
    name = rng.choice(sorted(files))
    content = files[name]
    for _ in range(rng.choice([0, 1, 1, 1, 2, 4])):
        content = rng.choice(_DAMAGES)(content, rng, files)
    ending = rng.choice([".mp4", ".mkv", ".png", ""]) if rng.random() < 0.05 else name[name.rindex(".") :]
    return f"film-{number:05d}{ending}", content


def _box(content: bytes, rng: random.Random, _: dict[str, bytes]) -> bytes:
    """A number changed near the name of a part of the index: its length, counts, sizes, times, offsets."""
    place = content.rfind(rng.choice(BOXES))
    if place < 0:
        return content
    at = max(0, place + rng.randrange(-4, 60))
    value = struct.pack(rng.choice([">L", ">H"]), rng.choice([0, 1, 2, 0x7FFF, 0xFFFF, rng.randrange(2**16)]))
    return content[:at] + value + content[at + len(value) :]


def _flip_tail(content: bytes, rng: random.Random, files: dict[str, bytes]) -> bytes:
    return content[:-2500] + damage.flip(content[-2500:], rng, files)


_DAMAGES: list[Callable[[bytes, random.Random, dict[str, bytes]], bytes]] = [
    *[_box, _box, _box, _flip_tail, _flip_tail],
    *[damage.cut, damage.flip, damage.flip_head, damage.overwrite, damage.delete, damage.repeat, damage.splice],
    *[damage.append, damage.extreme],
]
