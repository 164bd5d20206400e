"""Anaglyph methods as operators on batches of pictures."""

import torch

from restereo.methods import AnaglyphMethod
from restereo.sample import Operator


def operator_of(method: AnaglyphMethod, lossy: bool = False) -> Operator:
    """Returns the operator of a method, a batch of one.

    Example:
        >>> from restereo.methods import METHODS
        >>> operator_of(METHODS["red-cyan-color"]).matrix.shape
        torch.Size([1, 3, 6])
    """
    matrix = torch.tensor(method.matrix, dtype=torch.float32)
    if method.clip == "eyes":
        # A share that cannot be positive is always clipped to nothing before the eyes are added.
        shares = matrix.unflatten(1, (2, 3))
        matrix = torch.where((shares <= 0).all(dim=2, keepdim=True), 0.0, shares).flatten(1)
    return Operator(
        matrix[None],
        torch.tensor([method.transfer == "linear"]),
        torch.tensor([method.exponent], dtype=torch.float32),
        torch.tensor([lossy]),
    )
