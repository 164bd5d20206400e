"""Anaglyph methods as operators on batches of pictures."""

import torch

from restereo.imaging.anaglyph import find_method
from restereo.sample import Operator


def operator_of(method_name: str, lossy: bool = False) -> Operator:
    """Returns the operator of a method, a batch of one.

    Example:
        >>> operator_of("red-cyan").matrix.shape
        torch.Size([1, 3, 6])
    """
    method = find_method(method_name)
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
