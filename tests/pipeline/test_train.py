"""Two trainings of one recipe would write the same checkpoint."""

import pytest

from pipelines import train
from restereo.errors import UserError


def test_a_second_training_of_a_recipe_is_refused_while_the_first_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with (
        train.alone("x"),
        pytest.raises(UserError, match=r"x\.lock: another training of 'x' still runs; wait for it, or end it"),
        train.alone("x", 0),
    ):
        pass
    with train.alone("x", 0), train.alone("y", 0):
        pass
