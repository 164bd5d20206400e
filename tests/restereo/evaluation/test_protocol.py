import json

import cv2
import numpy as np
import pytest
import torch

from restereo import catalog
from restereo.datasets.pairs import Pair, find_pairs
from restereo.errors import UserError
from restereo.evaluation.baselines import BASELINES
from restereo.evaluation.protocol import evaluate_folder, judge, mean
from restereo.evaluation.reader import find_photos, scene_of
from restereo.sample import Prediction, Scene
from restereo.tasks import restore, to_tensor
from tests.conftest import small_scene, smooth_picture

TASK = catalog.build("task", "anaglyph")
FIGURES = {
    "missing_psnr",
    "missing_psnr_visible",
    "missing_psnr_occluded",
    "ghost",
    "strip_saturation",
    "psnr",
    "psnr_left",
    "psnr_right",
    "ssim_left",
    "ssim_right",
    "ciede2000",
    "epe",
    "residual",
    "match_share",
    "match_correlation",
    "color_difference",
    "unrelated",
}


def oracle(scene: Scene, offset: float = 0.0):
    """A predictor that knows the truth and errs by `offset` everywhere."""
    return lambda observed, operator: Prediction((to_tensor(scene.truth) + offset).clamp(0, 1))


def test_a_perfect_answer_gets_perfect_figures():
    scene = small_scene(1)
    figures = judge(oracle(scene), scene, TASK.observe(scene.truth), TASK).figures
    assert figures.keys() == FIGURES
    assert figures["missing_psnr"] == figures["psnr_left"] == 100.0
    assert figures["ssim_right"] == pytest.approx(1.0)
    assert figures["ciede2000"] == 0.0
    assert figures["epe"] is None
    assert figures["missing_psnr_occluded"] is None, "nothing is occluded"
    assert figures["ghost"] is None, "nothing is occluded"


def test_missing_psnr_is_pooled_over_left_green_blue_and_right_red():
    """An independent computation of the headline, from the definition in docs/protocol.md."""
    scene = small_scene(2)
    truth = scene.truth.astype(float)
    answer = judge(oracle(scene, 0.1), scene, TASK.observe(scene.truth), TASK)
    wrong = [answer.answer[..., c].astype(float) - truth[..., c] for c in (1, 2, 3)]
    expected = 10 * np.log10(255**2 / np.mean(np.square(wrong)))
    assert answer.figures["missing_psnr"] == pytest.approx(expected, abs=1e-6)
    assert TASK.headline_of(answer.answer, scene, answer.observation) == answer.figures["missing_psnr"]


def test_visible_and_occluded_pixels_are_pooled_apart():
    scene = small_scene(3)
    scene.occlusion[:, :, :10] = True
    offset = torch.zeros(1, 6, *scene.truth.shape[:2])
    offset[..., :10] = 0.2

    def wrong_where_occluded(observed, operator):
        return Prediction((to_tensor(scene.truth) * 0.8 + offset * 0.8).clamp(0, 1))

    figures = judge(wrong_where_occluded, scene, TASK.observe(scene.truth), TASK).figures
    assert figures["missing_psnr_visible"] != figures["missing_psnr_occluded"]
    share = scene.occlusion.mean()
    pooled = (1 - share) * 10 ** (-figures["missing_psnr_visible"] / 10)
    pooled += share * 10 ** (-figures["missing_psnr_occluded"] / 10)
    assert figures["missing_psnr"] == pytest.approx(-10 * np.log10(pooled), abs=1e-6)


def test_a_mean_leaves_out_what_is_not_defined():
    rows = [{"a": 1.0, "b": None}, {"a": 3.0, "b": 5.0}]
    assert mean(rows) == {"a": 2.0, "b": 5.0}


def test_a_sparse_disparity_tells_nothing_of_occlusion():
    disparity = np.full((2, 20, 30), np.nan, np.float32)
    disparity[0, ::5, ::5] = 3
    view = smooth_picture(1, 20, 30)
    scene = scene_of("lidar", Pair(view, view, disparity))
    assert scene.occlusion is None and scene.disparity is not None


