"""What every task of the catalog keeps, by name: what was observed is never invented again."""

import math

import numpy as np
import pytest
import torch

from restereo import catalog
from restereo.evaluation.baselines import BASELINES
from restereo.evaluation.protocol import judge
from restereo.sample import Scene
from restereo.tasks import Task, restore, to_picture, to_tensor
from restereo.training.data import collate
from tests.conftest import scene_for, smooth_picture

TASKS = catalog.names("task")


def build(name: str) -> Task:
    task: Task = catalog.build("task", name)
    return task


def scene_of(task: Task) -> Scene:
    return scene_for(task, 3)


class Guess(torch.nn.Module):
    """Answers with noise."""

    def __init__(self, task: Task) -> None:
        super().__init__()
        self.task = task

    def forward(self, x: torch.Tensor):
        from restereo.sample import Prediction

        torch.manual_seed(1)
        return Prediction(0.5 + 0.1 * torch.randn(len(x), self.task.channels_out, *x.shape[2:]))


@pytest.mark.parametrize("name", TASKS)
def test_an_answer_is_moved_towards_what_was_observed(name):
    task = build(name)
    scene = scene_of(task)
    observation = task.observe(scene.truth)
    observed, operator = to_tensor(observation.picture), task.operator(observation)
    answer = restore(Guess(task), task, observed, operator, task.default_calibration())
    assert answer.residual is not None
    assert answer.image.shape == (1, *scene.truth.transpose(2, 0, 1).shape)
    assert answer.image.min() >= 0 and answer.image.max() <= 1
    before, after = answer.residual.square().mean(), task.residual(answer.image, observed, operator).square().mean()
    assert after < before if name == "old_photo" else after < 0.02 * before


@pytest.mark.parametrize("name", TASKS)
def test_a_training_example_is_a_function_of_its_seed(name):
    task = build(name)
    scene = scene_of(task)
    one, same = (task.draw(scene, 5) for _ in range(2))
    np.testing.assert_array_equal(one[1].picture, same[1].picture)
    assert len({task.draw(scene, seed)[1].picture.tobytes() for seed in range(8)}) > 1
    batch = collate([one, same], task)
    assert task.lift(batch.observed, batch.operator).shape[:2] == (2, task.channels_in)
    assert batch.truth.shape[:2] == (2, task.channels_out)


@pytest.mark.parametrize("name", TASKS)
def test_no_baseline_scores_better_than_the_truth(name):
    task = build(name)
    scene = scene_of(task)
    observation = task.observe(scene.truth)

    def score(predictor) -> float:
        judged = judge(predictor, scene, observation, task)
        assert set(task.shown) <= judged.figures.keys() and task.headline in judged.figures
        assert judged.figures[task.headline] == pytest.approx(task.headline_of(judged.answer, scene, observation))
        return task.better * (judged.figures[task.headline] or 0.0)

    from restereo.sample import Prediction

    best = score(lambda observed, operator: Prediction(to_tensor(scene.truth)))
    for baseline in task.baselines:
        assert score(BASELINES[baseline]) <= best


@pytest.mark.parametrize("name", TASKS)
def test_a_calibration_can_be_measured_and_stored(name):
    task = build(name)
    scene = scene_of(task)
    variants = {v: [(scene, task.observe(scene.truth, q))] for v, q in task.variants(85).items()}
    assert "clean" in variants
    calibration = task.calibrate(Guess(task), variants, torch.device("cpu"))
    again = type(calibration).from_json(calibration.to_json())
    observation = variants["clean"][0][1]
    answer = restore(Guess(task), task, to_tensor(observation.picture), task.operator(observation), again)
    assert math.isfinite(task.headline_of(to_picture(answer.image), scene, observation))


@pytest.mark.parametrize("name", [name for name in TASKS if name != "anaglyph"])
def test_a_users_picture_is_taken(name):
    task = build(name)
    picture = smooth_picture(4, 40, 48)
    observation = task.accept(picture)
    assert observation.picture.shape[2] == task.operator(observation).matrix.shape[1]
