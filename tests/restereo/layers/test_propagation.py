"""What is filled comes from what is known, and from nowhere else."""

import torch

from restereo.layers.propagation import fill_unseen


def test_what_is_not_seen_has_no_say():
    torch.manual_seed(0)
    known = torch.rand(2, 3, 37, 51)
    seen = (torch.rand(2, 1, 37, 51) < 0.3).float()
    filled = fill_unseen(torch.where(seen > 0, known, 1e6), seen)
    assert torch.equal(torch.where(seen > 0, filled, 0.0), known * seen)
    assert filled.min() >= known.min() and filled.max() <= known.max()


def test_a_plane_of_one_value_is_filled_with_it():
    seen = torch.zeros(1, 1, 64, 64)
    seen[..., 3:9, 40:50] = 1
    assert torch.allclose(fill_unseen(torch.full((1, 3, 64, 64), 0.25), seen), torch.full((1, 3, 64, 64), 0.25))


def test_where_nothing_is_seen_nothing_differs():
    assert not fill_unseen(torch.ones(1, 3, 5, 7), torch.zeros(1, 1, 5, 7)).any()
