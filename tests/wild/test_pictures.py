"""Real files of this field, each with the outcome that is right (README of `RESTEREO_DATA`/wild)."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from restereo.cli import app
from restereo.errors import UserError
from restereo.image import eight_bit, is_grey
from restereo.imaging.detection import detect, packing_of
from restereo.inference.recover import RecoverOptions, recover_image
from restereo.io.convert import convert, read_views
from restereo.io.paths import is_film
from restereo.io.read import read_image


@pytest.fixture(scope="session")
def wild(data: Path) -> Path:
    if not (data / "wild").is_dir():
        pytest.skip("no wild files in the folder of real pictures")
    return data / "wild"


@pytest.mark.parametrize("name", ["mpo/panasonic-GX8.mpo", "heic/spatial_photo.heic"])
def test_pairs(wild, name, tmp_path):
    left, right = read_views(wild / name)
    assert left.pixels.shape == right.pixels.shape and (left.pixels != right.pixels).any()
    with pytest.raises(UserError, match="that holds both views, no anaglyph"):
        recover_image(read_image(wild / name), None, RecoverOptions())
    (file,) = convert(wild / name, tmp_path / "a.jps", "jps")
    assert read_image(file).stereo is not None
    said = CliRunner().invoke(app, ["detect", str(wild / name)]).stdout
    assert "that holds both views" in said


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("mpo/pillow_frame_size.mpo", "another picture in it, no second view"),
        ("mpo/pillow_sugarshack_ifd_offset.mpo", "only the first can be read"),
        ("heic/bird_burst.heic", "of its 4 pictures the primary one was taken"),
    ],
)
def test_photos_with_other_pictures_in_them(wild, name, note):
    image = read_image(wild / name)
    assert image.stereo is None and not is_film(wild / name)
    assert any(note in said for said in image.notes)


def test_a_gain_map_that_is_cut_off(wild):
    with pytest.raises(UserError, match="damaged or cut short"):
        read_image(wild / "mpo" / "pillow_ultrahdr.jpg")


def test_a_stereo_card(wild, tmp_path):
    file = wild / "sbs" / "stereograph.left-right.jpg"
    with pytest.raises(UserError, match="holds both views side by side"):
        recover_image(read_image(file), None, RecoverOptions())
    notes: list[str] = []
    convert(file, tmp_path / "a.png", "pair", on_note=notes.append)
    assert "the middle one of its 3643 columns, of neither view, was left out" in notes
    assert read_image(tmp_path / "a_R.png").width == 1821


@pytest.mark.parametrize("name", ["torchcodec_bad_huffman", "media3_pixel-motion-photo-shortened"])
def test_damaged_scans(wild, name):
    assert any("damaged" in note for note in read_image(wild / "picture" / f"{name}.jpg").notes)


def test_orientation_in_xmp_alone(wild):
    image = read_image(wild / "picture" / "pillow_xmp_tags_orientation.png")
    from PIL import Image

    with Image.open(wild / "picture" / "pillow_xmp_tags_orientation.png") as stored:
        layer = stored.convert("RGBA")
        white = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    np.testing.assert_array_equal(image.pixels, np.asarray(white)[::-1, ::-1])
    assert image.metadata.icc


def test_cmyk(wild):
    image = read_image(wild / "picture" / "pillow_pil_sample_cmyk.jpg")
    assert any("its CMYK colours became sRGB" in note for note in image.notes)


def test_one_colour_transparent(wild):
    image = read_image(wild / "picture" / "pillow_rgb_trns.png")
    from PIL import Image

    with Image.open(wild / "picture" / "pillow_rgb_trns.png") as stored:
        clear = (np.asarray(stored.convert("RGB")) == stored.info["transparency"]).all(-1)
    assert clear.any() and (image.pixels[clear] == 255).all()


def test_what_is_no_anaglyph(wild):
    figure = eight_bit(read_image(wild / "anaglyph" / "reversao_ex.png").pixels)
    assert detect(figure).plain or packing_of(figure)
    assert is_grey(eight_bit(read_image(wild / "picture" / "comfy_Teacher_bw.png").pixels))
    assert not detect(eight_bit(read_image(wild / "anaglyph" / "managlyph_peaks.jpg").pixels)).plain
