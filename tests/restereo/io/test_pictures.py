"""The one reader: every kind of file becomes the same array, or one sentence."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from restereo.datasets.pairs import PairFiles, find_pairs, read_disparity, read_pair
from restereo.errors import UserError
from restereo.io.read import read_picture


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".ppm", ".bmp", ".tif", ".webp"])
def test_lossless_formats_give_the_stored_values(suffix: str, colours: np.ndarray, tmp_path: Path) -> None:
    file = tmp_path / f"a{suffix}"
    Image.fromarray(colours).save(file, **({"lossless": True} if suffix == ".webp" else {}))
    assert (read_picture(file) == colours).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, colours: np.ndarray, tmp_path: Path) -> None:
    turned = {
        1: colours,
        2: colours[:, ::-1],
        3: colours[::-1, ::-1],
        4: colours[::-1],
        5: colours.transpose(1, 0, 2),
        6: np.rot90(colours, -1),
        7: colours[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(colours),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    for suffix in ("png", "tif"):
        Image.fromarray(colours).save(tmp_path / f"a.{suffix}", exif=exif)
        assert (read_picture(tmp_path / f"a.{suffix}") == turned[orientation]).all()
    Image.fromarray(colours).save(tmp_path / "a.jpg", exif=exif)
    assert read_picture(tmp_path / "a.jpg").shape == turned[orientation].shape


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_rounded_not_cut(suffix: str, tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (20, 30, 3)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / f"a{suffix}"), deep[..., ::-1])
    assert (read_picture(tmp_path / f"a{suffix}") == np.rint(deep / 257)).all()


def test_sixteen_bit_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (20, 30)).astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), deep)
    assert (read_picture(tmp_path / "a.png") == np.rint(deep / 257)[..., None]).all()


def test_alpha_is_laid_on_white_in_8_and_16_bits(tmp_path: Path) -> None:
    eight = np.zeros((2, 2, 4), np.uint8)
    eight[0, :, 3] = 255
    Image.fromarray(eight).save(tmp_path / "eight.png")
    cv2.imwrite(str(tmp_path / "sixteen.png"), eight.astype(np.uint16) * 257)
    for name in ("eight", "sixteen"):
        assert read_picture(tmp_path / f"{name}.png")[:, 0, 0].tolist() == [0, 255]


def test_grey_and_palette(colours: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(colours[..., 0]).save(tmp_path / "grey.png")
    assert (read_picture(tmp_path / "grey.png") == colours[..., :1]).all()
    Image.fromarray(colours[..., 0]).convert("P").save(tmp_path / "palette.png")
    assert (read_picture(tmp_path / "palette.png") == colours[..., :1]).all()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_cut_file_is_one_sentence(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / f"whole{suffix}")
    content = (tmp_path / f"whole{suffix}").read_bytes()
    file = tmp_path / f"cut{suffix}"
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"cut\.\w+: .*; .*\.$"):
        read_picture(file)


def test_what_is_no_picture_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("hello")
    (tmp_path / "empty.png").touch()
    with pytest.raises(UserError, match=r"text.png: is not a picture that can be read; give a PNG"):
        read_picture(tmp_path / "text.png")
    with pytest.raises(UserError, match=r"empty.png: is empty; give"):
        read_picture(tmp_path / "empty.png")
    with pytest.raises(UserError, match="a folder, not a picture"):
        read_picture(tmp_path)


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">2I5B", 20_000, 20_000, 8, 2, 0, 0, 0)
    content = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + content + b"\0\0\0\0IDAT")
    with pytest.raises(UserError, match=r"huge.png: .* and 100,000,000 is the limit"):
        read_picture(tmp_path / "huge.png")
    with pytest.raises(UserError, match="600 pixels, and 599 is the limit"):
        Image.new("RGB", (20, 30)).save(tmp_path / "small.png")
        read_picture(tmp_path / "small.png", max_pixels=599)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pfm_is_bottom_up_and_its_scale_is_the_byte_order_alone(order: str, tmp_path: Path) -> None:
    values = np.array([[1.5, 2.5, np.inf], [3.5, -4.5, 5.5]], np.float32)
    scale = "-0.003922" if order == "<" else "7"
    body = values[::-1].astype(f"{order}f4").tobytes()
    (tmp_path / "a.pfm").write_bytes(f"Pf\n3 2\n{scale}\n".encode() + body)
    expected = np.where(np.isinf(values), np.nan, values)
    np.testing.assert_array_equal(read_disparity(tmp_path / "a.pfm"), expected)


def test_integer_maps(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "kitti.png"), np.array([[0, 384]], np.uint16))
    cv2.imwrite(str(tmp_path / "eight.png"), np.array([[0, 30]], np.uint8))
    cv2.imwrite(str(tmp_path / "eight.pgm"), np.array([[0, 30]], np.uint8))
    cv2.imwrite(str(tmp_path / "rgb.png"), np.array([[[0] * 3, [30] * 3]], np.uint8))
    np.testing.assert_array_equal(read_disparity(tmp_path / "kitti.png"), [[np.nan, 1.5]])
    np.testing.assert_array_equal(read_disparity(tmp_path / "kitti.png", 64), [[np.nan, 6]])
    for name in ("eight.png", "eight.pgm", "rgb.png"):
        np.testing.assert_array_equal(read_disparity(tmp_path / name, 4), [[np.nan, 7.5]])


def test_numpy_maps(tmp_path: Path) -> None:
    values = np.array([[1, np.inf, np.nan]], np.float64)
    np.save(tmp_path / "a.npy", values)
    np.savez(tmp_path / "a.npz", values)
    for name in ("a.npy", "a.npz"):
        np.testing.assert_array_equal(read_disparity(tmp_path / name), [[1, np.nan, np.nan]])


@pytest.mark.parametrize("name", ["cut.pfm", "cut.npy", "pickle.npy", "colour.png", "three.npy", "a.txt"])
def test_a_bad_map_is_one_sentence(name: str, tmp_path: Path) -> None:
    (tmp_path / "cut.pfm").write_bytes(b"Pf\n3 2\n-1\n1234")
    (tmp_path / "cut.npy").write_bytes(b"\x93NUMPY\x01")
    np.save(tmp_path / "pickle.npy", np.array([{}], dtype=object), allow_pickle=True)
    cv2.imwrite(str(tmp_path / "colour.png"), np.array([[[1, 2, 3]]], np.uint8))
    np.save(tmp_path / "three.npy", np.zeros((1, 2, 3)))
    (tmp_path / "a.txt").touch()
    with pytest.raises(UserError, match=rf"{name}: .*; .*\.$"):
        read_disparity(tmp_path / name)


def textured_pair(folder: Path, shift: int = 5) -> None:
    folder.mkdir(parents=True)
    wide = np.random.default_rng(0).integers(0, 256, (40, 100 + shift, 3), np.uint8)
    Image.fromarray(wide[:, :100]).save(folder / "left.png")
    Image.fromarray(wide[:, shift:]).save(folder / "right.png")


def test_find_pairs_names_scenes_by_their_folders(tmp_path: Path) -> None:
    for place in ("b", "set/a"):
        textured_pair(tmp_path / place)
    Image.new("L", (100, 40)).save(tmp_path / "b" / "disp_left.png")
    Image.new("L", (100, 40)).save(tmp_path / "b" / "mask.png")
    pairs = find_pairs(tmp_path)
    assert [pair.name for pair in pairs] == ["b", "set_a"]
    assert pairs[0].disparity_left == tmp_path / "b" / "disp_left.png"
    assert pairs[1].disparity_left is None


def test_two_scenes_of_one_name_are_refused(tmp_path: Path) -> None:
    for place in ("a/b", "a_b"):
        for eye in ("left", "right"):
            (tmp_path / place).mkdir(parents=True, exist_ok=True)
            (tmp_path / place / f"{eye}.png").touch()
    with pytest.raises(UserError, match=r"its name 'a_b' is that of .*; rename one\."):
        find_pairs(tmp_path)


def test_a_folder_without_pairs_and_a_scene_with_two_lefts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no pairs in it; give each scene a folder"):
        find_pairs(tmp_path)
    textured_pair(tmp_path / "a")
    Image.new("RGB", (100, 40)).save(tmp_path / "a" / "left.jpg")
    with pytest.raises(UserError, match="the same part of this scene"):
        find_pairs(tmp_path)


def test_sizes_in_a_pair_must_be_equal(tmp_path: Path) -> None:
    Image.new("RGB", (10, 8)).save(tmp_path / "left.png")
    Image.new("RGB", (12, 8)).save(tmp_path / "right.png")
    with pytest.raises(UserError, match=r"right.png: 12x8, but left.png is 10x8; both eyes need the same size"):
        read_pair(PairFiles("a", tmp_path / "left.png", tmp_path / "right.png"))


@pytest.mark.parametrize("eye", [0, 1])
def test_the_divisor_of_an_8_bit_map_is_inferred_for_either_eye(eye: int, tmp_path: Path) -> None:
    textured_pair(tmp_path / "a", shift=5)
    name = ("disp_left.png", "disp_right.png")[eye]
    # Shifted views: left x is seen at x - 5 in the right one.
    Image.fromarray(np.full((40, 100), 40, np.uint8)).save(tmp_path / "a" / name)
    (files,) = find_pairs(tmp_path)
    disparity = read_pair(files).disparity
    assert disparity is not None
    assert (disparity[eye] == 5).all()
    assert np.isnan(disparity[1 - eye]).all()


def test_a_map_whose_divisor_the_pictures_do_not_tell_counts_as_unknown(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    for name in ("left.png", "right.png"):
        Image.new("RGB", (100, 40), "grey").save(folder / name)
    for name in ("disp_left.png", "disp_right.png"):
        Image.new("L", (100, 40), 40).save(folder / name)
    disparity = read_pair(find_pairs(tmp_path)[0]).disparity
    assert disparity is not None
    assert np.isnan(disparity).all()


def test_the_benchmark_reads(data: Path) -> None:
    pairs = {pair.name: pair for pair in find_pairs(data / "bench" / "stereo")}
    assert len(pairs) == 11
    motorcycle = read_pair(pairs["middlebury_v3_trainQ_Motorcycle"])
    cones = read_pair(pairs["middlebury_2003_cones"])
    kitti = read_pair(pairs["kitti2015_train_000046_10"])
    for pair, low, high in ((motorcycle, 7, 64), (cones, 1, 64), (kitti, 1, 200)):
        assert pair.disparity is not None
        known = pair.disparity[0][np.isfinite(pair.disparity[0])]
        assert low < known.min() < known.max() < high
