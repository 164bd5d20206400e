"""Cross-view network: match the eyes along rows, warp the other eye's colours, refine the result.

A classical match that does not mind what colours the eyes show is a hint for a matching network, which says for every
place where the other eye shows it and whether it does. What the other eye shows there is warped over, what it does not
show is filled from beside it by the eye's own channel, and a U-Net corrects the result. The matching network learns
from true disparities and occlusions (`losses`), the U-Net from colours: no gradient passes between them.
"""

from typing import Literal, NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from restereo.imaging import matching
from restereo.imaging.rims import BLACK, black_rims
from restereo.imaging.stereo import SHARED_DETAIL, shared_detail
from restereo.layers.clues import CHANNELS as CLUES
from restereo.layers.clues import look, own_channels
from restereo.layers.correspondence import warp
from restereo.layers.match import Match, as_eyes, as_views, compared
from restereo.layers.matcher import BINS, STEP, Found, Matcher, Widths, matching_loss
from restereo.layers.propagation import fill_unseen
from restereo.layers.unet import UNetBody, pad_to_cells
from restereo.options import Section
from restereo.sample import Prediction, Sample

Size = Literal["tiny", "small", "base"]
Matching = Literal["network", "classical"]
Learns = Literal["both", "matching", "colours"]


class Shape(NamedTuple):
    """Channels of the matching network, and of each level of the U-Net that refines."""

    matching: Widths
    widths: tuple[int, ...]


class Warped(NamedTuple):
    """Each eye in its own frame, with what the other one knows of it, `(2B, 3, H, W)` each.

    Attributes:
        fused: Its own channels and the other's.
        filled: What stands in for the other's, as a difference to its own estimate, where they do not see it.
        clues: What else there is to refine it by.
    """

    fused: Tensor
    filled: Tensor
    clues: tuple[Tensor, ...]


CHANNELS = (12, 6)
"""What task `anaglyph` lifts an observation to; left RGB and right RGB."""
SIZES: dict[Size, Shape] = {
    "tiny": Shape(Widths(6, 8, 12, 16), (8, 16, 32)),
    "small": Shape(Widths(12, 24, 32, 48), (16, 32, 64, 128)),
    "base": Shape(Widths(24, 48, 64, 96), (32, 64, 128, 256)),
}
CELL = 16
"""Height and width that the matching network takes are multiples of it."""
SPAN = STEP * (BINS - 1)
"""Px between the least and the greatest disparity that are compared; wider scenes are matched on a smaller copy."""
NETWORK_PIXELS = 350_000
"""The matching network looks at a copy of this size of a larger picture."""
SEEN = 0.75
"""Chance that the other eye sees a place from which its colours are taken: where they are not, they are filled from
beside it; where they should not have been, they are a ghost (settled on validation scenes)."""
LIKELY = 0.3
"""The same chance where both eyes also name one disparity to OpenCV."""
FAR_OFF = 16.0
"""Px by which OpenCV's disparity may differ from the network's and still be the better one."""
LEAST_CONTRAST = 0.5
"""Codes of standard deviation under which an eye shows nothing to match."""
LOWEST = (-60, -8)
"""Px between which the least disparity lies in training."""


