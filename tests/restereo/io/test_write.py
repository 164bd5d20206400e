"""What is written is read back as what it claims to be, with all that the source's file said."""

import io
import shutil
import struct
import subprocess
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from restereo.errors import UserError
from restereo.image import Metadata
from restereo.inference.batch import plan
from restereo.inference.recover import RecoverOptions
from restereo.io.convert import convert
from restereo.io.layouts import LAYOUTS, arrange
from restereo.io.metadata import EXIF_IFD, GPS_IFD, exif_for, metadata_of
from restereo.io.read import read_image, turned
from restereo.io.write import check_target, encode, make_folder, write_layout, write_picture
from tests.conftest import smooth_picture

LEFT, RIGHT = smooth_picture(1, 60, 80), smooth_picture(2, 60, 80)
DEEP = (LEFT.astype(np.uint16) << 8) | np.arange(60 * 80 * 3, dtype=np.uint16).reshape(60, 80, 3) % 251
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
TOLD = Metadata(
    exif=((271, "Fujifilm"), (272, "FinePix REAL 3D W3"), (306, "2011:08:01 12:00:00"), (33432, "A. Person")),
    details=((33434, 0.004), (36867, "2011:08:01 12:00:00"), (37500, b"maker note" * 9)),
    gps=((1, "N"), (2, (48.0, 51.0, 30.0))),
    icc=PROFILE,
    dpi=(300.0, 300.0),
)


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(1e-9, np.square(a.astype(float) - b).mean())))


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tif"])
@pytest.mark.parametrize("depth", [8, 16])
def test_metadata_travels(ending, depth):
    image = opened(encode([LEFT if depth == 8 else DEEP], ending, TOLD))
    found, notes = metadata_of(image)
    assert notes == [] and found.icc == PROFILE
    main, details = dict(found.exif), dict(found.details)
    assert {tag: main[tag] for tag, _ in TOLD.exif} == dict(TOLD.exif)
    assert details[36867] == "2011:08:01 12:00:00" and details[37500] == b"maker note" * 9
    assert float(details[33434]) == pytest.approx(0.004)
    assert details[0xA002] == 80 and details[0xA003] == 60  # of this picture, not of its source
    assert dict(found.gps)[1] == "N" and [float(x) for x in dict(found.gps)[2]] == [48, 51, 30]
    if ending != ".webp":  # it has no place for it
        assert found.dpi == pytest.approx((300, 300), abs=0.02)


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_sixteen_bits_survive(ending, tmp_path):
    write_picture(tmp_path / f"a{ending}", DEEP, TOLD)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / f"a{ending}"), cv2.IMREAD_UNCHANGED)[..., ::-1], DEEP)
    photo = read_image(tmp_path / f"a{ending}")
    assert photo.pixels.dtype == np.uint16 and photo.metadata.icc == PROFILE
    np.testing.assert_array_equal(photo.pixels, DEEP)


@pytest.mark.parametrize("ending", [".png", ".tif", ".webp", ".bmp"])
def test_eight_bits_survive(ending):
    np.testing.assert_array_equal(np.array(opened(encode([LEFT], ending, TOLD)).convert("RGB")), LEFT)


