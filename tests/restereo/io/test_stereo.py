"""Two views in one file: a pair by the format's own signs and by what it shows, and nothing else."""

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from restereo.cli import app
from restereo.errors import UserError
from restereo.image import Metadata
from restereo.io.convert import convert, read_views
from restereo.io.damage import jpeg_damage
from restereo.io.layouts import LAYOUTS
from restereo.io.paths import find_sources, is_film, targets
from restereo.io.read import read_image
from restereo.io.write import encode
from tests.restereo.inference.test_recover import views

LEFT, RIGHT = views()
GREY = np.dstack([cv2.cvtColor(LEFT, cv2.COLOR_RGB2GRAY)] * 3)
BASELINE, GAIN, MULTI_ANGLE, DISPARITY = 0x030000, 0x050000, 0x020003, 0x020002


def mpo(second: np.ndarray, kinds: tuple[int, int], extra: bytes = b"") -> bytes:
    """An MPO file of these MP types; `extra` is an APP1 segment of the second picture."""
    content = encode([LEFT, second], ".mpo", Metadata(), 98)
    for old, kind in zip((0x20000000 | DISPARITY, DISPARITY), kinds, strict=True):
        content = content.replace(struct.pack("<L", old), struct.pack("<L", kind), 1)
    if extra:
        place = content.rindex(b"\xff\xd8\xff\xe0") + 2
        content = content[:place] + struct.pack(">HH", 0xFFE1, len(extra) + 2) + extra + content[place:]
    return content


def close(found: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.abs(found.astype(int) - expected).mean() < 3)


@pytest.mark.parametrize(
    ("second", "kinds", "extra", "pair"),
    [
        (RIGHT, (DISPARITY, DISPARITY), b"", True),
        (RIGHT[:, ::-1], (DISPARITY, DISPARITY), b"", True),  # said to be views: not ours to doubt
        (RIGHT, (BASELINE, 0), b"", True),  # as Pillow writes it
        (RIGHT, (0, 0), b"", True),
        (RIGHT, (BASELINE, GAIN), b"", False),
        (RIGHT, (BASELINE, MULTI_ANGLE), b"", False),
        (GREY, (BASELINE, 0), b"", False),
        (RIGHT, (BASELINE, 0), b"http://ns.adobe.com/xap/1.0/\0<x hdrgm:Version='1.0'/>", False),
        (views(9)[0], (BASELINE, 0), b"", False),
        (RIGHT[:-8], (DISPARITY, DISPARITY), b"", False),
    ],
)
def test_mpo_is_a_pair_by_type_mode_and_content(tmp_path, second, kinds, extra, pair):
    file = tmp_path / "a.mpo"
    file.write_bytes(mpo(second, kinds, extra))
    image = read_image(file)
    assert close(image.pixels, LEFT)
    assert (image.stereo is not None) is pair
    assert pair or "left out" in image.notes[0]
    if pair:
        left, right = read_views(file)
        assert close(left.pixels, LEFT) and close(right.pixels, second)


def test_a_second_picture_that_cannot_be_read_is_a_note(tmp_path):
    content = mpo(RIGHT, (DISPARITY, DISPARITY))
    (tmp_path / "a.mpo").write_bytes(content[: content.rindex(b"\xff\xd8\xff\xe0")] + bytes(2000))
    image = read_image(tmp_path / "a.mpo")
    assert image.stereo is None
    assert image.notes[0].startswith("says that it holds 2 pictures, but only the first can be read")


def jps(layout: int, flags: int, kind: int = 1) -> bytes:
    joined = np.concatenate([LEFT, RIGHT], axis=0 if layout == 3 else 1)
    content = encode([joined], ".jps", Metadata(), 98)
    place = content.index(b"_JPSJPS_") + 8
    return content[:place] + struct.pack(">H4B", 4, 0, flags, layout, kind) + content[place + 6 :]


@pytest.mark.parametrize(
    ("layout", "flags", "about", "first"),
    [
        (2, 0, "side by side", RIGHT),
        (2, 4, "side by side", LEFT),
        (3, 0, "one above the other", RIGHT),
        (3, 4, "one above the other", LEFT),
    ],
)
def test_jps_is_cut_as_its_tag_says(tmp_path, layout, flags, about, first):
    (tmp_path / "a.jps").write_bytes(jps(layout, flags))
    image = read_image(tmp_path / "a.jps")
    assert image.stereo is not None and image.stereo.about == f"a stereo picture that holds both views {about}"
    left, _ = read_views(tmp_path / "a.jps")
    assert left.pixels.shape == LEFT.shape and close(left.pixels, first)


def test_a_jps_of_one_view_or_an_anaglyph_is_no_pair(tmp_path):
    for layout, kind in ((2, 0), (4, 1)):
        (tmp_path / "a.jps").write_bytes(jps(layout, 0, kind))
        assert read_image(tmp_path / "a.jps").stereo is None


@pytest.mark.parametrize("ending", [".jps", ".pns"])
def test_untagged_is_right_first_and_swap_turns_it(tmp_path, ending):
    stream = io.BytesIO()
    Image.fromarray(np.concatenate([RIGHT, LEFT], 1)).save(stream, "PNG" if ending == ".pns" else "JPEG", quality=98)
    source = tmp_path / f"a{ending}"
    source.write_bytes(stream.getvalue())
    convert(source, tmp_path / "b.png", "left")
    convert(source, tmp_path / "c.png", "left", swap=True)
    assert close(read_image(tmp_path / "b.png").pixels, LEFT)
    assert close(read_image(tmp_path / "c.png").pixels, RIGHT)


