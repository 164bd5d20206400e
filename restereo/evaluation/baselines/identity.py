"""The anaglyph itself as both views: what doing nothing scores."""

import torch
from torch import Tensor

from restereo.sample import Operator, Prediction, Predictor


def build() -> Predictor:
    """Returns the predictor that gives the anaglyph as both eyes.

    Example:
        >>> from restereo.sample import Operator
        >>> operator = Operator(torch.zeros(1, 3, 6), torch.zeros(1, dtype=torch.bool), torch.ones(1, 3))
        >>> build()(torch.rand(1, 3, 4, 5), operator).image.shape
        torch.Size([1, 6, 4, 5])
    """

    def predict(observed: Tensor, operator: Operator) -> Prediction:
        return Prediction(torch.cat([observed, observed], dim=1))

    return predict
