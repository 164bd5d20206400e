"""Bits: what has more than 8 a channel is read in its own scale, whoever stores it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from restereo.errors import UserError
from restereo.io.read import as_image, read_image, read_picture

DEEP = np.random.default_rng(0).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
GREY = DEEP[..., 0]


def netpbm(values: np.ndarray, maxval: int) -> bytes:
    magic = b"P6" if values.ndim == 3 else b"P5"
    return b"%s\n%d %d\n%d\n" % (magic, values.shape[1], values.shape[0], maxval) + values.astype(">u2").tobytes()


@pytest.mark.parametrize("maxval", [65535, 4095, 1023])
@pytest.mark.parametrize("values", [GREY, DEEP], ids=["pgm", "ppm"])
def test_netpbm_is_as_white_as_its_maxval_says(tmp_path, values, maxval):
    stored = (values.astype(np.uint32) * maxval // 65535).astype(np.uint16)
    (tmp_path / "a.pgm").write_bytes(netpbm(stored, maxval))
    found = read_image(tmp_path / "a.pgm").pixels
    expected = np.rint(stored / maxval * 65535)
    np.testing.assert_array_equal(found, expected if values.ndim == 3 else np.dstack([expected] * 3))


@pytest.mark.parametrize(
    ("stored", "white"),
    [
        (GREY.astype(np.uint32) << 16, 2**32 - 1),
        (GREY.astype(np.int32), 65535),
        ((GREY >> 8).astype(np.int32), 255),
        (GREY.astype(np.int32) << 15, 2**31 - 1),
        ((GREY / 65535).astype(np.float32), 1),
        ((GREY / 257).astype(np.float32), 255),
    ],
)
def test_integers_and_floats_of_32_bits_are_scaled_not_clipped(tmp_path, stored, white):
    tifffile.imwrite(tmp_path / "a.tif", stored)
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_allclose(image.pixels[..., 0], stored / np.float64(white) * 65535, atol=0.51)
    assert image.notes == (f"its values are {stored.dtype}; {white:,} was taken for white",)


def test_pillows_own_integers_are_scaled(tmp_path):
    np.testing.assert_array_equal(as_image(Image.fromarray(GREY.astype(np.int32))).pixels[..., 1], GREY)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_planar_tiff_is_read_like_any_other(tmp_path, compression, kind):
    stored = (DEEP >> (16 - 8 * np.dtype(kind).itemsize)).astype(kind)
    for name, values, planar in (("a", np.moveaxis(stored, -1, 0), "separate"), ("b", stored, "contig")):
        file = tmp_path / f"{name}.tif"
        tifffile.imwrite(file, values, photometric="rgb", planarconfig=planar, compression=compression)
        np.testing.assert_array_equal(read_image(file).pixels, stored)


def test_planar_tiff_in_a_compression_nobody_reads_is_a_sentence(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "a.tif", np.moveaxis(DEEP, -1, 0), photometric="rgb", planarconfig="separate")

    def no_codec(*_: object, **__: object) -> None:
        raise ValueError("<COMPRESSION.LZW: 5> requires the 'imagecodecs' package")

    monkeypatch.setattr(tifffile, "imread", no_codec)
    with pytest.raises(UserError, match=r"a planar TIFF in a compression that cannot be read; save it without"):
        read_image(tmp_path / "a.tif")


def test_white_is_zero_of_16_bits_is_no_negative(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", 65535 - GREY, photometric="miniswhite")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif").pixels[..., 0], GREY)


def test_16_bits_of_cmyk_are_cut_and_said_to_be(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 5, 4), np.uint16), photometric="separated", planarconfig="contig")
    image = read_image(tmp_path / "a.tif")
    assert image.notes[0] == "its 16 bits a channel were cut to 8"
    assert image.pixels.min() == 255


def test_a_deep_photo_of_heif_keeps_its_bits(tmp_path):
    import pillow_heif

    file = tmp_path / "a.heic"
    values = cv2.resize(DEEP[:4, :4], (64, 64), interpolation=cv2.INTER_CUBIC)
    try:
        pillow_heif.from_bytes("RGB;16", (64, 64), values.tobytes()).save(file, quality=-1, chroma=444)
    except (RuntimeError, ValueError, OSError) as error:
        pytest.skip(f"no HEIF encoder of 10 bits here ({error})")
    image = read_image(file)
    assert image.bits == 16
    assert np.abs(image.pixels.astype(int) - values).mean() < 600  # of 10 bits, one is 64
    assert (read_picture(file) == ((image.pixels.astype(np.uint32) + 128) // 257)).all()


def test_real_16_bit_files(data: Path):
    for name in ("torchcodec_gradient_16bit", "torchcodec_grayscale_16bit"):
        image = read_image(data / "wild" / "picture" / f"{name}.png")
        assert image.bits == 16 and image.pixels.max() > 60_000 and len(np.unique(image.pixels)) > 100
