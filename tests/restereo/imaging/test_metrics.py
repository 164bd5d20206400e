"""Every figure against an independent computation of it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio

from restereo.errors import UserError
from restereo.imaging import metrics
from restereo.methods import METHODS


def random_pictures(channels: int = 3, size: tuple[int, int] = (23, 31)) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    a = generator.integers(0, 256, (*size, channels), np.uint8)
    noise = generator.normal(0, 20, a.shape)
    return a, np.clip(a + noise, 0, 255).astype(np.uint8)


def _reference_skimage_psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(peak_signal_noise_ratio(a, b, data_range=255))


def _reference_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004 by hand: local moments with a Gaussian of 11 taps, the border left out."""
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for channel in range(3):
        x, y = a[..., channel].astype(float), b[..., channel].astype(float)
        blur = [gaussian_filter(z, 1.5, radius=5) for z in (x, y, x * x, y * y, x * y)]
        mx, my, xx, yy, xy = blur
        top = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
        bottom = (mx**2 + my**2 + c1) * (xx - mx**2 + yy - my**2 + c2)
        values.append((top / bottom)[5:-5, 5:-5].mean())
    return float(np.mean(values))


def test_psnr() -> None:
    a, b = random_pictures()
    assert metrics.psnr(a, b) == pytest.approx(_reference_skimage_psnr(a, b), abs=1e-4)
    assert metrics.psnr(a, a) == 100.0


def test_ssim() -> None:
    a, b = random_pictures()
    assert metrics.ssim(a, b) == pytest.approx(_reference_ssim(a, b), abs=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (3, 40), (40, 3), (10, 10), (11, 11)])
def test_ssim_of_tiny_pictures(size: tuple[int, int]) -> None:
    a, b = random_pictures(size=size)
    assert metrics.ssim(a, a) == pytest.approx(1.0)
    assert -1 <= metrics.ssim(a, b) < 1


def test_missing_psnr_pools_channels_and_pixels() -> None:
    a, b = random_pictures(6)
    hidden = metrics.missing_channels(METHODS["red-cyan-color"])
    assert hidden is not None
    assert metrics.missing_psnr(a, b, hidden) == pytest.approx(
        _reference_skimage_psnr(a[..., hidden], b[..., hidden]), abs=1e-4
    )
    assert metrics.missing_psnr(a, b, None) == pytest.approx(metrics.psnr(a, b), abs=1e-4)
    where = np.random.default_rng(1).random((2, *a.shape[:2])) < 0.3
    six = np.stack([where[0]] * 3 + [where[1]] * 3, axis=-1) & hidden
    mse = np.mean((a[six].astype(float) - b[six]) ** 2)
    assert metrics.missing_psnr(a, b, hidden, where) == pytest.approx(10 * np.log10(255**2 / mse), abs=1e-4)
    assert np.isnan(metrics.missing_psnr(a, b, hidden, np.zeros_like(where)))


def test_missing_channels() -> None:
    seen = {name: metrics.missing_channels(method) for name, method in METHODS.items()}
    copies = {name for name, value in seen.items() if value is not None}
    assert copies == {"red-cyan-color", "green-magenta-color", "amber-blue-color"}
    swapped = metrics.missing_channels(METHODS["amber-blue-color"].swapped())
    assert swapped is not None
    assert swapped.tolist() == [True, True, False, False, False, True]


def _reference_lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB of one sRGB colour under D65, IEC 61966-2-1 and CIE 15."""
    v = rgb / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    t = np.array(to_xyz) @ linear / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def _reference_ciede2000(one: np.ndarray, two: np.ndarray) -> float:
    """Sharma, Wu, Dalal 2005, equations 2 to 22, for one pair of Lab colours."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    c = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    g = 0.5 * (1 - np.sqrt(c**7 / (c**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = (h2 - h1 + 180) % 360 - 180 if c1 * c2 else 0.0
    hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    hm = (h1 + turn / 2) % 360 if c1 * c2 else h1 + h2
    cosines = [(-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.2, 4, -63)]
    t = 1 + sum(w * np.cos(np.radians(n * hm + shift)) for w, n, shift in cosines)
    sl = 1 + 0.015 * (lm - 50) ** 2 / np.sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    spread = 30 * np.exp(-(((hm - 275) / 25) ** 2))
    rt = -np.sin(np.radians(2 * spread)) * 2 * np.sqrt(cm**7 / (cm**7 + 25**7))
    lightness, chroma, hue = (l2 - l1) / sl, (c2 - c1) / sc, hue / sh
    return float(np.sqrt(lightness**2 + chroma**2 + hue**2 + rt * chroma * hue))


def test_ciede2000() -> None:
    a, b = random_pictures(size=(4, 5))
    pairs = zip(a.reshape(-1, 3), b.reshape(-1, 3), strict=True)
    expected = np.mean([_reference_ciede2000(_reference_lab(p), _reference_lab(q)) for p, q in pairs])
    assert metrics.ciede2000(a, b) == pytest.approx(expected, abs=0.01)
    assert metrics.ciede2000(a, a) == 0.0


def test_epe_ignores_the_unknown() -> None:
    truth = np.array([[1.0, np.nan, 3.0, np.inf]])
    assert metrics.epe(np.array([[2.0, 0.0, np.nan, 1.0]]), truth) == 1.0
    assert np.isnan(metrics.epe(np.full((1, 4), np.nan), truth))


