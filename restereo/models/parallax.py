"""Cross-view network: match the eyes along rows, warp the other eye's colours, refine the result.

A small siamese descriptor is compared along rows and aggregated semi-globally; what the other eye shows at the match
is warped over; a U-Net corrects the result, knowing where the match is doubtful. The descriptor learns from true
disparities alone (`losses`), the U-Net from colours alone: no gradient passes through the matching.
"""

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.imaging.stereo import COARSE_REACH, COARSE_WIDTH
from restereo.layers.correspondence import correlation, disparity_loss, warp
from restereo.layers.match import Match, as_eyes, as_views, classical, decide, sharpened
from restereo.layers.precision import fast_bf16
from restereo.layers.unet import UNetBody, pad_to_cells
from restereo.options import Section
from restereo.sample import Prediction, Sample

Size = Literal["tiny", "small", "base"]
Matching = Literal["both", "learned", "classical"]


class Shape(NamedTuple):
    """Width and depth of the descriptor, and the channels of each level of the U-Net that refines."""

    descriptor_width: int
    descriptor_depth: int
    widths: tuple[int, ...]


CHANNELS = (12, 6)
"""What task `anaglyph` lifts an observation to; left RGB and right RGB."""
SIZES: dict[Size, Shape] = {
    "tiny": Shape(8, 2, (8, 16, 32)),
    "small": Shape(32, 5, (16, 32, 64, 128)),
    "base": Shape(48, 6, (32, 64, 128, 256)),
}
WINDOW = 15
"""Px of the square that brightness and contrast are taken over."""
TRAINING_RANGE = (-8, 40)
"""Disparities compared in training, in half px: crops hold no more."""
SHARPNESS = 20.0
"""What cosines are multiplied by to be logits."""
CERTAINTY = 8.0
"""Steepness of the logistic from a match's cosine to the chance that it is right within 2 px, where both eyes agree: on
validation scenes .05 -> .68, .15 -> .73, .25 -> .83, .35 -> .94, .45 -> .99 (means of clean and JPEG inputs)."""


