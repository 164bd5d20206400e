"""What a file says beside its pixels: kept in its own bytes, or named in a note; nothing is made up."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from restereo.image import Image as Photo
from restereo.image import Metadata
from restereo.io.convert import convert
from restereo.io.layouts import LAYOUTS, arrange
from restereo.io.metadata import metadata_of
from restereo.io.read import read_image
from restereo.io.write import encode, not_kept, write_layout
from tests.conftest import smooth_picture

LEFT, RIGHT = smooth_picture(1, 60, 80), smooth_picture(2, 60, 80)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def jpeg(**options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(LEFT).save(stream, "JPEG", **options)
    return stream.getvalue()


def exif(**tags: object) -> Image.Exif:
    made = Image.Exif()
    for tag, value in tags.items():
        made[int(tag.removeprefix("t"))] = value
    return made


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tif"])
@pytest.mark.parametrize("name", ["Jürgen".encode(), "Jürgen".encode("latin-1"), "木村".encode("shift-jis")])
def test_text_keeps_its_bytes(tmp_path, ending, name):
    source = jpeg(exif=exif(t271="Maker", t315="X" * len(name)))
    (tmp_path / "a.jpg").write_bytes(source.replace(b"X" * len(name), name))
    kept = encode([LEFT], ending, read_image(tmp_path / "a.jpg").metadata)
    assert name in kept
    assert b"???" not in kept


def dpi_of(content: bytes) -> object:
    return metadata_of(Image.open(io.BytesIO(content)))[0].dpi


def test_no_density_is_made_up():
    assert dpi_of(jpeg()) is None
    assert dpi_of(jpeg(exif=exif(t271="Maker"))) is None  # Pillow: 72
    assert dpi_of(jpeg(exif=exif(t282=1.0, t283=1.0, t296=1))) is None  # Pillow: 1
    assert dpi_of(jpeg(exif=exif(t282=300.0, t283=300.0, t296=2))) == (300, 300)
    assert dpi_of(jpeg(exif=exif(t282=100.0, t283=100.0, t296=3))) == (254, 254)
    assert dpi_of(jpeg(dpi=(150, 200))) == (150, 200)


def test_proportions_of_pixels_are_named():
    content = jpeg()
    place = content.index(b"JFIF\0") + 7
    squeezed = content[:place] + b"\0\0\2\0\1" + content[place + 5 :]
    found, notes = metadata_of(Image.open(io.BytesIO(squeezed)))
    assert found.dpi is None
    assert notes == ["left out of what its file says: pixels of 2:1"]


def test_a_comment_travels_between_jpeg_files_and_is_named_elsewhere(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg(comment="Jürgen".encode("latin-1")))
    photo = read_image(tmp_path / "a.jpg")
    for ending in (".jpg", ".mpo", ".jps"):
        pictures = [LEFT, RIGHT] if ending == ".mpo" else [LEFT]
        assert Image.open(io.BytesIO(encode(pictures, ending, photo.metadata))).info["comment"] == b"J\xfcrgen"
    assert not_kept([tmp_path / "b.png"], photo) == ["b.png: holds no comment, left out"]


def test_iptc_and_xmp_are_named():
    content = jpeg()
    resource = b"8BIM\x04\x04\0\0" + (4).to_bytes(4, "big") + b"\x1c\x02\0\0"
    block = b"Photoshop 3.0\0" + resource
    marked = content[:2] + b"\xff\xed" + (len(block) + 2).to_bytes(2, "big") + block + content[2:]
    assert metadata_of(Image.open(io.BytesIO(marked)))[1] == ["left out of what its file says: IPTC"]
    assert metadata_of(Image.open(io.BytesIO(jpeg(xmp=b"<x/>"))))[1] == ["left out of what its file says: XMP"]


def test_cmyk_is_said_to_be_converted(tmp_path, monkeypatch):
    picture = Image.fromarray(np.zeros((8, 8, 4), np.uint8), "CMYK")
    picture.save(tmp_path / "bare.jpg")
    assert read_image(tmp_path / "bare.jpg").notes == ("its CMYK colours became sRGB roughly: it has no profile",)
    picture.save(tmp_path / "ink.tif", icc_profile=PROFILE[:16] + b"CMYK" + PROFILE[20:])
    monkeypatch.setattr(ImageCms, "profileToProfile", lambda image, *_, **__: image.convert("RGB"))
    assert read_image(tmp_path / "ink.tif").notes == ("its CMYK colours became sRGB by its profile",)


TOLD = Metadata(exif=((271, "Jürgen"),), icc=PROFILE, dpi=(300.0, 300.0), comment=b"of a person")
DEEP = Photo(LEFT.astype(np.uint16) * 257, "a.tif", TOLD)


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("ending", [".png", ".jpg", ".tif", ".webp", ".bmp", ".gif"])
def test_everything_is_kept_or_named(tmp_path, name, ending):
    """14 layouts and 6 formats by EXIF, profile, 16 bits, resolution and comment."""
    layout = LAYOUTS[name]
    last = ending if not layout.endings or ending in layout.endings else layout.endings[0]
    files = [tmp_path / f"b{suffix}{last}" for suffix in layout.suffixes]
    maps = np.ones((2, *LEFT.shape[:2]), np.float32)
    pictures = arrange(layout, DEEP.pixels, DEEP.pixels[::-1], maps, maps)
    write_layout(files, layout, pictures, DEEP.metadata)
    said = " ".join(not_kept(files, DEEP, layout))
    for file in files:
        found = read_image(file)
        if name in {"disparity", "confidence"}:
            continue
        kept = {
            "cut to 8 bits": found.bits == 16,
            "EXIF": dict(found.metadata.exif).get(271) == "Jürgen",
            "ICC profile": found.metadata.icc == PROFILE,
            "resolution": found.metadata.dpi is not None and round(found.metadata.dpi[0]) == 300,
            "comment": found.metadata.comment == b"of a person",
        }
        assert {what: what not in said for what in kept} == kept


def test_an_anaglyph_of_deep_views_keeps_their_profile_and_says_that_bits_are_cut(tmp_path):
    for name, view in (("l", LEFT), ("r", RIGHT)):
        (tmp_path / f"{name}.png").write_bytes(encode([view.astype(np.uint16) * 257], ".png", TOLD))
    notes: list[str] = []
    pair = (tmp_path / "l.png", tmp_path / "r.png")
    (file,) = convert(pair, tmp_path / "a.png", "anaglyph", glasses="red-cyan", on_note=notes.append)
    made = read_image(file)
    assert made.metadata.icc == PROFILE and dict(made.metadata.exif)[271] == "Jürgen"
    np.testing.assert_array_equal(made.pixels, np.dstack([LEFT[..., 0], RIGHT[..., 1], RIGHT[..., 2]]))
    assert notes == ["a.png: cut to 8 bits a channel, its source has 16"]


def test_views_of_two_profiles_are_named(tmp_path):
    (tmp_path / "l.png").write_bytes(encode([LEFT], ".png", TOLD))
    (tmp_path / "r.png").write_bytes(encode([RIGHT], ".png", Metadata()))
    notes: list[str] = []
    convert((tmp_path / "l.png", tmp_path / "r.png"), tmp_path / "a.png", "sbs", on_note=notes.append)
    assert notes == [f"{tmp_path / 'r.png'}: has another colour profile than the left view, whose profile is kept"]
