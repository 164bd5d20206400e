"""What is minimised, one file per objective; `build(options)` returns an `Objective`. All share `pixel_loss`."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchmetrics.functional.image import structural_similarity_index_measure

from restereo.sample import HasLosses, Prediction, Sample

LARGE = 16
"""Px of the squares whose mean colours count for colourfulness."""
GREY = 1e-6
"""Added to squares under a root, whose slope is else infinite at grey; a thousandth of the range."""


class Objective(ABC):
    """What each player of the training minimises. A plain network is a game of one player."""

    @abstractmethod
    def players(self, generator: nn.Module, channels_in: int, channels_out: int) -> dict[str, nn.Module]:
        """Returns the networks to optimise by name; the restoring one is called `generator`."""

    @abstractmethod
    def losses(self, players: dict[str, nn.Module], lifted: Tensor, sample: Sample) -> Iterator[tuple[str, Tensor]]:
        """Yields (player, loss) in the order in which the players move; each loss is computed when it is asked for.

        Args:
            players: The networks, as the training engine wraps them.
            lifted: `(B, K, H, W)`, what the generator takes: `Task.lift` of the observation.
            sample: The batch.
        """


def own_losses(generator: nn.Module, prediction: Prediction, sample: Sample) -> Tensor:
    """Returns what the model itself minimises beside the objective, its `losses(prediction, sample)`; 0 if it has none.

    Example:
        >>> picture = torch.zeros(1, 6, 2, 2)
        >>> own_losses(nn.Identity(), Prediction(picture), Sample(picture, picture, None)).item()
        0.0
    """
    model = getattr(generator, "module", generator)  # without what the training engine wrapped around it
    return model.losses(prediction, sample) if isinstance(model, HasLosses) else prediction.image.new_zeros(())


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


def pixel_loss(
    prediction: Tensor,
    truth: Tensor,
    chroma_weight: float = 0.5,
    ssim_weight: float = 0.1,
    squared_weight: float = 0.0,
    colourful_weight: float = 0.0,
) -> Tensor:
    """Returns the scalar loss of pictures: L1 and the terms that have a weight.

    Args:
        prediction: `(B, K, H, W)` in [0, 1].
        truth: The same.
        chroma_weight: Of the L1 distance of the chroma.
        ssim_weight: Of 1 - SSIM of the greys at half size.
        squared_weight: Of the mean squared error, which weighs the few pixels that are far off, as PSNR does.
        colourful_weight: Of the distance in colourfulness of areas of 16 px: who must guess colours and fears to be
            wrong answers grey. After Kang et al. 2023 (DDColor), which rewards colours without end; here the truth's
            are enough.
    """
    loss = F.l1_loss(prediction, truth) + chroma_weight * F.l1_loss(chroma(prediction), chroma(truth))
    if squared_weight:
        loss = loss + squared_weight * F.mse_loss(prediction, truth)
    if colourful_weight:
        # Of what is large: at full size it is won with an orange and a blue fringe along every edge.
        ours, true = (
            colourfulness(F.avg_pool2d(image, min(LARGE, *image.shape[-2:]))) for image in (prediction, truth)
        )
        loss = loss + colourful_weight * F.l1_loss(ours, true)
    if ssim_weight:
        # Of each view's grey at half size: of six channels at full size it would cost more than the network.
        ours, true = (F.avg_pool2d(grey(image).float(), 2) for image in (prediction, truth))
        similarity = structural_similarity_index_measure(
            ours, true, gaussian_kernel=False, kernel_size=7, data_range=1.0
        )
        assert isinstance(similarity, Tensor)
        loss = loss + ssim_weight * (1 - similarity)
    return loss
