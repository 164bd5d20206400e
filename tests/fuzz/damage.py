"""Files to break `restereo recover` with: whole ones of every kind, and what chance makes of them."""

import io
import random
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from restereo.image import Metadata
from restereo.imaging.anaglyph import form
from restereo.io.write import encode
from restereo.methods import METHODS

ENDINGS = (".png", ".jpg", ".mpo", ".tif", ".webp", ".gif", ".bmp", ".jpeg", ".JPG", ".txt", "")
TOLD = Metadata(
    exif=((271, "Maker"), (305, "Software" * 20)), details=((37500, bytes(500)),), gps=((1, "N"),), dpi=(72.0, 72.0)
)


def seeds(real: Path | None = None) -> dict[str, bytes]:
    """Returns whole files by name: generated anaglyphs, plain and stereo pictures, and the real ones of a folder."""
    rng = np.random.default_rng(0)
    light = rng.integers(20, 256, (12, 20, 1))
    coarse = np.clip(light * [1.0, 0.8, 0.6] + rng.integers(-15, 16, (12, 20, 3)), 0, 255).astype(np.uint8)
    wall = np.asarray(Image.fromarray(coarse).resize((90, 56), Image.Resampling.BICUBIC))
    left, right = (np.ascontiguousarray(wall[:, start : start + 80]) for start in (8, 0))
    made = form(left, right, METHODS["red-cyan-color"])
    image = Image.fromarray(made)
    icc = Image.new("RGB", (1, 1)).info.get("icc_profile", b"")
    files = {
        "colour.png": encode([made], ".png", TOLD),
        "deep.pgm": b"P5\n80 56\n65535\n" + (made[..., 0].astype(">u2") * 257).tobytes(),
        "planar.tif": _tiff(made.transpose(2, 0, 1) * np.uint16(257), photometric="rgb", planarconfig="separate"),
        "integers.tif": _tiff(made[..., 0].astype(np.int32)),
        "photo.heic": _heic(image),
        "deep.png": encode([made.astype(np.uint16) * 257], ".png", TOLD),
        "deep.tif": encode([made.astype(np.uint16) * 257], ".tif", TOLD),
        "shallow.tif": encode([made], ".tif", TOLD),
        "colour.jpg": encode([made], ".jpg", TOLD),
        "stereo.mpo": encode([left, right], ".mpo", TOLD),
        "stereo.jps": encode([np.concatenate([right, left], 1)], ".jps", TOLD),
        "colour.webp": encode([made], ".webp", TOLD),
        "plain.png": encode([left], ".png", Metadata(icc=icc)),
        "grey.jpg": encode([form(left, right, METHODS["red-cyan-grey"])], ".jpg", TOLD),
        "magenta.jpg": encode([form(left, right, METHODS["green-magenta-half"])], ".jpg", TOLD),
    }
    alpha = image.convert("RGBA")
    alpha.putalpha(120)
    variants: dict[str, tuple[Image.Image, dict[str, object]]] = {
        "420.jpg": (image, {"quality": 60}),
        "progressive.jpg": (image, {"progressive": True, "optimize": True}),
        "ink.jpg": (image.convert("CMYK"), {}),
        "one.jpg": (image.convert("L"), {}),
        "alpha.png": (alpha, {}),
        "palette.png": (image.quantize(64), {"transparency": 3}),
        "one.png": (image.convert("1"), {}),
        "grey.png": (image.convert("LA"), {}),
        "deep-grey.png": (Image.fromarray(made[..., 0].astype(np.uint16) * 257), {}),
        "moving.png": (image, {"save_all": True, "append_images": [image.rotate(90)]}),
        "moving.gif": (image, {"save_all": True, "append_images": [image.rotate(90)]}),
        "gain-map.mpo": (image, {"save_all": True, "append_images": [image.resize((20, 14))]}),
        "tiny.png": (image.resize((1, 1)), {}),
        "narrow.png": (image.resize((1, 900)), {}),
        "flat.jpg": (image.resize((900, 3)), {}),
        "smallest.png": (image.resize((16, 16)), {}),
        "floating.tif": (Image.fromarray(made[..., 0].astype(np.float32)), {}),
    }
    kinds = {".jpg": "JPEG", ".png": "PNG", ".mpo": "MPO", ".gif": "GIF", ".tif": "TIFF"}
    for name, (variant, options) in variants.items():
        stream = io.BytesIO()
        variant.save(stream, kinds[name[name.index(".") :]], **options)
        files[name] = stream.getvalue()
    found = sorted(real.iterdir()) if real else []
    return files | {f"real-{f.name}": f.read_bytes() for f in found if f.suffix in kinds and f.stat().st_size < 90_000}


