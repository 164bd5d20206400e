"""Stereo super-resolution with feedback, after the paper of SSRDE-FNet (Dai et al. 2021), none of its code.

Both views are understood at their small size. Attention along rows finds each pixel in the other view and brings its
features over; from both a large picture is made. Then what was made - features, large picture, disparity - is fed back
into the same layers once more. Weights are shared by both views and both passes. Products are those of the anaglyph
network, and so is the semi-global decision that turns them into disparities.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.layers.attention import Attended, disparity_loss, row_attention
from restereo.layers.match import as_eyes, as_views, decide, sharpened
from restereo.layers.naf import NAFBlock
from restereo.layers.precision import fast_bf16
from restereo.layers.unet import pad_to_cells
from restereo.sample import Prediction, Sample

Size = Literal["tiny", "small"]


class Shape(NamedTuple):
    """Channels, and blocks before and after the attention."""

    width: int
    depth: int


SIZES: dict[Size, Shape] = {"tiny": Shape(16, 2), "small": Shape(48, 8)}
PASSES = 2
LOW = -2
"""Least disparity that is looked for, in small px: rectified views converge little."""
REACH = 0.25
"""Greatest one, as a share of the width."""
SHARPNESS = 20.0
"""What cosines are multiplied by to be logits."""
MATCH_WEIGHT = 0.02
"""Of the cross-entropy of the disparities, in nats, beside the objective."""


class FeedbackSR(nn.Module):
    """The network; any height and width of the small views."""

    def __init__(self, shape: Shape, scale: int) -> None:
        super().__init__()
        self.scale = scale
        width, folded = shape.width, 3 * scale**2
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.before = nn.Sequential(*(NAFBlock(width) for _ in range(shape.depth)))
        self.describe = nn.Conv2d(width, width, 1)
        self.fuse = nn.Conv2d(2 * width + 1, width, 1)
        self.after = nn.Sequential(*(NAFBlock(width) for _ in range(shape.depth)))
        self.head = nn.Conv2d(width, folded, 3, padding=1)
        self.feed_back = nn.Conv2d(width + folded + 2, width, 1)
        for last in (self.head, self.feed_back):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]  # it has one

    def forward(self, x: Tensor) -> Prediction:
        """Returns both views `(B, 6, H, W)` with disparity and confidence.

        Args:
            x: `(B, 12, H, W)`: both views enlarged smoothly, and both with each small pixel repeated.
        """
        height, width = x.shape[-2:]
        x = pad_to_cells(x, self.scale)
        small = as_eyes(F.avg_pool2d(x[:, 6:], self.scale))[0]
        correction, passes = self.restore(small)
        image = x[:, :6] + as_views(F.pixel_shuffle(correction, self.scale))
        disparity, confidence = self.settled(passes[-1], image)
        return Prediction(
            image[..., :height, :width],
            disparity[..., :height, :width],
            confidence[..., :height, :width],
            torch.stack([one.scores for one in passes]) if self.training else None,
        )

    def restore(self, small: Tensor) -> tuple[Tensor, list[Attended]]:
        """Returns what smooth enlargement lacks `(2B, 3·scale², h, w)`, folded, and what each pass attended to."""
        passes: list[Attended] = []
        with fast_bf16(small.device):
            start = fed = self.stem(small - 0.5)
            correction = fed
            high = max(8, int(small.shape[-1] * REACH))
            for number in range(PASSES):
                features = self.before(start + fed if number else start)
                descriptors = F.normalize(self.describe(features).float(), dim=1)
                found = row_attention(descriptors, other(descriptors), other(features).float(), LOW, high, SHARPNESS)
                passes.append(found)
                clues = torch.cat([features, found.certainty * found.features, found.certainty], dim=1)
                features = self.after(self.fuse(clues))
                correction = self.head(features)
                known = found.certainty, found.disparity / high
                fed = self.feed_back(torch.cat([features, correction, *known], dim=1))
        return correction.float(), passes

    def settled(self, found: Attended, image: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the disparity and the confidence `(B, 2, H, W)` at full size, sharpened on the large picture."""
        if self.training:
            maps = self.scale * as_views(found.disparity.detach()), as_views(found.certainty.detach())
            larger = [F.interpolate(one, scale_factor=self.scale, mode="nearest") for one in maps]
            return larger[0], larger[1]
        with torch.no_grad():
            match = decide(found.scores, LOW, SHARPNESS).resized(*image.shape[-2:])
            disparity, agreement, _ = sharpened(match, image, torch.zeros_like(image), most_shared=1.0)
        return disparity, agreement

    def losses(self, prediction: Prediction, sample: Sample) -> Tensor:
        """Returns the cross-entropy of both passes' attention against the true disparities; 0 where none is known."""
        assert prediction.scores is not None
        assert sample.disparity is not None and sample.occlusion is not None
        s = self.scale
        centre = slice(s // 2, None, s)
        truth, hidden = (as_eyes(maps)[0][:, 0, centre, centre] for maps in (sample.disparity, sample.occlusion))
        parts = [disparity_loss(scores, truth / s, hidden, LOW) for scores in prediction.scores]
        return MATCH_WEIGHT * torch.stack(parts).sum()


def other(eyes: Tensor) -> Tensor:
    """Returns what the other eye has, in the frame of each: of `(2B, …)` left eyes, then mirrored right ones.

    Example:
        >>> other(torch.tensor([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [[4.0, 3.0], [2.0, 1.0]]
    """
    left, right = eyes.chunk(2)
    return torch.cat([right.flip(-1), left.flip(-1)])


def build(channels_in: int, channels_out: int, *, size: Size = "small", scale: int = 4) -> FeedbackSR:
    """Returns a network with random weights from torch's generator.

    Args:
        channels_in: 12, what task `stereo_sr` lifts an observation to.
        channels_out: 6, left RGB and right RGB.
        size: `tiny` (for tests) or `small`.
        scale: How many times larger an answer is; the task says it.

    Example:
        >>> build(12, 6, size="tiny").eval()(torch.zeros(1, 12, 16, 20)).image.shape
        torch.Size([1, 6, 16, 20])
    """
    if (channels_in, channels_out) != (12, 6):
        raise ValueError(f"feedback_sr takes 12 channels and gives 6, not {channels_in} and {channels_out}")
    return FeedbackSR(SIZES[size], scale)
