"""Each eye in the grey of its own channels: what can be had without matching."""

import torch
from torch import Tensor

from restereo.imaging.anaglyph import eye_channels
from restereo.sample import Operator, Prediction, Predictor


def build() -> Predictor:
    """Returns the predictor that keeps each eye's own channels and gives their mean as its missing ones.

    Methods that copy nothing (grey, half-colour, Dubois) are treated alike: the channels that belong mainly to
    an eye are taken for its own. An eye without channels gets the mean of all.

    Example:
        >>> from restereo.methods import METHODS
        >>> p = torch.tensor(METHODS["red-cyan-color"].matrix).unsqueeze(0)
        >>> operator = Operator(p, torch.zeros(1, dtype=torch.bool), torch.ones(1, 3))
        >>> build()(torch.tensor([0.8, 0.2, 0.4]).reshape(1, 3, 1, 1), operator).image.flatten().tolist()[:3]
        [0.800000011920929, 0.800000011920929, 0.800000011920929]
    """

    def predict(observed: Tensor, operator: Operator) -> Prediction:
        views = [grey_of(observed, own) for own in eye_channels(operator.matrix[0].numpy(force=True))]
        return Prediction(torch.cat(views, dim=1))

    return predict


def grey_of(observed: Tensor, own: tuple[int, ...]) -> Tensor:
    """Returns one view `(1, 3, H, W)`: the channels `own` as observed, their mean elsewhere.

    Example:
        >>> grey_of(torch.tensor([0.0, 0.25, 0.75]).reshape(1, 3, 1, 1), (1, 2)).flatten().tolist()
        [0.5, 0.25, 0.75]
    """
    chosen = list(own) or [0, 1, 2]
    view = observed[:, chosen].mean(dim=1, keepdim=True).repeat(1, 3, 1, 1)
    view[:, list(own)] = observed[:, list(own)]
    return view
