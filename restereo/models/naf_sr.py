"""Stereo super-resolution in one pass, after the paper of NAFSSR (Chu et al. 2022), none of its code.

Both views go through the same blocks at their small size. At several depths each looks for itself along the rows of the
other and takes over what it finds; in the end each small pixel unfolds into a square of large ones. Two things differ
from the paper: blocks are without channel attention, so that a band is seen like the whole picture, and what is found
counts as far as it is certain, since attention that learns true disparities knows what is hidden.
"""

from typing import Literal, NamedTuple

from torch import Tensor, nn

from restereo.layers.correspondence import Attended
from restereo.layers.enlargement import Enlarger, LayerNorm, NAFBlock, look_across
from restereo.layers.precision import fast_bf16
from restereo.options import Section

Size = Literal["tiny", "small"]


class Shape(NamedTuple):
    """Channels, how often each view looks at the other, and blocks before each look and after the last."""

    width: int
    looks: int
    depth: int


CHANNELS = (12, 6)
"""What task `stereo_sr` lifts an observation to; left RGB and right RGB."""
SIZES: dict[Size, Shape] = {"tiny": Shape(16, 2, 1), "small": Shape(64, 3, 3)}
"""At x4 `small` has .37 M parameters and costs 12.7 GMAC for two views of 160x90."""


class Look(nn.Module):
    """What each view knows once it has looked at the other, `(2B, C, h, w)`; it starts as what each knows by itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = LayerNorm(channels)
        self.describe = nn.Conv2d(channels, channels, 1)
        self.take = nn.Conv2d(channels, channels, 1)
        for parameter in self.take.parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Tensor) -> tuple[Tensor, Attended]:
        """Returns the features and what was attended to."""
        found = look_across(self.describe(self.norm(features)), features)
        # A 1x1 convolution is the same before and after the attention: this one is the paper's values and its gate.
        return features + found.certainty * self.take(found.features), found


class NAFSR(Enlarger):
    """The network; any height and width of the small views."""

    def __init__(self, shape: Shape, scale: int) -> None:
        super().__init__(scale)
        width = shape.width
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.groups = nn.ModuleList(
            nn.Sequential(*(NAFBlock(width) for _ in range(shape.depth))) for _ in range(shape.looks + 1)
        )
        self.looks = nn.ModuleList(Look(width) for _ in range(shape.looks))
        self.head = nn.Conv2d(width, 3 * scale**2, 3, padding=1)
        for parameter in self.head.parameters():
            nn.init.zeros_(parameter)

    def restore(self, small: Tensor) -> tuple[Tensor, list[Attended]]:
        """Returns what smooth enlargement lacks `(2B, 3·scale², h, w)`, folded, and what each look attended to."""
        found: list[Attended] = []
        with fast_bf16(small.device):
            features = self.groups[0](self.stem(small - 0.5))
            for look, group in zip(self.looks, self.groups[1:], strict=True):
                features, attended = look(features)
                found.append(attended)
                features = group(features)
            correction: Tensor = self.head(features)
        return correction.float(), found


class Options(Section):
    """What a recipe's `model_options` may say.

    Attributes:
        size: `tiny` (for tests) or `small`.
        scale: How many times larger an answer is; the task says it.
    """

    size: Size = "small"
    scale: Literal[2, 4] = 4


def build(channels_in: int, channels_out: int, options: Options) -> NAFSR:
    """Returns a network with random weights from torch's generator.

    Example:
        >>> import torch
        >>> build(12, 6, Options(size="tiny")).eval()(torch.zeros(1, 12, 16, 20)).image.shape
        torch.Size([1, 6, 16, 20])
    """
    return NAFSR(SIZES[options.size], options.scale)
