"""Every layout is what its name says, and its files are named so that players know."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from restereo.errors import UserError
from restereo.imaging.anaglyph import form
from restereo.io.layouts import LAYOUTS, arrange, find_layout, stereo_mode
from restereo.io.paths import is_result, targets
from restereo.io.write import PLAIN, check_target
from restereo.methods import parse
from tests.conftest import smooth_picture

LEFT, RIGHT = smooth_picture(1, 30, 41), smooth_picture(2, 30, 41)
MAPS = np.stack([np.full((30, 41), 2.5, np.float32), np.full((30, 41), -1.0, np.float32)])


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("sbs", lambda p: (p[:, :41], LEFT), lambda p: (p[:, 41:], RIGHT)),
        ("cross", lambda p: (p[:, :41], RIGHT), lambda p: (p[:, 41:], LEFT)),
        ("jps", lambda p: (p[:, :41], RIGHT), lambda p: (p[:, 41:], LEFT)),
        ("tb", lambda p: (p[:30], LEFT), lambda p: (p[30:], RIGHT)),
    ],
)
def test_full_layouts_hold_both_views_untouched(name, first, second, depth):
    scale = 257 if depth == np.uint16 else 1
    (joined,) = arrange(LAYOUTS[name], LEFT.astype(depth) * depth(scale), RIGHT.astype(depth) * depth(scale))
    assert joined.dtype == depth
    for part in (first, second):
        found, expected = part(joined)
        np.testing.assert_array_equal(found // scale, expected)


def test_halves_are_half_along_one_side_only():
    (wide,) = arrange(LAYOUTS["half-sbs"], LEFT, RIGHT)
    assert wide.shape == (30, 42, 3)  # an odd width is rounded up, no column is dropped
    np.testing.assert_array_equal(wide[:, :21], cv2.resize(LEFT, (21, 30), interpolation=cv2.INTER_AREA))
    (high,) = arrange(LAYOUTS["half-tb"], LEFT, RIGHT)
    np.testing.assert_array_equal(high[15:], cv2.resize(RIGHT, (41, 15), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("name", ["pair", "mpo", "wiggle"])
def test_two_pictures_are_left_then_right(name):
    first, second = arrange(LAYOUTS[name], LEFT, RIGHT)
    assert first is LEFT and second is RIGHT


def test_anaglyph_is_formed_by_the_glasses_named():
    (made,) = arrange(LAYOUTS["anaglyph"], LEFT, RIGHT, glasses=parse("amber-blue"))
    np.testing.assert_array_equal(made, form(LEFT, RIGHT, parse("amber-blue")))


def test_maps_lie_side_by_side_and_keep_their_numbers():
    (disparity,) = arrange(LAYOUTS["disparity"], LEFT, RIGHT, disparity=MAPS)
    assert disparity.dtype == np.float32 and disparity[0, 0] == 2.5 and disparity[0, -1] == -1
    (confidence,) = arrange(LAYOUTS["confidence"], LEFT, RIGHT, confidence=np.clip(MAPS, 0, 1))
    assert (
        confidence.dtype == np.uint8
        and confidence[0, 0].tolist() == [255] * 3
        and confidence[0, -1].tolist() == [0] * 3
    )
    with pytest.raises(UserError, match="has no such map"):
        arrange(LAYOUTS["disparity"], LEFT, RIGHT)


def test_matroska_modes_are_the_published_ones():
    modes = {name: stereo_mode(layout) for name, layout in LAYOUTS.items() if stereo_mode(layout) is not None}
    assert modes == {"sbs": 1, "cross": 11, "tb": 3, "half-sbs": 1, "half-tb": 3, "anaglyph": 10}
    assert stereo_mode(LAYOUTS["anaglyph"], parse("green-magenta")) == 12
    assert stereo_mode(LAYOUTS["anaglyph"], parse("amber-blue")) is None


def test_a_misspelt_layout_is_named():
    with pytest.raises(UserError, match="did you mean 'half-sbs'"):
        find_layout("half-sbz")


@pytest.mark.parametrize(
    ("layouts", "out", "ending", "names"),
    [
        ("sbs", None, None, ["in/a_LRF_Full_SBS.jpg"]),
        ("sbs", "out", None, ["out/a_LRF_Full_SBS.jpg"]),
        ("sbs", "out/b.png", None, ["out/b.png"]),
        ("pair", "out/b.png", None, ["out/b_L.png", "out/b_R.png"]),
        ("sbs disparity", "out/b.png", None, ["out/b_LRF_Full_SBS.png", "out/b_disparity.tif"]),
        ("disparity", None, ".pfm", ["in/a_disparity.pfm"]),
        ("wiggle mpo jps", None, ".png", ["in/a_wiggle.gif", "in/a.mpo", "in/a.jps"]),
        ("sbs mpo", "out/b.mpo", None, ["out/b_LRF_Full_SBS.jpg", "out/b.mpo"]),
        ("wiggle", "out/b.webp", None, ["out/b.webp"]),
        ("half-sbs", None, ".mp4", ["in/a_LR.mp4"]),
    ],
)
def test_names(layouts, out, ending, names):
    chosen = [LAYOUTS[name] for name in layouts.split()]
    found = targets(Path("in/a.jpg"), chosen, None if out is None else Path(out), ending)
    assert [file.as_posix() for file in found] == names


def test_a_result_neither_overwrites_its_source_nor_takes_an_ending_that_cannot_hold_it(tmp_path):
    source = tmp_path / "a.jpg"
    source.touch()
    (tmp_path / "link.jpg").symlink_to(source)
    for out in (source, tmp_path / "link.jpg"):
        with pytest.raises(UserError, match="overwrite its own source"):
            targets(source, [LAYOUTS["sbs"]], out)
    with pytest.raises(UserError, match=r"end it in \.mpo"):
        targets(source, [LAYOUTS["mpo"]], tmp_path / "a.png")


@pytest.mark.parametrize("ending", [".mpo", ".JPS", ".pfm"])
def test_a_file_that_says_how_its_views_lie_holds_no_other_layout(ending):
    for name in ("sbs", "cross", "left", "anaglyph"):
        with pytest.raises(UserError, match=f"layout '{name}' cannot be held by '{ending}', which is for"):
            targets(Path("a.png"), [LAYOUTS[name]], Path(f"x{ending}"))
    assert targets(Path("a.png"), [LAYOUTS["sbs"]], Path("x.gif")) == [Path("x.gif")]
    with pytest.raises(UserError, match=f"x{ending}: '{ending}' is no format for this picture"):
        check_target(Path(f"x{ending}"), PLAIN)


def test_results_are_told_from_sources():
    sources = {Path("in/a"), Path("in/my")}
    assert is_result(Path("in/a_LR.jpg"), sources) and is_result(Path("in/a_L.png"), sources)
    assert not is_result(Path("in/b_LR.jpg"), sources) and not is_result(Path("in/a.jpg"), sources)
