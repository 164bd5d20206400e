"""The matching network: settles what a classical match leaves open: gaps, compression, subpixels, what is hidden.

Features at 1/2 to 1/16 of the size are compared along rows in groups (Guo et al. 2019), the classical disparity is a
hint in the cost volume, a two-dimensional hourglass reads it, and convex upsampling (Teed & Deng 2020) brings the
disparity to full size, with the chance that the other eye sees the place.

Each eye in turn is "own", the left eye of a mirrored scene (`layers/match.py`).
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.layers.clues import Clues
from restereo.layers.correspondence import correlation, discrepancy
from restereo.layers.match import as_eyes
from restereo.layers.precision import fast_bf16
from restereo.layers.unet import Block

BINS = 32
"""Disparities compared at a quarter of the size; they span 128 px."""
STEP = 4
"""Px between two of them."""
NEAR = 2
"""Bins, or px at half size, on either side of a disparity that are looked at again."""
GROUPS = 4
FINE_GROUPS = 3
SHARPNESS = 8.0
"""What the mean cosine of the groups is multiplied by to be a logit."""
FAR_OFF = 3.0
"""Px at half size beyond which it does not matter how much a hint, or the other eye's disparity, differs."""
MOST = 6.0
"""Px beyond which an error costs no more."""


class Widths(NamedTuple):
    """Channels at 1/2, 1/4, 1/8 and 1/16 of the size."""

    half: int
    quarter: int
    eighth: int
    sixteenth: int


class Found(NamedTuple):
    """What the network says of each eye in its own frame.

    Attributes:
        logits: `(2B, h, w, D)` at a quarter of the size.
        half: `(2B, H / 2, W / 2)`, the disparity in px of that size.
        disparity: `(2B, H, W)` in px.
        seen: `(2B, H / 2, W / 2)`, logit of the chance that the other eye sees the place.
        low: The first disparity of the logits, in bins.
    """

    logits: Tensor
    half: Tensor
    disparity: Tensor
    seen: Tensor
    low: int