HIDDEN = np.array([False, True, True, True, False, False])
"""Of colour red-cyan."""


def _ghost_scene(disparity: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Views, what the other eye shows where each pixel would be seen, disparity and occlusion."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 256, (40, 60, 6), np.uint8)
    hider = np.concatenate([np.roll(truth[..., 3:], disparity, 1), np.roll(truth[..., :3], -disparity, 1)], axis=-1)
    return truth, hider, np.full((2, 40, 60), disparity, np.float32), rng.random((2, 40, 60)) < 0.5


def _reference_partial_correlation(a: np.ndarray, b: np.ndarray, given: np.ndarray) -> float:
    """From the inverse of the correlation matrix."""
    inverse = np.linalg.inv(np.corrcoef(np.stack([a, b, given])))
    return float(-inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1]))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_ghost_is_a_partial_correlation(share: float) -> None:
    truth, hider, disparity, occlusion = _ghost_scene()
    noise = np.random.default_rng(4).normal(0, 25, truth.shape)
    answer = np.clip((1 - share) * truth + share * hider + noise, 0, 255).astype(np.uint8)
    inside = np.ones((2, 40, 60), bool)
    inside[0, :, :3] = inside[1, :, -3:] = False
    six = np.repeat((occlusion & inside).transpose(1, 2, 0), 3, axis=2) & HIDDEN
    error = answer[six].astype(float) - truth[six]
    expected = _reference_partial_correlation(error, hider[six].astype(float), truth[six].astype(float))
    measured = metrics.ghost(answer, truth, HIDDEN, disparity, occlusion)
    assert measured == pytest.approx(expected, abs=1e-6)
    assert abs(measured) < 0.05 if not share else measured > 0.2


def test_ghost_counts_nothing_but_hidden_pixels_and_what_hides_them() -> None:
    truth, hider, disparity, occlusion = _ghost_scene()
    six = np.repeat(occlusion.transpose(1, 2, 0), 3, axis=2)
    seen_only = np.where(six, truth, hider)
    assert metrics.ghost(seen_only, truth, HIDDEN, disparity, occlusion) == 0.0
    assert metrics.ghost(np.where(six, hider, truth), truth, HIDDEN, disparity, occlusion) == pytest.approx(1.0)
    # An unsure answer, drawn to the mean, is no ghost; neither is a negative of what hides a pixel.
    assert abs(metrics.ghost(truth // 3 + 90, truth, HIDDEN, disparity, occlusion)) < 0.05
    assert metrics.ghost(255 - hider, truth, HIDDEN, disparity, occlusion) == pytest.approx(-1.0)
    beyond = np.full_like(disparity, 100.0)
    assert np.isnan(metrics.ghost(hider, truth, HIDDEN, beyond, occlusion))
    assert np.isnan(metrics.ghost(hider, truth, HIDDEN, np.full_like(disparity, np.nan), occlusion))
    assert np.isnan(metrics.ghost(hider, truth, HIDDEN, disparity, np.zeros_like(occlusion)))


def _strip_scene(colour: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A noisy grey truth shifted by 8 px, with the left strip of an answer painted over, disparity and occlusion."""
    truth = np.repeat(np.random.default_rng(5).integers(60, 180, (30, 80, 2), np.uint8), 3, axis=2)
    noise = np.random.default_rng(6).integers(0, 20, truth.shape, np.uint8)
    truth, occlusion = truth + noise, np.zeros((2, 30, 80), bool)
    occlusion[0, :, :8] = occlusion[1, :, -8:] = True
    answer = truth.copy()
    answer[:, :8, :3] = colour
    return answer, truth, np.full((2, 30, 80), 8, np.float32), occlusion


@pytest.mark.parametrize(("colour", "expected"), [((200, 0, 0), 0.5), ((0, 90, 90), 0.5), ((90, 95, 90), 0.0)])
def test_strips_that_keep_the_anaglyphs_colours_are_counted(colour: tuple[int, int, int], expected: float) -> None:
    answer, truth, disparity, occlusion = _strip_scene(colour)
    assert metrics.strip_saturation(answer, truth, disparity, occlusion) == pytest.approx(expected, abs=0.05)
    assert metrics.strip_saturation(truth, truth, disparity, occlusion) == pytest.approx(0.05, abs=0.05)


def test_a_strip_is_at_a_frame_or_a_rim_and_nowhere_else() -> None:
    answer, truth, disparity, occlusion = _strip_scene((200, 0, 0))
    # Behind something in the middle of the picture is no strip.
    occlusion[:, :, 30:40] = True
    answer[:, 30:40, 0] = 255
    assert metrics.strip_saturation(answer, truth, disparity, occlusion) == pytest.approx(0.5, abs=0.05)
    # What would be seen where the right view is black is one: these are left columns 30 to 40.
    truth[:, 22:32, 3:] = 0
    assert metrics.strip_saturation(answer, truth, disparity, occlusion) == pytest.approx(18 / 26, abs=0.05)
    assert np.isnan(metrics.strip_saturation(answer, truth, disparity, np.zeros_like(occlusion)))


def test_sizes_must_agree() -> None:
    a, b = random_pictures()
    for measure in (metrics.psnr, metrics.ssim, metrics.ciede2000):
        with pytest.raises(UserError, match="different sizes"):
            measure(a, b[1:])
