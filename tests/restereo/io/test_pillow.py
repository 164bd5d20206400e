"""A picture that Pillow holds is taken like its file."""

import io

import numpy as np
import pytest
from PIL import Image

from restereo.errors import UserError
from restereo.imaging.anaglyph import form
from restereo.inference.recover import RecoverOptions, recover_image
from restereo.io.read import as_image, read_image
from restereo.methods import METHODS
from tests.restereo.inference.test_recover import views

MADE = form(*views(), METHODS["red-cyan-color"])


def deep() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 65536, (20, 30), np.uint16))


def turned() -> Image.Image:
    image = Image.fromarray(MADE)
    image.getexif()[0x0112] = 6
    return image


def veiled() -> Image.Image:
    image = Image.fromarray(MADE)
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    return image


@pytest.mark.parametrize(("make", "ending"), [(deep, ".png"), (veiled, ".png"), (turned, ".png"), (turned, ".tif")])
def test_pillow_pictures_are_taken_like_their_files(tmp_path, make, ending):
    image = make()
    file = tmp_path / f"a{ending}"
    image.save(file, exif=image.getexif())
    expected = read_image(file).pixels
    for given in (image, Image.open(file)) if ending == ".png" else (Image.open(file),):
        pixels = as_image(given).pixels
        assert pixels.dtype == expected.dtype
        np.testing.assert_array_equal(pixels, expected)


def test_a_stereo_picture_is_refused_as_its_file_is(tmp_path):
    left, right = (Image.fromarray(view) for view in views())
    left.save(tmp_path / "a.mpo", save_all=True, append_images=[right])
    with Image.open(tmp_path / "a.mpo") as image:
        photo = as_image(image)
        assert image.tell() == 0
    assert photo.stereo == read_image(tmp_path / "a.mpo").stereo != ""
    with pytest.raises(UserError, match="holds both views"):
        recover_image(photo, None, RecoverOptions())


def test_what_pillow_cannot_read_is_a_sentence(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(MADE).save(stream, "PNG")
    cut = Image.open(io.BytesIO(stream.getvalue()[:600]))
    with pytest.raises(UserError, match=r"the picture: damaged or closed \("):
        as_image(cut)
    closed = Image.open(io.BytesIO(stream.getvalue()))
    closed.close()
    with pytest.raises(UserError, match=r"the picture: damaged or closed \("):
        as_image(closed)
