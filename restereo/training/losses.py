"""The pixel loss: L1 + .5 chroma L1 + .1 (1 - SSIM of the greys at half size), and what else a recipe asks for."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F
from torchmetrics.functional.image import structural_similarity_index_measure

LARGE = 16
"""Px of the squares whose mean colours count for colourfulness."""
GREY = 1e-6
"""Added to squares under a root, whose slope is else infinite at grey; a thousandth of the range."""


def chroma(image: Tensor) -> Tensor:
    """Returns each RGB triple less its mean, `(B, K, H, W)` for K a multiple of 3: what a grey copy lacks.

    Example:
        >>> chroma(torch.ones(1, 6, 2, 2)).abs().max().item()
        0.0
    """
    views = image.unflatten(1, (-1, 3))
    centred: Tensor = views - views.mean(dim=2, keepdim=True)
    return centred.flatten(1, 2)


def grey(image: Tensor) -> Tensor:
    """Returns the mean of each RGB triple, `(B, K / 3, H, W)`.

    Example:
        >>> grey(torch.ones(1, 6, 2, 2)).shape
        torch.Size([1, 2, 2, 2])
    """
    means: Tensor = image.unflatten(1, (-1, 3)).mean(dim=2)
    return means


def colourfulness(image: Tensor) -> Tensor:
    """Returns the colourfulness of each RGB triple, `(B, K / 3)` for `(B, K, H, W)` in [0, 1], as a share of 255.

    Hasler & Süsstrunk 2003 (M3), as in `imaging/color.py`, but smooth where a picture is grey.

    Example:
        >>> (255 * colourfulness(torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1).expand(1, 3, 2, 2))).round().tolist()
        [[86.0]]
    """
    red, green, blue = image.unflatten(1, (-1, 3)).unbind(dim=2)
    opponents = red - green, (red + green) / 2 - blue
    pair = torch.stack(opponents)
    spread, offset = pair.var(dim=(3, 4), correction=0).sum(0), pair.mean(dim=(3, 4)).square().sum(0)
    return (spread + GREY).sqrt() + 0.3 * (offset + GREY).sqrt()


@dataclass(frozen=True)
class Weights:
    """Of the terms beside L1; 0 leaves a term out.

    Attributes:
        chroma: Of the L1 distance of the chroma.
        ssim: Of 1 - SSIM.
        squared: Of the mean squared error, which weighs the few pixels that are far off, as PSNR does.
        colourful: Of the distance in colourfulness of areas of 16 px: who must guess colours and fears to be wrong
            answers grey. After Kang et al. 2023 (DDColor), which rewards colours without end; here the truth's are
            enough.
    """

    chroma: float = 0.5
    ssim: float = 0.1
    squared: float = 0.0
    colourful: float = 0.0


def pixel_loss(prediction: Tensor, truth: Tensor, weights: Weights) -> Tensor:
    """Returns the scalar loss of `(B, K, H, W)` pictures in [0, 1]."""
    loss = F.l1_loss(prediction, truth) + weights.chroma * F.l1_loss(chroma(prediction), chroma(truth))
    if weights.squared:
        loss = loss + weights.squared * F.mse_loss(prediction, truth)
    if weights.colourful:
        # Of what is large: at full size it is won with an orange and a blue fringe along every edge.
        ours, true = (
            colourfulness(F.avg_pool2d(image, min(LARGE, *image.shape[-2:]))) for image in (prediction, truth)
        )
        loss = loss + weights.colourful * F.l1_loss(ours, true)
    if weights.ssim:
        # Of each view's grey at half size: of six channels at full size it would cost more than the network.
        ours, true = (F.avg_pool2d(grey(image).float(), 2) for image in (prediction, truth))
        similarity = structural_similarity_index_measure(
            ours, true, gaussian_kernel=False, kernel_size=7, data_range=1.0
        )
        assert isinstance(similarity, Tensor)
        loss = loss + weights.ssim * (1 - similarity)
    return loss