def _tiff(values: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, compression="zlib", **options)
    return stream.getvalue()


def _heic(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "HEIF")
    return stream.getvalue()


def case(number: int, files: dict[str, bytes]) -> tuple[str, bytes]:
    """Returns the name and the bytes of a file, a pure function of the number."""
    rng = random.Random(number)
    name = rng.choice(sorted(files))
    content = files[name]
    if rng.random() < 0.05:
        return _odd(rng)
    for _ in range(rng.choice([0, 1, 1, 1, 2, 4])):
        content = rng.choice(_DAMAGES)(content, rng, files)
    ending = rng.choice(ENDINGS) if rng.random() < 0.1 else name[name.rindex(".") :]
    return f"{number:05d}{ending}", content


def _odd(rng: random.Random) -> tuple[str, bytes]:
    contents = [
        b"",
        b"\0",
        b"\xff\xd8",
        b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n",
        b"II*\0\x08\0\0\0\0\0",
        b"hello\n",
        b"GIF89a",
    ]
    contents += [
        rng.randbytes(rng.randrange(1, 5000)),
        b"<svg/>",
        b"BM" + bytes(60),
        b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        bytes(10**6),
    ]
    return f"odd-{rng.randrange(10**6)}{rng.choice(ENDINGS)}", rng.choice(contents)


def cut(content: bytes, rng: random.Random, _: dict[str, bytes]) -> bytes:
    return content[: rng.randrange(len(content) + 1)]


def flip(content: bytes, rng: random.Random, _: dict[str, bytes]) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice([1, 3, 20])):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def flip_head(content: bytes, rng: random.Random, files: dict[str, bytes]) -> bytes:
    return flip(content[:400], rng, files) + content[400:]


def overwrite(content: bytes, rng: random.Random, _: dict[str, bytes]) -> bytes:
    start, length = rng.randrange(len(content) + 1), rng.choice([1, 2, 4, 16, 200])
    filler = rng.choice([b"\0", b"\xff", b"\x80", rng.randbytes(1)]) * length
    return content[:start] + filler + content[start + length :]


def delete(content: bytes, rng: random.Random, _: dict[str, bytes]) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[start + rng.choice([1, 7, 64, 2000]) :]


def repeat(content: bytes, rng: random.Random, _: dict[str, bytes]) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + content[max(0, start - rng.choice([8, 300])) :]


def splice(content: bytes, rng: random.Random, files: dict[str, bytes]) -> bytes:
    other = files[rng.choice(sorted(files))]
    return content[: rng.randrange(len(content) + 1)] + other[rng.randrange(len(other)) :]


def append(content: bytes, rng: random.Random, files: dict[str, bytes]) -> bytes:
    return content + rng.choice([rng.randbytes(900), files[rng.choice(sorted(files))]])


def extreme(content: bytes, rng: random.Random, _: dict[str, bytes]) -> bytes:
    """An extreme number somewhere in the head: lengths, sizes, offsets, counts."""
    place = rng.randrange(min(len(content), 600) + 1)
    value = struct.pack(rng.choice(["<L", ">L", "<H", ">H"]), rng.choice([0, 1, 0x7FFF, 0xFFFF]))
    return content[:place] + value + content[place + len(value) :]


def _png_header(content: bytes, rng: random.Random, _: dict[str, bytes]) -> bytes:
    """Another size, depth or colour type, with a right checksum, so that the decoder believes it."""
    if content[12:16] != b"IHDR" or len(content) < 33:
        return content
    width, height, *rest = struct.unpack(">LL5B", content[16:29])
    sizes = [0, 1, 2, 65_536, 9_999, 2**31 - 1, 2**32 - 1]
    width, height = rng.choice([(width, rng.choice(sizes)), (rng.choice(sizes), height), (width, height)])
    rest[rng.randrange(5)] = rng.choice([0, 1, 2, 3, 4, 6, 8, 16, 255])
    head = b"IHDR" + struct.pack(">LL5B", width, height, *rest)
    return content[:12] + head + struct.pack(">L", zlib.crc32(head)) + content[33:]


_DAMAGES: list[Callable[[bytes, random.Random, dict[str, bytes]], bytes]] = [
    *[cut, flip, flip_head, overwrite, delete, repeat, splice, append, extreme, _png_header],
    *[cut, flip_head, extreme],  # the likelier ones
]