def test_a_wiggle_is_a_pair_and_another_animation_none(tmp_path):
    for name, second in (("wiggle", RIGHT), ("other", views(9)[0])):
        frames = [Image.fromarray(view) for view in (LEFT, second)]
        frames[0].save(tmp_path / f"{name}.webp", save_all=True, append_images=frames[1:], lossless=True)
    left, right = read_views(tmp_path / "wiggle.webp")
    assert (left.pixels == LEFT).all() and (right.pixels == RIGHT).all()
    other = read_image(tmp_path / "other.webp")
    assert other.stereo is None and other.notes == ("it has several frames, of which only the first was taken",)


@pytest.mark.parametrize("layout", ["mpo", "jps", "tb", "sbs", "wiggle"])
def test_convert_takes_what_it_wrote(tmp_path, layout):
    (tmp_path / "l.png").write_bytes(encode([LEFT], ".png", Metadata()))
    (tmp_path / "r.png").write_bytes(encode([RIGHT], ".png", Metadata()))
    last = {"wiggle": ".png"}.get(layout, (*LAYOUTS[layout].endings, ".png")[0])
    runner, middle = CliRunner(), tmp_path / f"m_{layout}{last}"
    for command in (
        ["convert", tmp_path / "l.png", tmp_path / "r.png", middle, "--layout", layout],
        ["convert", middle, tmp_path / "out.png", "--layout", "pair"],
        ["anaglyph", middle, "-o", tmp_path / "a.png"],
    ):
        done = runner.invoke(app, [str(part) for part in command])
        assert done.exit_code == 0, done.output
    for name, view in (("out_L", LEFT), ("out_R", RIGHT)):
        assert close(read_image(tmp_path / f"{name}.png").pixels, view)


def test_detect_says_what_recover_says(tmp_path):
    files = {"a.mpo": mpo(RIGHT, (DISPARITY, DISPARITY)), "b.jps": jps(3, 0)}
    files |= {"c.png": encode([np.concatenate([LEFT, RIGHT], 1)], ".png", Metadata())}
    for name, about in zip(files, ("(MPO) that holds both views", "one above the other", "side by side"), strict=True):
        (tmp_path / name).write_bytes(files[name])
        said = CliRunner().invoke(app, ["detect", str(tmp_path / name)]).stdout
        assert about in said and "plain" not in said


def test_a_folder_counts_what_it_leaves_out_by_type(tmp_path):
    for name in ("a.jfif", "b.JPE", "c.heic", "d.mpo", "e.mpo", "f.jps", "g.txt", "h.pgm", "i.jp2"):
        (tmp_path / name).touch()
    notes: list[str] = []
    found = [one.file.name for one in find_sources([tmp_path], None, notes.append)]
    assert found == ["a.jfif", "b.JPE", "c.heic", "h.pgm"]
    assert notes == [f"{tmp_path}: 4 left out by their type (.jp2 1, .jps 1, .mpo 2); name them to take them"]


@pytest.mark.parametrize("ending", [".jfif", ".JPE"])
def test_jpeg_of_any_name_stays_jpeg(tmp_path, ending):
    (file,) = targets(Path(f"a{ending}"), [LAYOUTS["sbs"]])
    assert file.suffix == ending
    assert encode([LEFT], ending, Metadata())[:3] == b"\xff\xd8\xff"


@pytest.mark.parametrize("brand", [b"msf1", b"hevc", b"heic", b"avis"])
def test_a_burst_is_no_film(tmp_path, brand):
    (tmp_path / "a.heic").write_bytes(b"\0\0\0\x18ftyp" + brand + bytes(12))
    assert not is_film(tmp_path / "a.heic")


@pytest.mark.parametrize("progressive", [False, True])
def test_damage_that_decoders_hide_is_noted(tmp_path, progressive):
    stream = io.BytesIO()
    Image.fromarray(LEFT).save(stream, "JPEG", quality=95, progressive=progressive)
    whole = stream.getvalue()
    assert jpeg_damage(whole) is None
    scan = whole.rindex(b"\xff\xda")
    wrong_table, symbols = bytearray(whole), whole.rindex(b"\xff\xc4") + 21  # marker, length, class, 16 counts
    wrong_table[symbols : symbols + 4] = wrong_table[symbols : symbols + 4][::-1]
    flipped = whole[: scan + 40] + bytes(value ^ 0x55 for value in whole[scan + 40 : scan + 60]) + whole[scan + 60 :]
    broken = {"cut": whole[: len(whole) * 2 // 3] + b"\xff\xd9", "table": bytes(wrong_table), "flipped": flipped}
    for name, content in broken.items():
        file = tmp_path / f"{name}.jpg"
        file.write_bytes(content.replace(b"\xff\x55", b"\x55\x55") if name == "flipped" else content)
        try:
            said = read_image(file).notes
        except UserError as error:  # so broken that Pillow itself sees it
            said = (str(error),)
        assert any("damaged" in sentence for sentence in said), (name, said)