def test_a_dense_left_map_tells_both_eyes_occlusion():
    disparity = np.full((2, 20, 30), np.nan, np.float32)
    disparity[0] = 2
    disparity[0, 5:15, 10:20] = 6
    view = smooth_picture(1, 20, 30)
    scene = scene_of("dense", Pair(view, view, disparity))
    assert scene.occlusion[0, :, :2].all(), "left columns beyond the right frame"
    assert not scene.occlusion[0, 5:15, 10:20].any(), "the nearer square is seen by both"
    assert scene.occlusion[0, 5:15, 6:10].all(), "what the square hides from the right eye"


def write_pair(folder, seed=0, right_size=None):
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "left.png"), smooth_picture(seed, 24, 32))
    cv2.imwrite(str(folder / "right.png"), smooth_picture(seed + 1, *(right_size or (24, 32))))


def test_a_folder_of_pairs_is_measured_scene_by_scene(tmp_path):
    write_pair(tmp_path / "set" / "a")
    write_pair(tmp_path / "b", 3)
    figures = evaluate_folder(BASELINES["grey"], TASK, find_pairs(tmp_path))
    assert list(figures["scenes"]) == ["b", "set_a"]
    assert figures["mean"].keys() == FIGURES | {"seconds_per_megapixel"}
    json.dumps(figures, allow_nan=False)
    values = [row["missing_psnr"] for row in figures["scenes"].values()]
    assert figures["mean"]["missing_psnr"] == pytest.approx(np.mean(values))


def test_views_of_different_sizes_are_named(tmp_path):
    write_pair(tmp_path / "a", right_size=(24, 30))
    with pytest.raises(UserError, match=r"right\.png: 30x24, but left\.png is 32x24; both eyes need the same size"):
        evaluate_folder(BASELINES["grey"], TASK, find_pairs(tmp_path))


def test_pictures_of_one_name_are_all_measured(tmp_path):
    task = catalog.build("task", "colorization")
    for number, name in enumerate(("set5/one.png", "set14/one.png")):
        (tmp_path / name).parent.mkdir()
        cv2.imwrite(str(tmp_path / name), smooth_picture(number, 24, 32))
    figures = evaluate_folder(BASELINES["grey_copy"], task, find_photos(tmp_path))
    assert list(figures["scenes"]) == ["set14_one", "set5_one"]
    cv2.imwrite(str(tmp_path / "set5" / "one.jpg"), smooth_picture(2, 24, 32))
    with pytest.raises(UserError, match=r"set5/one\.png: a second scene of the name 'set5_one'; rename one"):
        evaluate_folder(BASELINES["grey_copy"], task, find_photos(tmp_path))


def test_eyes_of_different_scenes_lack_support():
    noise = [smooth_picture(seed, 60, 160)[..., :1].repeat(3, axis=2) for seed in (1, 2)]
    sgbm = BASELINES["sgbm"]

    def trust(left, right):
        scene = Scene("a", np.concatenate([left, right], axis=2))
        return judge(sgbm, scene, TASK.observe(scene.truth), TASK).figures

    paired, shuffled = trust(noise[0][:, :-8], noise[0][:, 8:]), trust(noise[0][:, :-8], noise[1][:, 8:])
    assert paired["match_correlation"] > 0.8
    assert shuffled["match_correlation"] < 0.5
    assert paired["match_share"] > 2 * shuffled["match_share"]
    assert (paired["unrelated"], shuffled["unrelated"]) == (0.0, 1.0)
    assert paired["color_difference"] < 3


def test_the_residual_is_that_before_the_projection():
    scene = small_scene(3)
    observation = TASK.observe(scene.truth)
    observed, operator = to_tensor(observation.picture), TASK.operator(observation)
    grey = torch.nn.Module()
    grey.forward = lambda x: Prediction(torch.full_like(x[:, :6], 0.5))
    prediction = restore(grey, TASK, observed, operator, TASK.default_calibration())
    assert TASK.trust(prediction, observation)["residual"] == pytest.approx(
        float((observed - 0.5).square().mean().sqrt())
    )
