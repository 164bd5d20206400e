"""Frame after frame through a network, disparities and colours held steady; and a measure of how steady they are.

Every frame is matched and coloured anew, and each answer is a little different: seen one after the other they flicker.
So what was known of a point is brought along its motion, and the new answer is drawn towards it as far as the point
looks as it did. Where the motion is not found, and at cuts, nothing is kept.
"""

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from restereo.image import Picture
from restereo.imaging.metrics import missing_channels, missing_psnr
from restereo.imaging.resampling import reduced
from restereo.inference import full_size
from restereo.inference.devices import memory_of
from restereo.inference.engine import Restorer
from restereo.layers import projection
from restereo.layers.match import Match
from restereo.methods import AnaglyphMethod
from restereo.progress import shown
from restereo.sample import HasMatch, Operator, Prediction
from restereo.tasks import to_picture, to_tensor
from restereo.video.reader import WHOLE, Film, TimeRange, frames
from restereo.video.segments import State

Grey = NDArray[np.uint8]
Array = NDArray[np.float32]

FRAME_PIXELS = 640 * 360
"""Larger frames are matched and refined on a copy of this size."""
LOSSY = 85
"""Films are lossy, with colours at half the size, like JPEG files of this quality."""
FLOW_WIDTH = 480
"""Motion is looked for on a picture of at most this width, by dense inverse search (Kroeger et al. 2016)."""
NOISE = 10.0
"""Codes by which a pixel may differ from where it came from and still be half trusted: grain and coding."""
CUT_SHARE = 0.3
"""Where less than this share of a frame is found in the one before, a new scene has begun."""
STEP = 0.3
"""Share of a new disparity, where it is close to the old one."""
CLOSE = 0.002
"""Share of the width by which a disparity may change from frame to frame and still be the same, besides 1 px."""
KEPT = 0.85
"""What agreement is multiplied by for each frame in which it is only remembered."""
HOLD = 0.8
"""Share of the old colour, where the film did not change."""
SIGMA = 3.0
"""Px over which differences of colour are evened out: what flickers is blotches, and detail must stay that of now."""


@dataclass(frozen=True)
class Motion:
    """Where each pixel of all V views was before, `(V, H, W, 2)` px, and how sure that is, `(V, H, W)` in [0, 1]."""

    flow: Array
    trusted: Array

    @property
    def found(self) -> float:
        """Share of the pixels whose motion is trusted, in [0, 1]."""
        return float((self.trusted > 0.5).mean())