class Parallax(nn.Module):
    """The network; any height and width."""

    def __init__(self, shape: Shape, matching: Matching, learns: Learns) -> None:
        super().__init__()
        self.matching, self.learns = matching, learns
        if matching == "network":
            self.matcher = Matcher(CLUES, shape.matching)
        self.body = UNetBody(18, 3, shape.widths)

    def forward(self, x: Tensor, match: Match | None = None, refinement: Tensor | None = None) -> Prediction:
        """Returns both views `(B, 6, H, W)` with disparity and confidence.

        Args:
            x: `(B, 12, H, W)`: the linear estimate of both views, and the standard deviation of each of its channels.
            match: What is known of these rows already; by default they are matched here.
            refinement: Likewise what `refinement` adds to them, `(B, 6, H, W)`.
        """
        height, width = x.shape[-2:]
        found = None
        if match is None:
            found, match = self.learn_match(x) if self.training else (None, self.match(x))
        if refinement is not None:
            correction, filled = refinement.split(6, dim=1)
            image = as_views(self.warped(x, match, as_eyes(filled)[0]).fused) + correction
        elif self.training and self.learns == "matching":
            image = as_views(self.warped(x, match).fused)
        else:
            image = self.colour(x, match)
        here = match.window(0, height, width)
        return Prediction(image, here.disparity, self.confidence(here), found)

    def confidence(self, match: Match) -> Tensor:
        """Returns the chance that a match is right `(B, 2, H, W)`; 0 where colours are invented."""
        return match.agreement * match.support

    def colour(self, x: Tensor, match: Match) -> Tensor:
        """Returns both views `(B, 6, H, W)`: the other eye's channels warped, and the result refined."""
        warped = self.warped(pad_to_cells(x, self.body.cell), match)
        views = as_views(warped.fused + self.correction(warped))
        return views[..., : x.shape[-2], : x.shape[-1]]

    @torch.no_grad()
    def refinement(self, x: Tensor, match: Match) -> Tensor:
        """Returns `(B, 12, H, W)`, smooth, so that it can be enlarged.

        Six channels that `colour` adds to what is warped, and six that stand in, as differences to the eye's own linear
        estimate, for what the other eye does not see.
        """
        warped = self.warped(pad_to_cells(x, self.body.cell), match)
        both = torch.cat([as_views(self.correction(warped)), as_views(warped.filled)], dim=1)
        return both[..., : x.shape[-2], : x.shape[-1]]

    def correction(self, warped: Warped) -> Tensor:
        """Returns the correction of each eye `(2B, 3, H, W)`."""
        clues = torch.cat([warped.fused, *warped.clues], dim=1)
        correction: Tensor = self.body(clues.contiguous(memory_format=torch.channels_last))
        return correction

    def warped(self, x: Tensor, match: Match, filled: Tensor | None = None) -> Warped:
        """Returns each eye with what the other knows of it.

        Args:
            x: `(B, 12, H, W)`.
            match: Of the same rows.
            filled: `(2B, 3, H, W)` of each eye, if that is known.
        """
        own, other = as_eyes(x[:, :6])
        own_spread, other_spread = as_eyes(x[:, 6:])
        disparity, agreement, support = (as_eyes(one)[0] for one in match.window(0, *x.shape[-2:]))
        difference = warp(other, disparity[:, 0]) - own
        if filled is None:
            # A black rim stays black: it is known by what its eye shows there, and by nothing to support it.
            rim = (support == 0) & (compared(own, own_spread)[:, None] <= BLACK / 255)
            filled = torch.where(rim, -own, fill_unseen(difference, agreement))
        difference = torch.where(agreement > 0, difference, filled)  # what hides a place lends it no colour
        share = own_spread.square() / (own_spread.square() + other_spread.square() + 1e-6)
        hints = own_spread, other_spread, agreement, support, share.mean(1, keepdim=True)
        return Warped(own + share * difference, filled, (own, own + difference, *hints))

    def learn_match(self, x: Tensor) -> tuple[Found | None, Match]:
        """Returns what `losses` judges, and the match it leads to."""
        if self.matching == "classical" or self.learns == "colours":
            return None, self.match(x)
        low = STEP * (int(torch.randint(LOWEST[0], LOWEST[1], ()).item()) // STEP)
        found = self.matcher(look(pad_to_cells(x, CELL), low, (low, low + SPAN)))
        with torch.no_grad():
            return found, settled(found).window(0, *x.shape[-2:])

    @torch.no_grad()
    def match(self, x: Tensor) -> Match:
        """Returns the match of whole pictures `(B, 12, H, W)`; the range of disparities is found."""
        parts = [self._match(picture) for picture in x.split(1)]
        return Match(*(torch.cat(maps) for maps in zip(*parts, strict=True)))

    def _match(self, x: Tensor) -> Match:
        left, right = own_channels(x)[0]
        height, width = left.shape
        nothing = x.new_zeros(1, 2, height, width)
        limits = None
        if min(left.std(), right.std()) >= LEAST_CONTRAST:
            limits = matching.disparity_range(left, right)
        if limits is None:
            return Match(nothing, nothing, nothing)
        if self.matching == "classical":
            found = matching.match_channels(matching.structure(left), matching.structure(right), *limits)
            agree = torch.from_numpy(found.agree).to(x)[None]
            return Match(torch.from_numpy(found.maps).to(x)[None], agree, agree)
        match = outside_rims(self._settled(x, limits), left, right)
        return match if shared_detail(left, right) > SHARED_DETAIL else sharpened(match, left, right, limits)

    def _settled(self, x: Tensor, limits: tuple[int, int]) -> Match:
        """What the network says of a picture in a range of disparities; on a smaller copy, where that is too wide."""
        height, width = x.shape[-2:]
        scale = min(1.0, (SPAN - 2 * STEP) / (limits[1] - limits[0]), (NETWORK_PIXELS / (height * width)) ** 0.5)
        if scale < 1:
            small = F.interpolate(x, scale_factor=scale, mode="bilinear", antialias=True)
            scale = small.shape[-1] / width
            near = int(np.floor(limits[0] * scale)), int(np.ceil(limits[1] * scale))
            return self._settled(small, near).resized(height, width)
        low = STEP * (limits[0] // STEP)
        return settled(self.matcher(look(pad_to_cells(x, CELL), low, limits))).window(0, height, width)

    def losses(self, prediction: Prediction, sample: Sample) -> Tensor:
        """Returns the loss of the matching (`matching_loss`); 0 where no disparity is known."""
        found = prediction.scores
        if found is None:
            return prediction.image.new_zeros(())
        assert sample.disparity is not None and sample.occlusion is not None
        extra = [
            cells - size for cells, size in zip(found.disparity.shape[-2:], sample.disparity.shape[-2:], strict=True)
        ]
        truth = F.pad(sample.disparity, (0, extra[1], 0, extra[0]), value=torch.nan)
        hidden = F.pad(sample.occlusion, (0, extra[1], 0, extra[0]))
        return matching_loss(found, as_eyes(truth)[0][:, 0], as_eyes(hidden)[0][:, 0])


def settled(found: Found) -> Match:
    """Returns the match that follows: the other eye sees what it quite surely does, within its frame."""
    seen = F.interpolate(torch.sigmoid(found.seen)[:, None], scale_factor=2, mode="bilinear", align_corners=False)
    width = found.disparity.shape[-1]
    column = torch.arange(width, device=seen.device) - found.disparity
    seen = seen * ((column >= -0.5) & (column <= width - 0.5))[:, None]
    return Match(*(as_views(one) for one in (found.disparity[:, None], (seen > SEEN).float(), seen)))


def outside_rims(match: Match, left: matching.Eye, right: matching.Eye) -> Match:
    """Returns the match with nothing seen in black rims (`imaging.rims`), nor in what would be seen there.

    Args:
        match: Of one picture, `(1, 2, H, W)`.
        left: `(H, W)` in [0, 255], what the left eye is compared by.
        right: The right eye's.
    """
    rims = np.stack([black_rims(eye) for eye in (left, right)])
    if not rims.any():
        return match
    own, other = as_eyes(torch.from_numpy(rims).to(match.disparity)[None])
    hidden = as_views(torch.maximum(own, warp(other, as_eyes(match.disparity)[0][:, 0])))
    return match._replace(agreement=match.agreement * (hidden == 0), support=match.support * (hidden == 0))


def sharpened(match: Match, left: matching.Eye, right: matching.Eye, limits: tuple[int, int]) -> Match:
    """Returns the match with OpenCV's disparities, exact to a fraction of a px, where both eyes name them.

    Where the network says quite another, it is believed. For pictures whose eyes do not share their finest detail: in
    JPEG 4:2:0 that matches at no disparity at all.

    Args:
        match: Of one picture, `(1, 2, H, W)`.
        left: `(H, W)` in [0, 255], what the left eye is compared by.
        right: The right eye's.
        limits: Least and greatest disparity in px.
    """
    found = matching.match_channels(
        matching.structure(left), matching.structure(right), *limits, cv2.STEREO_SGBM_MODE_SGBM_3WAY
    )
    maps = torch.from_numpy(found.maps)[None].to(match.disparity)
    near = (maps - match.disparity).abs() < FAR_OFF
    agree = torch.from_numpy(found.agree)[None].to(maps.device) & near
    disparity = torch.where(agree, maps, match.disparity)
    seen = (match.agreement > 0) | (agree & (match.support > LIKELY))
    return match._replace(disparity=disparity, agreement=seen.to(maps))


class Options(Section):
    """What a recipe's `model_options` may say.

    Attributes:
        size: `tiny` (for tests), `small` or `base`.
        matching: By the matching network, or by OpenCV on the eyes' structure alone (`classical`).
        learns: What a training moves: the matching network, the U-Net that refines the colours, or both.
    """

    size: Size = "base"
    matching: Matching = "network"
    learns: Learns = "both"


def build(channels_in: int, channels_out: int, options: Options) -> Parallax:
    """Returns a cross-view network with random weights from torch's generator.

    Example:
        >>> build(12, 6, Options(size="tiny")).eval()(torch.zeros(1, 12, 7, 5)).image.shape
        torch.Size([1, 6, 7, 5])
    """
    return Parallax(SIZES[options.size], options.matching, options.learns)