class Encoder(nn.Module):
    """Features of one eye at half and at a quarter of the size, which knows what lies around (Lin et al. 2017)."""

    def __init__(self, channels_in: int, widths: Widths) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth = widths
        self.stem = nn.Conv2d(channels_in, half, 3, padding=1)
        self.blocks = nn.ModuleList(Block(width, width) for width in widths)
        self.shrink = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, stride=2)
            for fine, coarse in ((half, quarter), (quarter, eighth), (eighth, sixteenth))
        )
        self.grow = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2) for coarse, fine in ((sixteenth, eighth), (eighth, quarter))
        )
        self.context = Block(quarter, quarter)
        self.describe = nn.Conv2d(quarter, quarter, 1)
        self.describe_half = nn.Conv2d(half, half // 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns features at half size, features and descriptors at a quarter."""
        levels = [self.blocks[0](self.stem(x))]
        for block, shrink in zip(list(self.blocks)[1:], self.shrink, strict=True):
            levels.append(block(shrink(levels[-1])))
        half, quarter, eighth, sixteenth = levels
        coarse = eighth + self.grow[0](sixteenth)
        features = self.context(quarter + self.grow[1](coarse))
        return self.describe_half(F.silu(half)), features, self.describe(F.silu(features))


class Hourglass(nn.Module):
    """Reads a cost volume as a picture of many channels, from a quarter to a sixteenth of the size and back."""

    def __init__(self, channels_in: int, widths: Widths) -> None:
        super().__init__()
        _, quarter, eighth, sixteenth = widths
        self.stem = nn.Conv2d(channels_in, quarter, 3, padding=1)
        self.down = nn.ModuleList((Block(quarter, quarter), Block(eighth, eighth)))
        self.shrink = nn.ModuleList(
            (nn.Conv2d(quarter, eighth, 2, stride=2), nn.Conv2d(eighth, sixteenth, 2, stride=2))
        )
        self.bottom = nn.Sequential(Block(sixteenth, sixteenth), Block(sixteenth, sixteenth))
        self.grow = nn.ModuleList(
            (nn.ConvTranspose2d(sixteenth, eighth, 2, stride=2), nn.ConvTranspose2d(eighth, quarter, 2, stride=2))
        )
        self.up = nn.ModuleList((Block(eighth, eighth), Block(quarter, quarter)))

    def forward(self, x: Tensor) -> Tensor:
        """Returns features at a quarter of the size."""
        quarter = self.down[0](self.stem(x))
        eighth = self.down[1](self.shrink[0](quarter))
        eighth = self.up[0](eighth + self.grow[0](self.bottom(self.shrink[1](eighth))))
        features: Tensor = self.up[1](quarter + self.grow[1](eighth))
        return features


class Matcher(nn.Module):
    """Disparity and visibility of both eyes; height and width are multiples of 16."""

    def __init__(self, channels_in: int, widths: Widths) -> None:
        super().__init__()
        half, quarter = widths.half, widths.quarter
        self.encoder = Encoder(channels_in, widths)
        self.hourglass = Hourglass(GROUPS * BINS + quarter + 2, widths)
        self.logits = nn.Conv2d(quarter, BINS, 3, padding=1)
        self.trust = nn.Conv2d(quarter, 2, 1)  # in a hint that both eyes name, and in one that was filled in
        self.convex_quarter = nn.Conv2d(quarter, 4 * 9, 1)
        samples = FINE_GROUPS * (2 * NEAR + 1)
        self.refine = nn.Sequential(
            nn.Conv2d(half // 2 + samples + 7, 32, 3, padding=1), Block(32, 32), Block(32, 32), nn.SiLU()
        )
        self.residual = nn.Conv2d(32, 1, 3, padding=1)
        self.seen = nn.Conv2d(32, 1, 3, padding=1)
        self.convex_half = nn.Conv2d(32, 4 * 9, 1)
        for layer in (self.residual, self.logits):
            nn.init.zeros_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        assert self.trust.bias is not None
        nn.init.constant_(self.trust.bias, 4.0)  # before it has learned anything, the hint is all there is

    def forward(self, clues: Clues) -> Found:
        """Returns disparities and visibilities from the clues of both eyes."""
        with fast_bf16(clues.eyes.device):
            half, features, descriptors = self.encoder(clues.eyes.contiguous(memory_format=torch.channels_last))
        own, other = as_eyes(_side_by_side(descriptors))
        own_features = as_eyes(_side_by_side(features))[0]
        low = clues.low // STEP
        volume = _volume(_grouped(own, GROUPS), _grouped(other, GROUPS), low, low + BINS - 1)
        hint, sure = as_eyes(clues.hint)[0], as_eyes(clues.agree)[0]
        place = hint[..., ::2, ::2] / (STEP / 2) - low  # in bins
        held = sure[..., ::2, ::2]
        parts = volume.flatten(1, 2), own_features, place / BINS - 0.5, held
        with fast_bf16(clues.eyes.device):
            context = self.hourglass(torch.cat(parts, 1).contiguous(memory_format=torch.channels_last))
            open_logits, trust = self.logits(F.silu(context)), self.trust(F.silu(context))
            weights = self.convex_quarter(F.silu(context))
        logits = open_logits.float().permute(0, 2, 3, 1) + SHARPNESS * volume.mean(1).permute(0, 2, 3, 1)
        firm, loose = F.softplus(trust.float() + 2).unbind(1)
        logits = logits + torch.where(held[:, 0] > 0, firm, loose)[..., None] * _hat(place[:, 0], BINS)
        bins = torch.arange(BINS, device=logits.device)
        beyond = (bins < clues.limits[0] / STEP - low - 1) | (bins > clues.limits[1] / STEP - low + 1)
        logits = logits.masked_fill(beyond, -1e4)
        quarter = _soft_argmax(logits) + low
        coarse = 2 * convex(quarter[:, None], weights.float())[:, 0]  # px at half size
        own_half, other_half = as_eyes(_side_by_side(half))
        refined = self._refined(own_half, other_half, coarse, hint, sure)
        return Found(logits, *refined, low)

    def _refined(
        self, own: Tensor, other: Tensor, coarse: Tensor, hint: Tensor, sure: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Disparity at half and full size, and the logit of visibility, from a disparity `(2B, H / 2, W / 2)`."""
        guess = coarse.detach()
        whole = guess.round()
        width = guess.shape[-1]
        column = torch.arange(width, device=guess.device) - whole
        mine, theirs = _grouped(own, FINE_GROUPS), _grouped(other, FINE_GROUPS).flatten(1, 2)
        looks = []
        for step in range(-NEAR, NEAR + 1):
            index = (column - step).clamp(0, width - 1).long()[:, None].expand_as(theirs)
            looks.append((mine * theirs.gather(3, index).unflatten(1, mine.shape[1:3])).sum(2))
        inside = ((column > -1) & (column < width)).float()[:, None]
        off = ((hint - whole[:, None]) / FAR_OFF).clamp(-1, 1)
        slope = F.pad(guess.diff(dim=-1), (0, 1)).clamp(-8, 8) / 4
        left, right = guess.chunk(2)
        apart = discrepancy(guess, torch.cat([right.flip(-1), left.flip(-1)])).clamp(max=FAR_OFF) / FAR_OFF
        more = off, sure, inside, (guess - whole)[:, None], slope[:, None], column[:, None] / width, apart[:, None]
        inputs = torch.cat([own.float(), *looks, *more], 1)
        with fast_bf16(own.device):
            features = self.refine(inputs.contiguous(memory_format=torch.channels_last))
            residual, seen = self.residual(features).float(), self.seen(features).float()
            weights = self.convex_half(features).float()
        half = coarse + residual[:, 0]
        return half, 2 * convex(half[:, None], weights)[:, 0], seen[:, 0]


def _side_by_side(eyes: Tensor) -> Tensor:
    """`(B, 2C, H, W)` of left eyes followed by right eyes `(2B, C, H, W)`, none of them mirrored."""
    return torch.cat(eyes.chunk(2), dim=1)


def _grouped(features: Tensor, groups: int) -> Tensor:
    """Unit vectors `(B, G, C / G, H, W)` float32."""
    vectors: Tensor = features.float().unflatten(1, (groups, -1))
    return F.normalize(vectors, dim=2)


def _volume(own: Tensor, other: Tensor, low: int, high: int) -> Tensor:
    """Cosines `(B, G, D, H, W)` of grouped descriptors."""
    batch, groups = own.shape[:2]
    cosines: Tensor = correlation(own.flatten(0, 1), other.flatten(0, 1), low, high).unflatten(0, (batch, groups))
    return cosines.permute(0, 1, 4, 2, 3)


def _hat(place: Tensor, count: int) -> Tensor:
    """`(B, H, W, D)`: 1 at a place in bins, 0 from one bin beside it on."""
    bins = torch.arange(count, device=place.device, dtype=place.dtype)
    return (1 - (bins - place[..., None]).abs()).clamp(min=0)


def _soft_argmax(logits: Tensor) -> Tensor:
    """The mean place `(B, H, W)` under the softmax of the `NEAR` logits on either side of the greatest."""
    best = logits.argmax(-1, keepdim=True)
    places = (best + torch.arange(-NEAR, NEAR + 1, device=logits.device)).clamp(0, logits.shape[-1] - 1)
    place: Tensor = (logits.gather(-1, places).softmax(-1) * places).sum(-1)
    return place


def convex(maps: Tensor, weights: Tensor) -> Tensor:
    """Returns maps `(B, 1, 2h, 2w)` of `(B, 1, h, w)`: each pixel a mean of the 3x3 around, by softmax of the weights.

    Args:
        maps: The maps.
        weights: `(B, 36, h, w)` logits, of 9 neighbours for each of 2x2 pixels.

    Example:
        >>> convex(torch.ones(1, 1, 2, 3), torch.zeros(1, 36, 2, 3)).shape
        torch.Size([1, 1, 4, 6])
    """
    padded = F.pad(maps, (1, 1, 1, 1), mode="replicate")
    height, width = maps.shape[-2:]
    around = torch.cat([padded[..., y : y + height, x : x + width] for y in range(3) for x in range(3)], 1)
    mixed = (weights.unflatten(1, (9, 4)).softmax(1) * around[:, :, None]).sum(1)
    return F.pixel_shuffle(mixed, 2)


def matching_loss(found: Found, disparity: Tensor, hidden: Tensor) -> Tensor:
    """Returns the loss of a match against the truth; 0 where none is known.

    Cross-entropy over the bins, .3 and .6 times the smooth L1 in px at half and at full size, up to `MOST`, hidden
    places included, and the cross-entropy of what the other eye sees.

    Args:
        found: What the network says.
        disparity: `(2B, H, W)` px of each eye in its own frame, NaN = unknown.
        hidden: `(2B, H, W)` bool, True where the other eye does not see the place.
    """
    first, last = STEP * found.low, STEP * (found.low + BINS - 1)
    known = disparity.isfinite() & (disparity >= first) & (disparity <= last)
    truth = torch.where(known, disparity, 0.0)

    column = torch.arange(truth.shape[-1], device=truth.device) - truth
    hidden = hidden | (known & ((column < -0.5) | (column > truth.shape[-1] - 0.5)))  # beyond the window's frame

    def mean(errors: Tensor, where: Tensor) -> Tensor:
        return (errors * where).sum() / where.sum().clamp(min=1)

    def distance(found: Tensor, step: int) -> Tensor:
        place = (..., slice(None, None, step), slice(None, None, step))
        error = F.smooth_l1_loss(step * found, truth[place], reduction="none").clamp(max=MOST)
        return mean(error, known[place])

    place = (truth[:, ::STEP, ::STEP] / STEP - found.low).clamp(0, BINS - 1)
    lower = place.floor().clamp(max=BINS - 2)
    chance = found.logits.log_softmax(-1)
    one, two = (chance.gather(-1, (lower.long() + step)[..., None])[..., 0] for step in (0, 1))
    share = place - lower
    entropy = mean((-((1 - share) * one + share * two)).clamp(max=12), known[:, ::STEP, ::STEP])
    told = (disparity.isfinite() | hidden)[:, ::2, ::2]
    seen = F.binary_cross_entropy_with_logits(found.seen, (~hidden[:, ::2, ::2]).float(), reduction="none")
    return entropy + 0.3 * distance(found.half, 2) + 0.6 * distance(found.disparity, 1) + mean(seen, told)
