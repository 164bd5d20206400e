"""Degradations: true JPEG, seeds that reproduce, flips that keep left and right in register."""

import hashlib
import io
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from restereo.errors import UserError
from restereo.imaging.degradations import (
    Degradations,
    OldPhotoDegradation,
    Subsampling,
    augment_scene,
    degrade_anaglyph,
    degrade_old_photo,
    jpeg,
    perturb_pair,
)
from restereo.imaging.scenes import random_scene
from restereo.options import parse
from restereo.sample import Scene

OFF = dict.fromkeys(("exposure", "vertical_shift", "clean", "crosstalk", "blur", "scale", "noise", "jpeg"), 0.0)


EVERYTHING = Degradations(clean=0, crosstalk=1, blur=1, scale=1, noise=1, jpeg=1, exposure=1, vertical_shift=1)


SIZES = [(1, 1), (1, 9), (9, 1), (2, 3), (17, 31), (96, 96)]


def _picture(height: int = 64, width: int = 80, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 10, 3), np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return np.clip(smooth + rng.normal(0, 15, smooth.shape), 0, 255).astype(np.uint8)


def _only(**on: object) -> Degradations:
    return Degradations.model_validate({**OFF, **on})


def _pillow_jpeg(image: np.ndarray, quality: int, subsampling: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return np.asarray(Image.open(file).convert("RGB"))


@pytest.mark.parametrize("quality", [60, 85, 95])
@pytest.mark.parametrize(("name", "number"), [("444", 0), ("422", 1), ("420", 2)])
def test_jpeg_is_pillows(quality: int, name: Subsampling, number: int) -> None:
    picture = _picture()
    mine, reference = jpeg(picture, quality, name).astype(int), _pillow_jpeg(picture, quality, number).astype(int)
    assert np.abs(mine - reference).mean() < 0.5
    every: tuple[Subsampling, ...] = ("420", "422", "444")
    others = [jpeg(picture, quality, other).astype(int) for other in every if other != name]
    assert all(np.abs(mine - reference).mean() < np.abs(wrong - reference).mean() / 4 for wrong in others)


def test_jpeg_420_damages_red_and_not_blue_and_green_alike() -> None:
    """At q95 4:2:0 red loses much of its finest detail, green little: luma is mostly green."""
    rng = np.random.default_rng(0)
    noise = np.clip(rng.normal(128, 20, (128, 128, 3)), 0, 255).astype(np.uint8)
    kept = [np.corrcoef(noise[..., c].ravel(), jpeg(noise, 95)[..., c].ravel())[0, 1] for c in range(3)]
    assert kept[1] > 0.8
    assert kept[0] < 0.7
    assert kept[2] < kept[0]  # blue weighs least in luma; with BGR for RGB it would be the other way round
    leaked = np.corrcoef(noise[..., 1].ravel(), jpeg(noise, 95)[..., 0].ravel())[0, 1]
    assert leaked > 0.4  # what red takes over from the other eye's green


@pytest.mark.parametrize("shape", [(9, 7), (9, 7, 1)])
def test_jpeg_of_grey_pictures_keeps_their_shape(shape: tuple[int, ...]) -> None:
    assert np.array_equal(jpeg(np.full(shape, 77, np.uint8), 90), np.full(shape, 77, np.uint8))


@pytest.mark.parametrize("size", SIZES)
def test_every_output_is_uint8_of_the_same_shape(size: tuple[int, int]) -> None:
    left, right = _picture(*size), _picture(*size, seed=1)
    before = left.copy()
    for seed in range(5):
        assert degrade_anaglyph(left, seed, EVERYTHING).shape == left.shape
        for view in (degrade_anaglyph(left, seed, EVERYTHING), *perturb_pair(left, right, seed, EVERYTHING)):
            assert view.shape == left.shape
            assert view.dtype == np.uint8
    assert np.array_equal(left, before)


def test_seeds_reproduce_in_any_order_and_differ() -> None:
    picture = _picture()
    forward = [degrade_anaglyph(picture, seed, EVERYTHING) for seed in range(6)]
    backward = [degrade_anaglyph(picture, seed, EVERYTHING) for seed in reversed(range(6))][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(forward, backward, strict=True))
    assert len({a.tobytes() for a in forward}) == 6
    pairs = [perturb_pair(picture, picture, seed, EVERYTHING) for seed in (1, 1, 2)]
    assert np.array_equal(pairs[0][0], pairs[1][0])
    assert not np.array_equal(pairs[0][0], pairs[2][0])


def test_opencvs_global_generator_changes_nothing() -> None:
    picture = _picture()
    first = degrade_anaglyph(picture, 3, EVERYTHING)
    cv2.setRNGSeed(99)
    assert np.array_equal(degrade_anaglyph(picture, 3, EVERYTHING), first)


def test_another_process_gives_the_same_bytes_and_asks_no_network() -> None:
    script = (
        "import hashlib, numpy as np\n"
        "from restereo.imaging.degradations import Degradations, degrade_anaglyph\n"
        "import sys; assert 'albumentations' not in sys.modules and 'torch' not in sys.modules\n"
        "picture = np.arange(3072, dtype=np.uint8).reshape(32, 32, 3)\n"
        "drawn = degrade_anaglyph(picture, 5, Degradations(clean=0, noise=1, jpeg=1))\n"
        "print(hashlib.sha256(drawn.tobytes()).hexdigest())\n"
        "import os; assert os.environ['NO_ALBUMENTATIONS_UPDATE'] == '1'\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "NO_ALBUMENTATIONS_UPDATE"}
    command = [sys.executable, "-c", script]
    there = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.strip()
    picture = np.arange(3072, dtype=np.uint8).reshape(32, 32, 3)
    here = degrade_anaglyph(picture, 5, Degradations(clean=0, noise=1, jpeg=1))
    assert there == hashlib.sha256(here.tobytes()).hexdigest()


def test_coins_of_the_transforms_are_independent() -> None:
    """albumentations' own set_random_seed gives each transform the same stream: all fall alike."""
    picture = np.full((16, 16, 3), (200, 60, 120), np.uint8)
    picture[8:] = 30
    both = _only(crosstalk=0.5, noise=0.5, crosstalk_share=(0.3, 0.3), noise_levels=(0.8, 0.8))
    seen = set()
    for seed in range(40):
        result = degrade_anaglyph(picture, seed, both).astype(int)
        seen.add((bool(abs(result[:7, :, 0].mean() - 200) > 5), bool(result[:7, :, 0].std() > 0)))
    assert len(seen) == 4


def test_everything_off_changes_nothing() -> None:
    picture = _picture()
    for seed in range(3):
        assert np.array_equal(degrade_anaglyph(picture, seed, _only()), picture)
        assert np.array_equal(degrade_anaglyph(picture, seed, Degradations(clean=1)), picture)
        assert np.array_equal(perturb_pair(picture, picture, seed, _only())[0], picture)


def test_clean_share() -> None:
    picture, settings = _picture(16, 16), Degradations(clean=0.3, noise=1, noise_levels=(5, 5))
    assert 0.2 < np.mean([np.array_equal(degrade_anaglyph(picture, n, settings), picture) for n in range(200)]) < 0.4


def test_crosstalk_mixes_channels_and_keeps_grey() -> None:
    settings = _only(crosstalk=1, crosstalk_share=(0.1, 0.1))
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    result = degrade_anaglyph(red, 0, settings)
    assert (result[..., 0] == 180).all()
    assert (result[..., 1:] > 0).all()
    assert (result[..., 1:] <= 20).all()
    grey = np.full((4, 4, 3), 90, np.uint8)
    assert np.array_equal(degrade_anaglyph(grey, 0, settings), grey)


@pytest.mark.parametrize("settings", [_only(blur=1, blur_sigma=(1, 1)), _only(scale=1, scale_factor=(0.5, 0.5))])
def test_blur_and_scaling_lose_fine_detail_and_no_coarse(settings: Degradations) -> None:
    picture = _picture()
    result = degrade_anaglyph(picture, 0, settings)
    fine = [np.abs(np.diff(one.astype(int), axis=1)).mean() for one in (picture, result)]
    assert fine[1] < 0.75 * fine[0]
    coarse = [cv2.resize(one, (10, 8), interpolation=cv2.INTER_AREA).astype(int) for one in (picture, result)]
    assert np.abs(coarse[0] - coarse[1]).mean() < 3


def test_noise_has_its_level_and_is_independent_per_channel() -> None:
    flat = np.full((128, 128, 3), 128, np.uint8)
    change = degrade_anaglyph(flat, 0, _only(noise=1, noise_levels=(4, 4))).astype(float) - 128
    assert abs(change.mean()) < 0.1
    assert abs(change.std() - 4) < 0.1
    assert np.abs(np.corrcoef(change.reshape(-1, 3).T) - np.eye(3)).max() < 0.03


def test_jpeg_in_the_chain_is_the_function() -> None:
    picture = _picture()
    settings = _only(jpeg=1, jpeg_quality=(77, 77), jpeg_subsampling={"422": 1})
    assert np.array_equal(degrade_anaglyph(picture, 0, settings), jpeg(picture, 77, "422"))


def test_exposure_differs_between_the_eyes_and_shift_moves_one_eye() -> None:
    picture = _picture()
    for seed in range(8):
        left, right = perturb_pair(picture, picture, seed, _only(exposure=1, exposure_stops=(-1, 1)))
        assert not np.array_equal(left, right)
        order = np.argsort(picture[..., 0].ravel(), kind="stable")
        assert (np.diff(left[..., 0].ravel()[order].astype(int)) >= 0).all()  # a curve that never falls
        views = perturb_pair(picture, picture, seed, _only(vertical_shift=1))
        moved = [view for view in views if not np.array_equal(view, picture)]
        assert len(moved) == 1
        assert any(np.array_equal(moved[0][1:-1], picture[1 + dy : 63 + dy]) for dy in (-1, 1))


def _scene() -> Scene:
    photo = _picture(120, 160, seed=3)
    made = random_scene([cv2.GaussianBlur(photo, (0, 0), 1.0)], np.random.default_rng(4), (64, 96), 15)
    return Scene("s", np.concatenate([made.left, made.right], axis=-1), made.disparity, made.occlusion)


@pytest.mark.parametrize("flips", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 1)])
def test_flips_keep_the_disparity_relation(flips: tuple[int, int, int]) -> None:
    settings = Degradations(flip_horizontal=flips[0], flip_vertical=flips[1], shuffle_channels=flips[2])
    scene = _scene()
    turned = augment_scene(scene, 1, settings)
    assert not np.array_equal(turned.truth, scene.truth)
    y, x = np.mgrid[0:64, 0:96].astype(np.float32)
    for eye, sign in ((0, -1), (1, +1)):
        assert turned.disparity is not None
        assert turned.occlusion is not None
        views = turned.truth[..., :3], turned.truth[..., 3:]
        seen = ~cv2.dilate(turned.occlusion[eye].astype(np.uint8), np.ones((5, 5))).astype(bool)
        error = []
        for way in (sign, -sign):
            column = x + np.float32(way) * turned.disparity[eye]
            warped = cv2.remap(np.ascontiguousarray(views[1 - eye]), column, y, cv2.INTER_LINEAR)
            error.append(float(np.mean((warped.astype(float) - views[eye])[seen] ** 2)))
        assert error[0] < error[1] / 3  # the sign is right: the other one is far worse
        assert 10 * np.log10(255**2 / error[0]) > 27