def normalise(views: Tensor) -> Tensor:
    """Returns `(x - mean) / std` of the surroundings, `(B, C, H, W)`: the eyes differ in colour, structure compares.

    Example:
        >>> normalise(torch.full((1, 3, 9, 9), 0.7)).abs().max().item() < 1e-3
        True
    """

    def mean(x: Tensor) -> Tensor:
        rows = F.avg_pool2d(F.pad(x, (WINDOW // 2,) * 4, mode="replicate"), (1, WINDOW), stride=1)
        return F.avg_pool2d(rows, (WINDOW, 1), stride=1)

    centre = mean(views)
    variance = mean(views * views) - centre * centre
    return (views - centre) / (variance.clamp(min=0) + (2 / 255) ** 2).sqrt()


class Descriptor(nn.Module):
    """Unit vectors that can be compared between the eyes, whatever colours each of them shows.

    They are at half the size, `(B, K, H, W)` to `(B, C, H / 2, W / 2)`; H and W even.
    """

    def __init__(self, channels_in: int, width: int, depth: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels_in, width, 3, padding=1))
        self.body = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.last = nn.Conv2d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the descriptors, float32."""
        with fast_bf16(x.device):
            features = self.stem(x)
            for layer in self.body:
                features = features + layer(F.silu(features))
            features = self.last(F.silu(features))
        return F.normalize(features.float(), dim=1)


class Parallax(nn.Module):
    """The network; any height and width."""

    def __init__(self, shape: Shape, matching: Matching) -> None:
        super().__init__()
        self.matching = matching
        if matching != "classical":
            self.descriptor = Descriptor(9, shape.descriptor_width, shape.descriptor_depth)
        self.body = UNetBody(18, 3, shape.widths)

    def forward(self, x: Tensor, match: Match | None = None, refinement: Tensor | None = None) -> Prediction:
        """Returns both views `(B, 6, H, W)` with disparity and confidence.

        Args:
            x: `(B, 12, H, W)`: the linear estimate of both views, and the standard deviation of each of its channels.
            match: What is known of these rows already; by default they are matched here.
            refinement: Likewise what `refinement` adds to them, `(B, 6, H, W)`.
        """
        height, width = x.shape[-2:]
        scores = None
        if match is None:
            scores, match = self.learn_match(x) if self.training else (None, self.match(x))
        image = self.colour(x, match) if refinement is None else as_views(self.warped(x, match)[0]) + refinement
        disparity, agreement, support = match.window(0, height, width)
        return Prediction(image, disparity, agreement * torch.sigmoid(CERTAINTY * support), scores)

    def colour(self, x: Tensor, match: Match) -> Tensor:
        """Returns both views `(B, 6, H, W)`: the other eye's channels warped, and the result refined."""
        padded = pad_to_cells(x, self.body.cell)
        fused, clues = self.warped(padded, match)
        views = as_views(fused + self.correction(clues))
        return views[..., : x.shape[-2], : x.shape[-1]]

    @torch.no_grad()
    def refinement(self, x: Tensor, match: Match) -> Tensor:
        """Returns what `colour` adds `(B, 6, H, W)` to what is warped: smooth, so that it can be enlarged."""
        _, clues = self.warped(pad_to_cells(x, self.body.cell), match)
        return as_views(self.correction(clues))[..., : x.shape[-2], : x.shape[-1]]

    def correction(self, clues: tuple[Tensor, ...]) -> Tensor:
        """Returns the correction of each eye `(2B, 3, H, W)`."""
        correction: Tensor = self.body(torch.cat(clues, dim=1).contiguous(memory_format=torch.channels_last))
        return correction

    def warped(self, x: Tensor, match: Match) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Returns each eye `(2B, 3, H, W)` with what the other knows of it, and what to refine it by."""
        own, other = as_eyes(x[:, :6])
        own_spread, other_spread = as_eyes(x[:, 6:])
        disparity, agreement, support = (as_eyes(one)[0] for one in match.window(0, *x.shape[-2:]))
        seen = warp(other, disparity[:, 0])
        share = own_spread.square() / (own_spread.square() + other_spread.square() + 1e-6)
        fused = own + share * (seen - own)
        hints = agreement, support, share.mean(1, keepdim=True)
        return fused, (fused, own, seen, own_spread, other_spread, *hints)

    def describe(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the descriptors (own, other) of both eyes `(2B, C, H / 2, W / 2)`."""
        views = torch.cat([x[:, :3], x[:, 3:6]])
        spread = torch.cat([x[:, 6:9], x[:, 9:12]])
        eyes = torch.cat([normalise(views) / 3, views, spread], dim=1).contiguous(memory_format=torch.channels_last)
        left, right = self.descriptor(eyes).chunk(2)
        return as_eyes(torch.cat([left, right], dim=1))

    def learn_match(self, x: Tensor) -> tuple[Tensor | None, Match]:
        """Returns the logits `(2B, H / 2, W / 2, D)` that `losses` judges, and the match they lead to."""
        if self.matching == "classical":
            return None, self.match(x)
        scores = self.scores(pad_to_cells(x, 2), *TRAINING_RANGE)
        with torch.no_grad():
            return scores, self.settle(scores, TRAINING_RANGE[0], x)

    @torch.no_grad()
    def match(self, x: Tensor) -> Match:
        """Returns the match of whole pictures `(B, 12, H, W)`; the range of disparities is found."""
        if self.matching == "classical":
            return classical(x[:, :6], x[:, 6:])
        low, high = self.range_of(x)
        return self.settle(self.scores(pad_to_cells(x, 2), low, high), low, x)

    def settle(self, scores: Tensor, low: int, x: Tensor) -> Match:
        """Returns what the logits of the disparities from `low` on lead to."""
        match = decide(scores, low, SHARPNESS).window(0, *x.shape[-2:])
        return sharpened(match, x[:, :6], x[:, 6:]) if self.matching == "both" else match

    def scores(self, x: Tensor, low: int, high: int) -> Tensor:
        """Returns the logits `(2B, H / 2, W / 2, D)` of the disparities low … high in half px."""
        own, other = self.describe(x)
        # Learning needs exact gradients; an answer does not mind cosines that are off by 1/250.
        with torch.autocast(x.device.type, enabled=False) if self.training else fast_bf16(x.device):
            return SHARPNESS * correlation(own, other, low, high)

    @torch.no_grad()
    def range_of(self, x: Tensor) -> tuple[int, int]:
        """Returns the least and greatest disparity in half px that the picture shows, found on a small copy of it."""
        scale = min(1.0, COARSE_WIDTH / x.shape[-1])
        small = F.interpolate(x, scale_factor=scale, mode="bilinear", antialias=True) if scale < 1 else x
        small = pad_to_cells(small, 2)
        reach = max(2, int(small.shape[-1] * COARSE_REACH / 2))
        match = decide(self.scores(small, -reach, reach), -reach, SHARPNESS)
        agreed = match.disparity[match.agreement > 0.5] / 2
        if len(agreed) < 0.05 * match.disparity.numel():
            return -reach, reach
        ends = torch.quantile(agreed[:: max(1, len(agreed) // 100_000)], torch.tensor([0.01, 0.99]).to(agreed)) / scale
        margin = max(4.0, 0.05 * float(ends[1] - ends[0]))
        return int(ends[0] - margin), int(ends[1] + margin) + 1

    def losses(self, prediction: Prediction, sample: Sample) -> Tensor:
        """Returns the cross-entropy of the logits against the true disparities, in nats; 0 where none is known."""
        if prediction.scores is None:
            return prediction.image.new_zeros(())
        assert sample.disparity is not None and sample.occlusion is not None
        truth, hidden = (as_eyes(maps)[0][:, 0, ::2, ::2] for maps in (sample.disparity, sample.occlusion))
        return disparity_loss(prediction.scores, truth / 2, hidden, TRAINING_RANGE[0])


class Options(Section):
    """What a recipe's `model_options` may say.

    Attributes:
        size: `tiny` (for tests), `small` or `base`.
        matching: By the learned descriptor, by OpenCV on the eyes' own channels (`classical`), or by both: then
            OpenCV's disparities are taken where the eyes agree on them.
    """

    size: Size = "base"
    matching: Matching = "both"


def build(channels_in: int, channels_out: int, options: Options) -> Parallax:
    """Returns a cross-view network with random weights from torch's generator.

    Example:
        >>> build(12, 6, Options(size="tiny")).eval()(torch.zeros(1, 12, 7, 5)).image.shape
        torch.Size([1, 6, 7, 5])
    """
    return Parallax(SIZES[options.size], options.matching)