def optical_flow(now: Grey, before: Grey) -> Array:
    """Returns `(H, W, 2)` px: pixel (x, y) now was at (x, y) + motion before.

    Args:
        now: `(H, W)` uint8.
        before: Likewise.

    Example:
        >>> wall = cv2.resize(np.random.default_rng(0).integers(0, 256, (20, 30), np.uint8), (120, 80))
        >>> flow = optical_flow(wall[:, 4:104], wall[:, :100])  # what is at x now was at x + 4 before
        >>> bool(np.abs(np.median(flow[..., 0]) - 4) < 0.5)
        True
    """
    height, width = now.shape
    scale = min(1.0, FLOW_WIDTH / width)
    size = max(16, round(width * scale)), max(16, round(height * scale))
    small = [cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (now, before)]
    searcher = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    found = searcher.calc(small[0], small[1], np.zeros((size[1], size[0], 2), np.float32))
    large = np.asarray(cv2.resize(found, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    flow: Array = large * np.array([width / size[0], height / size[1]], np.float32)
    return flow


def warp(image: NDArray[np.float32], flow: Array, smooth: bool = True) -> NDArray[np.float32]:
    """Returns the image `(H, W)` or `(H, W, C)` float32 of before, laid on now; at the border it is repeated.

    Args:
        image: Of before.
        flow: From `optical_flow`.
        smooth: Whether to interpolate; a map of classes, or of disparities with edges, is not to be.

    Example:
        >>> warp(np.array([[1.0, 2.0, 3.0]], np.float32), np.ones((1, 3, 2), np.float32) * [1, 0]).tolist()
        [[2.0, 3.0, 3.0]]
    """
    height, width = image.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    place = columns + flow[..., 0].astype(np.float32), rows + flow[..., 1].astype(np.float32)
    how = cv2.INTER_LINEAR if smooth else cv2.INTER_NEAREST
    return np.asarray(cv2.remap(image, *place, how, borderMode=cv2.BORDER_REPLICATE), np.float32)


def trust(now: Grey, before: Grey, flow: Array) -> NDArray[np.float32]:
    """Returns `(H, W)` in [0, 1]: how well what was before, moved, is what is now.

    Example:
        >>> still = np.zeros((16, 16, 2), np.float32)
        >>> dark, light = np.zeros((16, 16), np.uint8), np.full((16, 16), 99, np.uint8)
        >>> float(trust(dark, dark, still).min()), float(trust(dark, light, still).max()) < 0.01
        (1.0, True)
    """
    off = now.astype(np.float32) - warp(before.astype(np.float32), flow)
    around = np.asarray(cv2.GaussianBlur(off * off, (0, 0), 1.5), np.float32)
    return np.asarray(np.exp2(-around / NOISE**2), np.float32)


def motion_between(now: Grey, before: Grey) -> Motion | None:
    """Returns the motion of all views `(V, H, W)` uint8, or None at a cut.

    Example:
        >>> still = np.tile(np.arange(64, dtype=np.uint8) * 3, (2, 32, 1))
        >>> motion_between(still, still) is None, motion_between(still, 255 - still) is None
        (False, True)
    """
    flow = np.stack([optical_flow(*pair) for pair in zip(now, before, strict=True)])
    trusted = np.stack([trust(*trio) for trio in zip(now, before, flow, strict=True)])
    motion = Motion(flow, trusted)
    return None if motion.found < CUT_SHARE else motion


def observed_views(observed: Tensor, operator: Operator) -> Grey:
    """Returns `(V, H, W)` uint8: what is observed of each view, its channels weighted by how surely they are known.

    Args:
        observed: `(1, C, H, W)` in [0, 1].
        operator: What it is of V views, of three channels each.

    Example:
        >>> grey = Operator(torch.full((1, 1, 3), 1 / 3), torch.tensor([False]), torch.ones(1, 1))
        >>> observed_views(torch.full((1, 1, 2, 4), 0.4), grey).shape
        (1, 2, 4)
    """
    views = projection.linear_estimate(observed, operator)[0].unflatten(0, (-1, 3))
    spread = projection.estimate_spread(operator).reshape(-1, 3, 1, 1)
    sure = 1 / (spread.square() + 1e-3)
    grey = (views * sure).sum(1) / sure.sum(1)
    codes: Grey = grey.mul(255).round().clamp(0, 255).byte().numpy(force=True)
    return codes


def filter_match(new: Match, old: Match, motion: Motion) -> Match:
    """Returns the match of now, drawn towards that of before.

    Close disparities are mixed. Of two that differ, the one that both eyes agree on counts; if both do, the new one. An
    agreement that is missing now is remembered for some frames.

    Args:
        new: `(1, 2, H, W)` each.
        old: Likewise, of the frame before.
        motion: The motion since.
    """
    one = [_numpy(part) for part in new]
    was = [_warped(_numpy(part), motion) for part in old]
    sure = motion.trusted > 0.5
    close = np.abs(one[0] - was[0]) <= max(1.0, CLOSE * one[0].shape[-1])
    remembered = was[1] * KEPT
    agrees, agreed = one[1] > 0.5, remembered > 0.5
    mixed = was[0] + STEP * (one[0] - was[0])
    disparity = np.where(sure & (close | ~agrees & ~agreed), mixed, one[0])
    keep = sure & ~close & ~agrees & agreed
    disparity = np.where(keep, was[0], disparity)
    agreement = np.where(agrees, 1.0, np.where(sure & agreed, remembered, 0.0))
    support = np.where(keep, was[2], one[2])
    return Match(*(torch.from_numpy(part.astype(np.float32))[None] for part in (disparity, agreement, support)))


def filter_colors(new: Tensor, old: Tensor, motion: Motion) -> Tensor:
    """Returns the views `(1, 3V, H, W)` of now, their colours drawn towards those of before; detail stays that of now.

    Args:
        new: `(1, 3V, H, W)` in [0, 1].
        old: Likewise, of the frame before.
        motion: The motion since.
    """
    now, before = (x[0].numpy(force=True) for x in (new, old))
    steadied = []
    for eye, trusted in enumerate(motion.trusted):
        own = slice(3 * eye, 3 * eye + 3)
        views = [np.ascontiguousarray(x[own].transpose(1, 2, 0)) for x in (now, before)]
        change = warp(views[1], motion.flow[eye]) - views[0]
        weight = cv2.GaussianBlur(trusted, (0, 0), SIGMA)
        even = cv2.GaussianBlur(change * trusted[..., None], (0, 0), SIGMA) / (weight + 1e-3)[..., None]
        steadied.append(views[0] + HOLD * trusted[..., None] * even)
    both = np.concatenate(steadied, axis=2).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(both)).clamp(0, 1)[None]


def _numpy(part: Tensor) -> Array:
    array: Array = part[0].numpy(force=True)
    return array


def _warped(maps: Array, motion: Motion) -> Array:
    pairs = zip(maps, motion.flow, strict=True)
    return np.stack([warp(np.ascontiguousarray(one), flow, smooth=False) for one, flow in pairs])


@dataclass
class Memory:
    """What is remembered of the frame before.

    Attributes:
        eyes: `(V, H, W)` uint8, like all of it of the copy that is matched.
        views: `(3V, H, W)` uint8.
        match: The steadied match, or None if the network matches nothing.
    """

    eyes: Grey
    views: NDArray[np.uint8]
    match: Match | None = None

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Returns all of it, to be written to a file."""
        parts = {} if self.match is None else {name: _numpy(part) for name, part in self.match._asdict().items()}
        return {"eyes": self.eyes, "views": self.views, **parts}

    @staticmethod
    def of(arrays: dict[str, NDArray[Any]]) -> "Memory | None":
        """Returns what `arrays` gave, or None if there was nothing yet."""
        if "eyes" not in arrays:
            return None
        parts = [torch.from_numpy(arrays[name].copy())[None] for name in Match._fields if name in arrays]
        return Memory(arrays["eyes"], arrays["views"], Match(*parts) if parts else None)


Past = tuple[Memory, Motion]


class FrameRestorer:
    """Restores one frame after the other and remembers the last one: a `FrameMaker`.

    Attributes:
        motion: From the frame before to the last one, None at a cut.
    """

    def __init__(
        self,
        restorer: Restorer,
        method: AnaglyphMethod | None = None,
        *,
        steady: bool = True,
        invent_color: bool = False,
        show: Callable[[Picture, Prediction], Picture] = lambda restored, _: restored,
    ) -> None:
        """Starts at the beginning of a scene.

        Args:
            restorer: The network.
            method: Of an anaglyph film; None for a task of single pictures.
            steady: Whether to hold disparities and colours steady; without, every frame is a picture of its own.
            invent_color: Whether the views of a grey anaglyph get colours.
            show: Makes the new film's picture of what is restored `(H, W, K)` uint8.
        """
        self.restorer, self.method, self.steady, self.show = restorer, method, steady, show
        self.grey = method is not None and method.is_grey and not invent_color
        self.memory: Memory | None = None
        self.motion: Motion | None = None

    def __call__(self, picture: Picture) -> Picture:
        """Returns the picture that is shown of the next frame `(H, W, C)` uint8."""
        return self.show(*self.restore(picture))

    def restore(self, picture: Picture) -> tuple[Picture, Prediction]:
        """Returns what is restored of the next frame, `(H, W, K)` uint8, and all that the network says of it.

        What a network that matches says is of a copy of a large frame.
        """
        restorer, task = self.restorer, self.restorer.task
        observation = task.accept(picture, self.method, LOSSY)
        operator = task.operator(observation).to(restorer.device)
        matches = isinstance(restorer.model, HasMatch) and task.scale == 1
        scale = math.sqrt(FRAME_PIXELS / (picture.shape[0] * picture.shape[1])) if matches else 1.0
        copy = reduced(torch.from_numpy(observation.picture).permute(2, 0, 1)[None], min(1.0, scale))
        observed = copy.to(restorer.device).float() / 255
        with torch.inference_mode(), memory_of(restorer.device, "a frame of the film"):
            eyes = observed_views(observed, operator)
            before = self.memory if self.steady else None
            self.motion = None if before is None else motion_between(eyes, before.eyes)
            past = None if before is None or self.motion is None else (before, self.motion)
            finish = self._matched if matches else self._restored
            restored, views, match, answer = finish(observation.picture, observed, operator, past)
        self.memory = Memory(eyes, to_picture(views).transpose(2, 0, 1).copy(), match)
        return restored, answer

    def _matched(
        self, picture: Picture, observed: Tensor, operator: Operator, past: Past | None
    ) -> tuple[Picture, Tensor, Match, Prediction]:
        """By a network that matches: all that changes slowly is found, and held steady, on the copy."""
        restorer = self.restorer
        model: Any = restorer.model
        lifted = restorer.task.lift(observed, operator)
        match: Match = model.match(lifted)
        if past is not None and past[0].match is not None:
            match = filter_match(match, past[0].match, past[1])
        # Networks know an agreement as 0 or 1.
        known = match._replace(agreement=(match.agreement > 0.5).float())
        known = Match(*(part.to(restorer.device) for part in known))
        refinement = model.refinement(lifted, known)
        answer: Prediction = model(lifted, known, refinement)
        views = answer.image
        if past is not None:
            held = filter_colors(views, torch.from_numpy(past[0].views)[None].float() / 255, past[1]).to(views)
            refinement = torch.cat([refinement[:, :6] + held - views, refinement[:, 6:]], dim=1)
            views = held
        found = known.disparity, known.agreement, refinement
        disparity, agreement, refined = (one[0].float().numpy(force=True) for one in found)
        mixing = full_size.mixing_of(operator, restorer.calibration, 256, self.grey)
        findings = full_size.Findings(disparity, agreement, refined, picture.shape[1], picture.shape[0])
        both, _ = full_size.restore(picture, mixing, findings, torch.get_num_threads())
        restored = np.concatenate(list(both), axis=2)
        return restored, views, match, answer

    def _restored(
        self, _: Picture, observed: Tensor, operator: Operator, past: Past | None
    ) -> tuple[Picture, Tensor, None, Prediction]:
        """By a network of single pictures."""
        restorer, task = self.restorer, self.restorer.task
        answer = restorer(observed, operator)
        if past is not None:
            held = filter_colors(answer.image, torch.from_numpy(past[0].views)[None].float() / 255, past[1])
            held = task.project(held.to(restorer.device), observed, operator, restorer.calibration, answer.confidence)
            answer = replace(answer, image=held)
        return to_picture(answer.image), answer.image, None, answer

    def state(self) -> State:
        """Returns what it remembers."""
        return self.memory.arrays() if self.memory and self.steady else {}

    def resume(self, state: State) -> None:
        """Makes it remember this."""
        self.memory = Memory.of(state)


def maps_at(answer: Prediction, height: int, width: int) -> tuple[Array | None, Array | None]:
    """Returns disparity in px and confidence of both eyes, `(2, H, W)` each, at the size of the frame; None without."""
    if answer.disparity is None or answer.confidence is None:
        return None, None
    disparity, confidence = (
        full_size.enlarged(one[0].float().numpy(force=True), height, width)
        for one in (answer.disparity, answer.confidence)
    )
    return disparity * np.float32(width / answer.disparity.shape[-1]), confidence


@dataclass(frozen=True)
class Flicker:
    """Means over the frames of a film.

    Attributes:
        color: Mean |change| in codes of what was recovered, along the film's own motion; None where none was found,
            because every frame begins a scene.
        disparity: Likewise of the disparities, in px; None if the network matches nothing.
        psnr: Of the recovered channels against the true film, dB; None without one.
    """

    color: float | None
    disparity: float | None = None
    psnr: float | None = None


def measure(
    restorer: Restorer,
    method: AnaglyphMethod | None,
    film: Film,
    time_range: TimeRange = WHOLE,
    count: int = 24,
    truth: Film | None = None,
) -> dict[str, Flicker]:
    """Returns the figures of the same frames restored one by one, and held steady; and of the truth, if it is given.

    All three are judged along the motion in the film itself.

    Args:
        restorer: The network.
        method: Of an anaglyph film; None for a task of single pictures, such as colorization.
        film: The film to restore.
        time_range: Where to look.
        count: How many frames to look at.
        truth: The film that it was made of; of an anaglyph both views, left and right side by side.
    """
    runs = {name: FrameRestorer(restorer, method, steady=name == "steady") for name in ("frame by frame", "steady")}
    eyes_before: Grey | None = None
    several: dict[str, list[Flicker]] = {name: [] for name in (*runs, *(["truth"] if truth else []))}
    before: dict[str, tuple[Picture, Array | None]] = {}
    hidden = None if method is None else missing_channels(method)
    hidden = np.ones(restorer.task.channels_out, np.bool_) if hidden is None else hidden
    true_frames = frames(truth, time_range) if truth else itertools.repeat(None)
    looked = zip(range(count), frames(film, time_range), true_frames, strict=False)
    for _, frame, true_frame in shown(looked, "Measuring", count, "frames"):
        picture, answers = frame.image(), dict[str, tuple[Picture, Array | None]]()
        for name, run in runs.items():
            views, prediction = run.restore(picture)
            answers[name] = views, maps_at(prediction, *picture.shape[:2])[0]
        if true_frame is not None:
            pair = np.split(true_frame.image(), restorer.task.channels_out // 3, axis=1)
            answers["truth"] = np.concatenate(pair, axis=2), None
        observation = restorer.task.accept(picture, method, LOSSY)
        eyes = observed_views(to_tensor(observation.picture), restorer.task.operator(observation))
        motion = None if eyes_before is None else motion_between(eyes, eyes_before)
        eyes_before = eyes
        if motion is not None:
            for name, (views, disparity) in answers.items():
                old_views, old_disparity = before[name]
                color = _change(views.astype(np.float32), old_views.astype(np.float32), motion, hidden)
                compared = true_frame is not None and name != "truth"
                score = missing_psnr(views, answers["truth"][0], hidden) if compared else None
                several[name].append(Flicker(color, _disparity_change(disparity, old_disparity, motion), score))
        before = answers
    return {name: _mean(some) for name, some in several.items()}


def _change(now: Array, before: Array, motion: Motion, hidden: NDArray[np.bool_]) -> float | None:
    """Mean |now - before| of the hidden channels, along the motion, where it is trusted; None if it is nowhere."""
    total = number = 0.0
    for eye, (flow, trusted) in enumerate(zip(motion.flow, motion.trusted, strict=True)):
        own = [channel for channel in range(3 * eye, 3 * eye + 3) if hidden[channel]]
        if own:
            warped = warp(np.ascontiguousarray(before[..., own]), flow).reshape(*flow.shape[:2], -1)
            off = np.abs(now[..., own] - warped).mean(axis=2)
            total, number = total + float(off[trusted > 0.5].sum()), number + float((trusted > 0.5).sum())
    return total / number if number else None


def _disparity_change(now: Array | None, before: Array | None, motion: Motion) -> float | None:
    if now is None or before is None:
        return None
    changed = np.abs(now - _warped(before, motion))[motion.trusted > 0.5]
    return float(changed.mean()) if changed.size else None


def _mean(several: list[Flicker]) -> Flicker:
    def mean(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return float(np.mean(known)) if known else None

    columns = zip(*(astuple(one) for one in several), strict=True) if several else [(), (), ()]
    return Flicker(*(mean(column) for column in columns))
