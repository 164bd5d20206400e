"""U-Net (Ronneberger et al. 2015) as a correction to its own input: the plain network that others are measured against.

The first channels of the input are added to the output: the linear estimate starts out copied, the network learns the
rest.
"""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.layers.unet import UNetBody, pad_to_cells
from restereo.options import Section
from restereo.sample import Prediction, Sample

Size = Literal["tiny", "small", "fine", "medium", "base"]
SIZES: dict[Size, tuple[int, ...]] = {
    "tiny": (8, 16, 32),
    "small": (16, 32, 64, 128),
    "fine": (48, 64, 96, 128),
    "medium": (33, 66, 132, 264),
    "base": (40, 80, 160, 320),
}
"""Channels of each level, finest first. Grain is told from detail at the finest, colours at the coarsest."""
MASK_WEIGHT = 0.1
"""Of the cross-entropy of the damage, in nats, beside the objective."""
DAMAGE_WEIGHT = 5.0
"""Of a damaged pixel in it, sound ones being 1: damage is a tenth of a picture."""
FILL_WEIGHT = 10.0
"""Of the squared error at damaged pixels, as a mean over all: what is filled else drowns in what is seen."""


class UNet(nn.Module):
    """The network; any height and width, padded inside by replication to a multiple of its coarsest cell."""

    def __init__(
        self, channels_in: int, channels_out: int, widths: Sequence[int], mask: bool = False, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.body = UNetBody(channels_in, channels_out + mask, widths, dropout)
        self.copied = channels_out if channels_in >= channels_out else channels_in
        self.mask = mask

    def forward(self, x: Tensor) -> Prediction:
        """Returns the restored picture `(B, channels_out, H, W)` of `x` `(B, channels_in, H, W)` in [0, 1].

        With `mask`, confidence `(B, 1, H, W)` is the chance that a pixel of the input is undamaged.
        """
        height, width = x.shape[-2:]
        padded = pad_to_cells(x, self.body.cell)
        correction = self.body(padded)
        sound = None
        if self.mask:
            correction, sound = correction[:, :-1], correction[:, -1:, :height, :width]
        image = padded[:, : self.copied] + correction
        confidence = None if sound is None else sound.sigmoid()
        return Prediction(image[..., :height, :width], confidence=confidence, scores=sound)

    def losses(self, prediction: Prediction, sample: Sample) -> Tensor:
        """Returns what finding and filling the damage lacks; 0 where no damage is predicted or known."""
        if prediction.scores is None or sample.mask is None:
            return prediction.image.new_zeros(())
        damage = sample.mask.float()
        found = F.binary_cross_entropy_with_logits(prediction.scores, 1 - damage, 1 + (DAMAGE_WEIGHT - 1) * damage)
        # Over all pixels, not the damaged: else little damage weighs as much as much, and is found where there is none.
        filled = (damage * (prediction.image - sample.truth).square()).mean()
        return MASK_WEIGHT * found + FILL_WEIGHT * filled


class Options(Section):
    """What a recipe's `model_options` may say.

    Attributes:
        size: `tiny` (42 k parameters, for tests), `small` (.64 M), `fine` (1.2 M), `medium` (2.7 M) or `base` (4.0 M).
        mask: Whether it also says which pixels of its input are undamaged.
        dropout: Chance that a feature of the coarsest level is left out in training.
    """

    size: Size = "small"
    mask: bool = False
    dropout: float = Field(0.0, ge=0, lt=1)


def build(channels_in: int, channels_out: int, options: Options) -> UNet:
    """Returns a U-Net with random weights from torch's generator.

    Args:
        channels_in: Channels of the lifted observation; the first `channels_out` are the estimate to be corrected,
            or a single one is the estimate of them all.
        channels_out: Channels of the restored picture.
        options: Its size, and what else it does.

    Example:
        >>> import torch
        >>> build(6, 6, Options(size="tiny"))(torch.zeros(1, 6, 7, 5)).image.shape
        torch.Size([1, 6, 7, 5])
    """
    return UNet(channels_in, channels_out, SIZES[options.size], options.mask, options.dropout)