def test_augmenting_twice_gives_the_scene_back_and_unknown_maps_stay_unknown() -> None:
    scene = _scene()
    flips = Degradations(flip_horizontal=1, flip_vertical=1, shuffle_channels=0)
    back = augment_scene(augment_scene(scene, 0, flips), 1, flips)
    for name in ("truth", "disparity", "occlusion"):
        assert np.array_equal(getattr(back, name), getattr(scene, name))
    bare = augment_scene(Scene("b", scene.truth), 0, flips)
    assert bare.disparity is None
    assert bare.occlusion is None
    assert np.array_equal(augment_scene(scene, 5).truth, augment_scene(scene, 5).truth)


def test_channels_are_shuffled_alike_in_both_eyes() -> None:
    truth = np.tile(np.array([1, 2, 3, 1, 2, 3], np.uint8), (2, 2, 1))
    settings = Degradations(flip_horizontal=0, flip_vertical=0, shuffle_channels=1)
    seen = [augment_scene(Scene("c", truth), seed, settings).truth[0, 0].tolist() for seed in range(20)]
    assert all(one[:3] == one[3:] and sorted(one[:3]) == [1, 2, 3] for one in seen)
    assert len({tuple(one) for one in seen}) > 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"jpeg_qualty": [60, 90]}, "unknown key 'synthesize.degradations.jpeg_qualty': did you mean 'jpeg_quality'"),
        ({"blur": 2}, r"'synthesize.degradations.blur': Input should be less than or equal to 1 \(it is 2\)"),
        ({"jpeg_quality": [90, 60]}, "first number must not exceed the second"),
        ({"jpeg_quality": [0, 60]}, "greater than or equal to 1"),
        ({"jpeg_subsampling": {"411": 1}}, "'420', '422' or '444'"),
        ({"jpeg_subsampling": {"420": 0}}, "at least one weight"),
        ({"noise_levels": 3}, "noise_levels"),
    ],
)
def test_wrong_settings_are_one_sentence(options: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse(Degradations, options, "params.yaml: ", "synthesize.degradations")
    assert str(caught.value).startswith("params.yaml: ")
    assert "\n" not in str(caught.value)


def test_settings_from_params() -> None:
    assert parse(Degradations, {}) == Degradations()
    assert parse(Degradations, {"jpeg_subsampling": {420: 1}}).jpeg_subsampling == {"420": 1}


def test_dirt_hides_what_the_mask_says_and_nothing_else():
    grey = np.full((120, 160, 1), 128, np.uint8)
    picture, mask = degrade_old_photo(grey, np.random.default_rng(1), OldPhotoDegradation(grain=0.0, dirt=2.0))
    assert 0.005 < mask.mean() < 0.5
    assert np.abs(picture.astype(int) - 128)[~mask].max() <= 0.1 * 128 + 1
    grainy, none = degrade_old_photo(grey, np.random.default_rng(1), OldPhotoDegradation(grain=0.1, dirt=0.0))
    assert not none.any()
    assert (grainy / 255).std() == pytest.approx(0.1, abs=0.005)


def test_a_photograph_scanned_larger_is_no_dirtier():
    def share(side: int) -> float:
        grey, usual = np.zeros((side, side, 1), np.uint8), OldPhotoDegradation()
        return float(np.mean([degrade_old_photo(grey, np.random.default_rng(n), usual)[1].mean() for n in range(30)]))

    assert share(512) == pytest.approx(share(256), rel=0.3)
