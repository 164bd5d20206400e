"""Stereo super-resolution with feedback, after the paper of SSRDE-FNet (Dai et al. 2021), none of its code.

Both views are understood at their small size. Attention along rows finds each pixel in the other view and warps its
features; from both a large picture is made. Then what was made - features, large picture, disparity - is fed back
into the same layers once more. Weights are shared by both views and both passes. Products are those of the anaglyph
network, and so is the semi-global decision that turns them into disparities.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from restereo.layers.correspondence import Attended
from restereo.layers.enlargement import Enlarger, NAFBlock, greatest, look_across
from restereo.layers.precision import fast_bf16
from restereo.options import Section

Size = Literal["tiny", "small"]


class Shape(NamedTuple):
    """Channels, and blocks before and after the attention."""

    width: int
    depth: int


CHANNELS = (12, 6)
"""What task `stereo_sr` lifts an observation to; left RGB and right RGB."""
SIZES: dict[Size, Shape] = {"tiny": Shape(16, 2), "small": Shape(48, 8)}
PASSES = 2


class FeedbackSR(Enlarger):
    """The network; any height and width of the small views."""

    def __init__(self, shape: Shape, scale: int) -> None:
        super().__init__(scale)
        width, folded = shape.width, 3 * scale**2
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.before = nn.Sequential(*(NAFBlock(width) for _ in range(shape.depth)))
        self.describe = nn.Conv2d(width, width, 1)
        self.fuse = nn.Conv2d(2 * width + 1, width, 1)
        self.after = nn.Sequential(*(NAFBlock(width) for _ in range(shape.depth)))
        self.head = nn.Conv2d(width, folded, 3, padding=1)
        self.feed_back = nn.Conv2d(width + folded + 2, width, 1)
        for last in (self.head, self.feed_back):
            for parameter in last.parameters():
                nn.init.zeros_(parameter)

    def restore(self, small: Tensor) -> tuple[Tensor, list[Attended]]:
        """Returns what smooth enlargement lacks `(2B, 3·scale², h, w)`, folded, and what each pass attended to."""
        passes: list[Attended] = []
        with fast_bf16(small.device):
            start = fed = self.stem(small - 0.5)
            correction = fed
            high = greatest(small.shape[-1])
            for number in range(PASSES):
                features = self.before(start + fed if number else start)
                found = look_across(self.describe(features), features)
                passes.append(found)
                clues = torch.cat([features, found.certainty * found.features, found.certainty], dim=1)
                features = self.after(self.fuse(clues))
                correction = self.head(features)
                known = found.certainty, found.disparity / high
                fed = self.feed_back(torch.cat([features, correction, *known], dim=1))
        return correction.float(), passes


class Options(Section):
    """What a recipe's `model_options` may say.

    Attributes:
        size: `tiny` (for tests) or `small`.
        scale: How many times larger an answer is; the task says it.
    """

    size: Size = "small"
    scale: Literal[2, 4] = 4


def build(channels_in: int, channels_out: int, options: Options) -> FeedbackSR:
    """Returns a network with random weights from torch's generator.

    Example:
        >>> build(12, 6, Options(size="tiny")).eval()(torch.zeros(1, 12, 16, 20)).image.shape
        torch.Size([1, 6, 16, 20])
    """
    return FeedbackSR(SIZES[options.size], options.scale)
