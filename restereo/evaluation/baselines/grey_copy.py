"""The grey picture in three equal channels: what doing nothing scores in colouring."""

from torch import Tensor

from restereo.sample import Operator, Prediction, Predictor


def build() -> Predictor:
    """Returns the predictor that copies the one channel it is given into all of them.

    Example:
        >>> import torch
        >>> operator = Operator(torch.ones(1, 1, 3) / 3, torch.tensor([False]), torch.ones(1, 1))
        >>> build()(torch.rand(1, 1, 4, 5), operator).image.shape
        torch.Size([1, 3, 4, 5])
    """

    def predict(observed: Tensor, operator: Operator) -> Prediction:
        return Prediction(observed.repeat(1, operator.matrix.shape[2], 1, 1))

    return predict
