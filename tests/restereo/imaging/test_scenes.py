"""Generated scenes: the two views, the disparities and the occlusions say the same thing."""

import cv2
import numpy as np
import pytest

from restereo.imaging.scenes import FRAMED, RIM, SHIFT, StereoScene, random_scene


def _photos(count: int = 3, height: int = 150, width: int = 200) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    photos = []
    for _ in range(count):
        small = rng.integers(0, 256, (height // 6, width // 6, 3), np.uint8)
        fine = rng.normal(0, 12, (height // 2, width // 2, 3)).astype(np.float32)
        photo = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) + cv2.resize(fine, (width, height))
        photos.append(np.clip(photo, 0, 255).astype(np.uint8))
    return photos


PHOTOS = _photos()


def _scene(seed: int, size: tuple[int, int] = (96, 128), most: float = 20.0, framed: float = FRAMED) -> StereoScene:
    return random_scene(PHOTOS, np.random.default_rng(seed), size, most, framed)


def _away_from_edges(disparity: np.ndarray, occluded: np.ndarray) -> np.ndarray:
    """True where the surface is smooth within 5 px and seen by both eyes within 3 px."""
    jumps = cv2.morphologyEx(disparity, cv2.MORPH_GRADIENT, np.ones((7, 7), np.uint8)) > 2.8
    bad = cv2.dilate((jumps | occluded).astype(np.uint8), np.ones((5, 5), np.uint8))
    return bad == 0


def _sample(picture: np.ndarray, column: np.ndarray) -> np.ndarray:
    rows = np.repeat(np.arange(len(column), dtype=np.float32)[:, None], column.shape[1], 1)
    return cv2.remap(picture, column.astype(np.float32), rows, cv2.INTER_LINEAR)


@pytest.mark.parametrize("framed", [0, 1])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("eye", [0, 1])
def test_other_view_warped_by_exact_disparity_gives_this_view(seed: int, eye: int, framed: float) -> None:
    scene = _scene(seed, framed=framed)
    views, d = (scene.left, scene.right), scene.disparity[eye]
    column = np.arange(128) + (-d if eye == 0 else d)
    good = _away_from_edges(d, scene.occlusion[eye])
    assert good.mean() > 0.25
    error = _sample(views[1 - eye], column).astype(float) - views[eye]
    assert 10 * np.log10(255**2 / np.mean(error[good] ** 2)) > 30
    unwarped = views[1 - eye].astype(float) - views[eye]
    assert np.mean(error[good] ** 2) < np.mean(unwarped[good] ** 2)
    # Layers half a pixel apart leave no jump to keep away from, hence a quantile and not the largest.
    assert np.quantile(np.abs(_sample(scene.disparity[1 - eye], column) - d)[good], 0.98) < 0.02


@pytest.mark.parametrize("seed", range(4))
def test_occlusion_agrees_with_a_z_buffer(seed: int) -> None:
    scene = _scene(seed, (48, 72), 14.0)
    for eye, sign in ((0, -1), (1, +1)):
        mine, other = scene.disparity[eye], scene.disparity[1 - eye]
        agree = doubtful = 0
        for y, x in np.ndindex(48, 72):
            column = x + sign * mine[y, x]
            if not 0 <= column <= 71:
                assert scene.occlusion[eye, y, x]
                agree += 1
                continue
            near = other[y, max(0, int(column) - 1) : int(column) + 3]
            seen = other[y, round(float(column))]
            if np.ptp(near) > 1:  # at the very edge a pixel decides for itself
                doubtful += 1
            else:
                agree += scene.occlusion[eye, y, x] == (seen > mine[y, x] + 0.45)
        assert doubtful < 0.3 * mine.size
        assert agree >= 0.998 * (mine.size - doubtful)


def test_no_seen_surface_lies_before_the_other_eyes_surface() -> None:
    """Painter's order and depth order are the same: nowhere does a farther layer cover a nearer one."""
    for seed in range(20):
        scene = _scene(seed)
        for eye, sign in ((0, -1), (1, +1)):
            column = np.arange(128) + sign * scene.disparity[eye]
            inside = (column >= 0) & (column <= 127)
            nearest = cv2.dilate(scene.disparity[1 - eye], np.ones((1, 5), np.uint8))
            behind = inside & (_sample(nearest, column) < scene.disparity[eye] - 0.5)
            assert behind.mean() < 1e-3


def test_range_and_signs_of_disparity() -> None:
    scenes = [_scene(seed, framed=0) for seed in range(40)]
    ranges = np.array([(s.disparity.min(), s.disparity.max()) for s in scenes])
    assert np.abs(ranges).max() <= 20
    assert np.abs(ranges).max() > 16
    assert ((ranges[:, 0] < 0) & (ranges[:, 1] > 0)).mean() > 0.8


def test_occluded_share_is_like_real_pairs() -> None:
    share = np.mean([_scene(seed, framed=0).occlusion.mean() for seed in range(30)])
    assert 0.05 < share < 0.2


def test_same_generator_state_gives_the_same_bytes() -> None:
    first, again, other = _scene(7), _scene(7), _scene(8)
    for name in ("left", "right", "disparity", "occlusion"):
        assert np.array_equal(getattr(first, name), getattr(again, name))
    assert not np.array_equal(first.left, other.left)


def test_photos_are_not_written_to() -> None:
    before = [photo.copy() for photo in PHOTOS]
    _scene(9)
    assert all(np.array_equal(a, b) for a, b in zip(PHOTOS, before, strict=True))


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 3), (33, 47), (101, 64)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    for seed in range(8):
        scene = _scene(seed, size, 9.0, framed=0.5)
        assert scene.left.shape == scene.right.shape == (*size, 3)
        assert scene.left.dtype == scene.right.dtype == np.uint8
        assert scene.disparity.shape == scene.occlusion.shape == (2, *size)
        assert scene.disparity.dtype == np.float32
        assert scene.occlusion.dtype == bool
        assert np.isfinite(scene.disparity).all()


@pytest.mark.parametrize("photo", [np.full((1, 1, 3), 128, np.uint8), PHOTOS[0][:9, :7]], ids=["1x1", "tiny"])
def test_one_tiny_photo_only(photo: np.ndarray) -> None:
    scene = random_scene([photo], np.random.default_rng(0), (64, 80), 12)
    assert scene.left.min() > 0 or photo.size > 3
    assert scene.left.std() > 1  # even one flat colour gives layers of several


def test_grey_photo_and_no_black_borders() -> None:
    photo = np.repeat(np.random.default_rng(0).integers(100, 256, (90, 120, 1), np.uint8), 3, 2)
    for seed in range(10):
        scene = random_scene([photo], np.random.default_rng(seed), (64, 96), 16, framed=0)
        for view in (scene.left, scene.right):
            assert (view.max(2) == 0).mean() < 0.01
            assert (view[:, :3].mean(), view[:, -3:].mean()) > (15, 15)


def test_zero_disparity_bound_makes_equal_views_but_for_rounding() -> None:
    scene = random_scene(PHOTOS, np.random.default_rng(0), (48, 64), 1e-6)
    assert np.abs(scene.left.astype(int) - scene.right).max() <= 1


def test_a_quarter_of_the_scenes_is_framed_and_the_others_are_what_they_were() -> None:
    changed = 0
    for seed in range(60):
        scene, plain, framed = _scene(seed), _scene(seed, framed=0), _scene(seed, framed=1)
        same = [all(np.array_equal(getattr(scene, n), getattr(o, n)) for n in vars(o)) for o in (plain, framed)]
        assert same in ([True, False], [False, True])
        changed += same[1]
    assert 7 <= changed <= 25


def test_a_framed_scene_is_shifted_as_a_whole_and_keeps_to_the_bound() -> None:
    shifts = []
    for seed in range(30):
        plain, framed = _scene(seed, framed=0), _scene(seed, framed=1)
        depth, shift = np.polyfit(plain.disparity[0].ravel(), framed.disparity[0].ravel(), 1)
        # The maps lie on the left view's coordinates, where a shift moves no edge.
        assert np.allclose(depth * plain.disparity[0] + shift, framed.disparity[0], atol=1e-3)
        assert depth == pytest.approx(1 - abs(shift) / 20, abs=1e-3)
        assert SHIFT[0] - 1e-3 <= abs(shift) / 128 <= SHIFT[1] + 1e-3
        assert np.abs(framed.disparity).max() <= 20
        shifts.append(shift)
    assert min(shifts) < 0 < max(shifts)


def test_rims_are_black_and_occluded_and_hide_the_other_eye() -> None:
    seen = 0
    for seed in range(30):
        scene = _scene(seed, framed=1)
        black = np.stack([view.max(2) == 0 for view in (scene.left, scene.right)], 2)
        inner = cv2.erode(black.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=(1, 1)) > 0
        inner = inner.transpose(2, 0, 1)
        border = round(RIM * 128) + 1
        assert not inner[:, border:-border, border:-border].any()
        for eye, sign in ((0, -1), (1, +1)):
            assert scene.occlusion[eye][inner[eye]].all()
            column = np.arange(128) + sign * scene.disparity[eye]
            hidden = _sample(inner[1 - eye].astype(np.float32), column) > 0.99
            assert scene.occlusion[eye][hidden].all()
            seen += hidden.sum()
    assert seen > 1000


def test_wrong_photos_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one photo"):
        random_scene([], np.random.default_rng(0))
    with pytest.raises(ValueError, match="uint8"):
        random_scene([np.zeros((4, 4), np.uint8)], np.random.default_rng(0))
    with pytest.raises(ValueError, match="uint8"):
        random_scene([np.zeros((4, 4, 3), np.float32)], np.random.default_rng(0))