def test_a_tall_tiff_of_many_strips_survives():
    tall = np.random.default_rng(0).integers(0, 2**16, (2500, 300, 3), np.uint16)
    read = cv2.imdecode(np.frombuffer(encode([tall], ".tif", TOLD), np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(read[..., ::-1], tall)


def test_jpeg_is_444_and_good():
    image = opened(encode([LEFT], ".jpg", Metadata()))
    assert [layer[1:3] for layer in image.layer] == [(1, 1)] * 3
    assert psnr(np.array(image), LEFT) > 38
    poor = opened(encode([LEFT], ".jpg", Metadata(), quality=30))
    assert psnr(np.array(poor), LEFT) < psnr(np.array(image), LEFT)


def test_a_maker_note_too_long_for_jpeg_is_left_out_and_the_rest_kept():
    long = Metadata(exif=TOLD.exif, details=((36867, "2011:08:01 12:00:00"), (37500, bytes(70_000))))
    found, _ = metadata_of(opened(encode([LEFT], ".jpg", long)))
    assert dict(found.exif)[271] == "Fujifilm" and dict(found.details)[36867] and 37500 not in dict(found.details)


def written(name: str, tmp_path) -> list:
    layout = LAYOUTS[name]
    endings = layout.endings[:1] or (".jpg",)
    files = [tmp_path / f"a{suffix}{endings[0]}" for suffix in layout.suffixes]
    maps = np.stack([np.full(LEFT.shape[:2], 3.5, np.float32)] * 2)
    write_layout(files, layout, arrange(layout, LEFT, RIGHT, maps, maps / 7), TOLD)
    return files


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_read_back_as_what_it_claims_to_be(name, tmp_path):
    files = written(name, tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(files)  # and nothing beside them
    sizes = {"sbs": (160, 60), "cross": (160, 60), "jps": (160, 60), "tb": (80, 120)}
    sizes |= {"disparity": (160, 60), "confidence": (160, 60)}
    for file in files:
        with Image.open(file) as image:
            image.load()
            assert image.size == sizes.get(name, (80, 60))
            kind = {".mpo": "MPO", ".gif": "GIF", ".tif": "TIFF", ".png": "PNG"}.get(file.suffix, "JPEG")
            assert image.format == kind
            assert getattr(image, "n_frames", 1) == (2 if name in {"mpo", "wiggle"} else 1)


def test_mpo_holds_left_then_right_marked_as_stereo(tmp_path):
    (file,) = written("mpo", tmp_path)
    with Image.open(file) as image:
        kinds = [entry["Attribute"]["MPType"] for entry in image.mpinfo[0xB002]]
        assert kinds == ["Multi-Frame Image: (Disparity)"] * 2
        for frame, view in enumerate((LEFT, RIGHT)):
            image.seek(frame)
            assert psnr(np.array(image), view) > 38
            assert dict(metadata_of(image)[0].exif)[271] == "Fujifilm"


def test_jps_says_side_by_side_right_first(tmp_path):
    (file,) = written("jps", tmp_path)
    content = file.read_bytes()
    place = content.index(b"_JPSJPS_") + 8
    length, _, flags, layout, kind, _ = struct.unpack(">H4BH", content[place : place + 8])
    assert (length, flags, layout, kind) == (4, 0, 2, 1)
    assert psnr(np.array(opened(content))[:, :80], RIGHT) > 38


def test_wiggle_shows_both_for_ever(tmp_path):
    (file,) = written("wiggle", tmp_path)
    with Image.open(file) as image:
        assert image.info["loop"] == 0 and image.info["duration"] > 0
        for frame, view in enumerate((LEFT, RIGHT)):
            image.seek(frame)
            assert psnr(np.array(image.convert("RGB")), view) > 25  # 256 colours


@pytest.mark.parametrize("ending", [".webp", ".png"])
def test_wiggle_in_full_colour(ending):
    image = opened(encode([LEFT, RIGHT], ending, Metadata()))
    image.seek(1)
    np.testing.assert_array_equal(np.array(image.convert("RGB")), RIGHT)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed here")
@pytest.mark.parametrize("name", LAYOUTS)
def test_exiftool_finds_no_fault(name, tmp_path):
    for file in written(name, tmp_path):
        done = subprocess.run(
            ["exiftool", "-s", "-Error", "-Warning", "-MPImageType", "-JPSLayout", file],
            capture_output=True,
            text=True,
            check=True,
        )
        expected = {"mpo": "Multi-frame Disparity", "jps": "Side By Side"}.get(name, "")
        assert expected in done.stdout and "Error" not in done.stdout and "Warning" not in done.stdout


def test_what_a_format_cannot_hold_is_a_sentence_and_leaves_nothing(tmp_path):
    with pytest.raises(UserError, match=r"65520x1 px, and .*ends at 65500"):
        write_picture(tmp_path / "a.jpg", np.zeros((1, 65520, 3), np.uint8))
    with pytest.raises(UserError, match="is no format to write"):
        write_picture(tmp_path / "a.heic", LEFT)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(UserError, match="in the way"):
        write_picture(tmp_path / "folder.png", LEFT)
    with pytest.raises(UserError, match="cannot be written"):
        write_picture(tmp_path / f"{'x' * 252}.png", LEFT)  # its temporary name is too long
    assert [file.name for file in tmp_path.iterdir()] == ["folder.png"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["png", "png16", "jpg", "tif", "tif16"])
def test_orientation_is_applied_and_then_said_to_be_upright(orientation, kind, tmp_path):
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:20, :20] = 250, 30, 90
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    stored = turned(upright, inverse)
    file = tmp_path / f"a.{kind.removesuffix('16')}"
    tags = Image.Exif()
    tags[0x0112], tags[271] = orientation, "Maker"
    if kind.endswith("16"):
        content = encode([stored.astype(np.uint16) * 257], file.suffix, Metadata(exif=((271, "Maker"),)))
        order = ">" if kind == "png16" else "<"
        tag = struct.pack(f"{order}HHLH", 0x0112, 3, 1, 1)
        assert content.count(tag) == 1
        place = content.index(tag)
        content = content[: place + 8] + struct.pack(f"{order}H", orientation) + content[place + 10 :]
        if kind == "png16":  # the chunk's checksum
            start = content.index(b"eXIf")
            length = int.from_bytes(content[start - 4 : start], "big")
            end = start + 4 + length
            content = content[:end] + struct.pack(">L", zlib.crc32(content[start:end])) + content[end + 4 :]
        file.write_bytes(content)
    else:
        Image.fromarray(stored).save(
            file, exif=tags.tobytes(), **({"quality": 98, "subsampling": 0} if kind == "jpg" else {})
        )
    photo = read_image(file)
    assert photo.notes == ()
    found = photo.pixels // 257 if kind.endswith("16") else photo.pixels
    np.testing.assert_allclose(found[::4, ::4].astype(int), upright[::4, ::4], atol=20 if kind == "jpg" else 0)
    written_tags = exif_for(photo.metadata, 60, 40)
    assert written_tags is not None and written_tags[0x0112] == 1 and written_tags[271] == "Maker"
    assert EXIF_IFD in written_tags and GPS_IFD not in written_tags


NOWHERE = Path("/proc")
"""Where nobody makes files, not even root."""


@pytest.mark.skipif(not NOWHERE.is_dir(), reason="no /proc here")
def test_places_are_tried_before_any_work(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(encode([LEFT], ".png", Metadata()))
    with pytest.raises(UserError, match=r"/proc/a.png: cannot be written \(.+\); name another place with out"):
        check_target(NOWHERE / "a.png")
    with pytest.raises(UserError, match=r"/proc: a folder that cannot be written into \(.+\); name"):
        make_folder(NOWHERE)
    with pytest.raises(UserError, match="cannot be written"):
        plan([tmp_path / "a.png"], RecoverOptions(), NOWHERE)
    assert plan([tmp_path / "a.png"], RecoverOptions(), NOWHERE, skip_errors=True)[0].error is not None
    monkeypatch.setattr("restereo.io.convert.read_views", None)  # it is not come to
    with pytest.raises(UserError, match="cannot be written"):
        convert((tmp_path / "a.png", tmp_path / "a.png"), NOWHERE / "b.png")
