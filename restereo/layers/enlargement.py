"""What networks share that enlarge two views together: their blocks, their frame, and how the views look at each other.

Both views are restored at their small size by the same weights, the right one in a mirror. When they look, each pixel
seeks itself in its row of the other view. The disparity is what the last look settles on; all looks learn the true one.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.layers.correspondence import Attended, disparity_loss, row_attention
from restereo.layers.match import as_eyes, as_views, decide, sharpened
from restereo.layers.unet import pad_to_cells
from restereo.sample import Prediction, Sample

LOW = -2
"""Least disparity that is looked for, in small px: rectified views converge little."""
REACH = 0.25
"""Greatest one, as a share of the width."""
SHARPNESS = 20.0
"""What cosines are multiplied by to be logits."""
MATCH_WEIGHT = 0.02
"""Of the cross-entropy of the disparities, in nats, beside the objective."""


class LayerNorm(nn.Module):
    """Each pixel's channels `(B, C, H, W)` with mean 0 and variance 1, scaled and shifted."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Returns the normalised features."""
        last = x.movedim(1, -1)
        normed = F.layer_norm(last, last.shape[-1:], self.weight.flatten(), self.bias.flatten())
        return normed.movedim(-1, 1)


def gate(x: Tensor) -> Tensor:
    """Returns the product of both halves of the channels.

    Example:
        >>> gate(torch.full((1, 4, 1, 1), 3.0)).flatten().tolist()
        [9.0, 9.0]
    """
    first, second = x.chunk(2, dim=1)
    return first * second


class NAFBlock(nn.Module):
    """The nonlinear-activation-free block (Chen et al. 2022): features of the same shape `(B, C, H, W)`.

    It has no channel attention, so that a band is seen like the whole, and it starts as the identity.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.spatial_norm, self.channel_norm = LayerNorm(channels), LayerNorm(channels)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.depthwise = nn.Conv2d(2 * channels, 2 * channels, 3, padding=1, groups=2 * channels)
        self.merge = nn.Conv2d(channels, channels, 1)
        self.expand = nn.Conv2d(channels, 2 * channels, 1)
        self.contract = nn.Conv2d(channels, channels, 1)
        for last in (self.merge, self.contract):
            for parameter in last.parameters():
                nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the block's features."""
        x = x + self.merge(gate(self.depthwise(self.widen(self.spatial_norm(x)))))
        features: Tensor = x + self.contract(gate(self.expand(self.channel_norm(x))))
        return features


def greatest(width: int) -> int:
    """Returns the greatest disparity, in px, that is looked for in views of this width.

    Example:
        >>> greatest(160), greatest(3)
        (40, 8)
    """
    return max(8, int(width * REACH))


def other(eyes: Tensor) -> Tensor:
    """Returns what the other eye has, in the frame of each: of `(2B, …)` left eyes, then mirrored right ones.

    Example:
        >>> other(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [[4.0, 3.0], [2.0, 1.0]]
    """
    left, right = eyes.chunk(2)
    return torch.cat([right.flip(-1), left.flip(-1)])


def look_across(queries: Tensor, features: Tensor) -> Attended:
    """Returns what each eye finds along its rows in the other one.

    Args:
        queries: `(2B, C, h, w)` of both eyes, of any length; they are the keys as well.
        features: `(2B, K, h, w)` of both eyes, to be warped.

    Example:
        >>> rows = torch.eye(4)[:, None].expand(4, 2, 4)  # pixel x of the left row is pixel x - 1 of the right one
        >>> eyes = torch.stack([rows, rows.roll(-1, -1).flip(-1)])
        >>> look_across(eyes, eyes).disparity[0, 0, 0, 1:].round().tolist()
        [1.0, 1.0, 1.0]
    """
    descriptors = F.normalize(queries.float(), dim=1)
    high = greatest(features.shape[-1])
    return row_attention(descriptors, other(descriptors), other(features).float(), LOW, high, SHARPNESS)


class Enlarger(nn.Module, ABC):
    """A network that enlarges two views together; a concrete one only restores them at their small size.

    Attributes:
        scale: How many times larger the views become.
    """

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    @abstractmethod
    def restore(self, small: Tensor) -> tuple[Tensor, list[Attended]]:
        """Returns what smooth enlargement lacks `(2B, 3·scale², h, w)`, folded, and what each look attended to.

        Args:
            small: Both eyes' small views `(2B, 3, h, w)` in [0, 1].
        """

    def forward(self, x: Tensor) -> Prediction:
        """Returns both views `(B, 6, H, W)` with disparity and confidence, of any height and width.

        In training the prediction keeps the scores that its loss needs, `(looks, 2B, h, w, D)`, and its disparity is
        the last look's own; else it is settled by aggregation and sharpened.

        Args:
            x: `(B, 12, H, W)`: both views enlarged smoothly, and both with each small pixel repeated.
        """
        height, width = x.shape[-2:]
        x = pad_to_cells(x, self.scale)
        correction, looks = self.restore(as_eyes(F.avg_pool2d(x[:, 6:], self.scale))[0])
        image = x[:, :6] + as_views(F.pixel_shuffle(correction, self.scale))
        last = looks[-1]
        disparity, confidence = _attended(last, self.scale) if self.training else _settled(last, image)
        return Prediction(
            image[..., :height, :width],
            disparity[..., :height, :width],
            confidence[..., :height, :width],
            torch.stack([look.scores for look in looks]) if self.training else None,
        )

    def losses(self, prediction: Prediction, sample: Sample) -> Tensor:
        """Returns the weighted cross-entropy of all looks against the true disparities; 0 where none is known."""
        assert prediction.scores is not None
        assert sample.disparity is not None and sample.occlusion is not None
        centre = slice(self.scale // 2, None, self.scale)
        truth, hidden = (as_eyes(maps)[0][:, 0, centre, centre] for maps in (sample.disparity, sample.occlusion))
        parts = [disparity_loss(scores, truth / self.scale, hidden, LOW) for scores in prediction.scores]
        return MATCH_WEIGHT * torch.stack(parts).sum()


def _attended(look: Attended, scale: int) -> tuple[Tensor, Tensor]:
    """Returns the disparity and the confidence `(B, 2, H, W)` as the attention has them."""
    maps = scale * as_views(look.disparity.detach()), as_views(look.certainty.detach())
    larger = [F.interpolate(one, scale_factor=scale, mode="nearest") for one in maps]
    return larger[0], larger[1]


@torch.no_grad()
def _settled(look: Attended, image: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the disparity and the confidence `(B, 2, H, W)` at full size, sharpened on the large picture."""
    match = decide(look.scores, LOW, SHARPNESS).resized(*image.shape[-2:])
    disparity, agreement, _ = sharpened(match, image, torch.zeros_like(image), most_shared=1.0)
    return disparity, agreement
