"""Pickles are refused, and nothing is taken for one."""

import pickle

import pytest
import torch

from restereo.errors import UserError
from restereo.training.run_folder import read_weights, write_weights


@pytest.mark.parametrize("length", range(1, 40))
def test_safetensors_of_any_header_are_no_pickle(tmp_path, length):
    """A header of 128 bytes begins with a pickle's first byte; one in 32 has such a length, modulo 256."""
    file = tmp_path / "weights.safetensors"
    write_weights(file, {"a" * length: torch.zeros(1), "b": torch.ones(2)})
    assert set(read_weights(file)) == {"a" * length, "b"}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_refused_whatever_its_name(tmp_path, protocol):
    file = tmp_path / "weights.safetensors"
    file.write_bytes(pickle.dumps({"weights": [1.0] * 100}, protocol))
    with pytest.raises(UserError, match="pickle"):
        read_weights(file)
