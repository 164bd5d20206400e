"""What is read of a file, beside its pixels."""

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps
from typer.testing import CliRunner

from restereo.cli import app
from restereo.image import eight_bit
from restereo.imaging import detection
from restereo.io.read import read_image

EXIF = Image.Exif()
EXIF[271] = "Maker"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize(("mode", "more"), [("RGB", {}), ("RGB", {"exif": EXIF, "icc_profile": PROFILE}), ("RGBA", {})])
def test_lossy_webp_is_known_whatever_stands_before_its_pixels(tmp_path, lossless, mode, more):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 31, len(mode)), np.uint8)
    Image.fromarray(pixels, mode).save(tmp_path / "a.webp", lossless=lossless, **more)
    assert read_image(tmp_path / "a.webp").lossy is not lossless


def test_the_frames_of_lossy_webp_are_looked_into(tmp_path):
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (0, 250)]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    assert read_image(tmp_path / "a.webp").lossy


def test_detection_looks_at_what_recovery_looks_at(tmp_path, monkeypatch):
    """Of a CMYK picture the colours of its profile: the reader of training pictures knows of none."""
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 96, 4), np.uint8), "CMYK")
    picture.save(tmp_path / "ink.tif", icc_profile=PROFILE)
    monkeypatch.setattr(ImageCms, "profileToProfile", lambda image, *_, **__: ImageOps.invert(image.convert("RGB")))
    seen, detect = [], detection.detect
    monkeypatch.setattr(detection, "detect", lambda shown, name: seen.append(shown) or detect(shown, name))
    done = CliRunner().invoke(app, ["detect", str(tmp_path / "ink.tif")], catch_exceptions=False)
    assert done.exit_code == 0
    assert np.array_equal(seen[0], eight_bit(read_image(tmp_path / "ink.tif").pixels))
    assert not np.array_equal(seen[0], np.array(picture.convert("RGB")))
