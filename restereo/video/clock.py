"""One clock for all packets of a film: it never restarts, and no packet of sound or subtitles is without a time."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

TS_DISCONT = 0x200
"""AVFMT_TS_DISCONT: a container, such as MPEG-TS or a DVD's, whose clock may restart."""
BACK, FORTH = Fraction(1, 10), 10
"""Seconds by which a time may differ from what the packet before lets expect; ffmpeg's (`ts_discontinuity_detect`)."""


def fraction(value: Any) -> Fraction | None:
    """Returns a rate or time base of `av` as a fraction; None where it is not known.

    Unknown is None in `av` 18 and an `AVRational` that is false, such as 0/1, since 19.

    Example:
        >>> fraction(Fraction(24000, 1001)), fraction(None), fraction(Fraction(0))
        (Fraction(24000, 1001), None, None)
    """
    return Fraction(value.numerator, value.denominator) if value else None


@dataclass
class _Stream:
    epoch: int = 0
    expected: Fraction | None = None


@dataclass
class Clock:
    """Moves packets, given in the order of their file, to where they are shown if no clock had restarted.

    Where a restarting clock jumps, all streams go on from where the first one of them was, so that sound stays with its
    pictures. Each stream passes a jump at its own packet: packets of before may lie behind it.

    Attributes:
        restarts: Whether the container's clock may.
    """

    restarts: bool
    begin: Fraction = Fraction(0)
    """Seconds at which the first packet comes; one without a time is taken to come then."""
    epochs: list[Fraction] = field(default_factory=lambda: [Fraction(0)])
    """Seconds to add to times after as many jumps."""
    streams: dict[int, _Stream] = field(default_factory=dict)

    @staticmethod
    def of(container: Any) -> "Clock":
        """Returns the clock of a container of `av`, at its beginning."""
        said, unit = Fraction(container.start_time or 0, 1_000_000), Fraction(1, 1_000_000)
        exact = [
            s.start_time * base
            for s in container.streams
            if s.start_time is not None and (base := fraction(s.time_base))
        ]
        begin = min((at for at in exact if abs(at - said) < unit), default=said)  # the container rounds to microseconds
        return Clock(bool(container.format.flags & TS_DISCONT), begin)

    def set(self, packet: Any) -> None:
        """Sets a packet's times. Of pictures a missing `pts` stays so: their decoder knows in which order they are."""
        kind, base = packet.stream.type, packet.time_base
        stream = self.streams.setdefault(packet.stream.index, _Stream())
        given = packet.dts if packet.dts is not None else packet.pts
        if given is None:
            packet.dts = round((self.begin if stream.expected is None else stream.expected) / base)
        elif self.restarts:
            ticks = round(self._offset(stream, given * base, follows=kind in {"audio", "video"}) / base)
            packet.dts = None if packet.dts is None else packet.dts + ticks
            packet.pts = None if packet.pts is None else packet.pts + ticks
        if kind != "video":
            packet.pts = packet.dts if packet.pts is None else packet.pts
            packet.dts = packet.pts if packet.dts is None else packet.dts
        at = packet.dts if packet.dts is not None else packet.pts
        stream.expected = (at + (packet.duration or 0)) * base

    def epoch(self, index: int) -> int:
        """Returns how often the clock has restarted where a stream is now."""
        return self.streams[index].epoch if index in self.streams else 0

    def _offset(self, stream: _Stream, at: Fraction, follows: bool) -> Fraction:
        """Seconds to add to a time of a stream that `follows` the clock; subtitles, which come now and then, do not."""
        latest = len(self.epochs) - 1
        if not follows or stream.expected is None:
            stream.epoch = latest
        else:
            known = range(stream.epoch, latest + 1)
            plausible = (e for e in known if -BACK < at + self.epochs[e] - stream.expected <= FORTH)
            stream.epoch = next(plausible, latest + 1)
            if stream.epoch > latest:
                self.epochs.append(stream.expected - at)
        return self.epochs[stream.epoch]


def missing(times: ArrayLike, end: float | None = None) -> tuple[int, float]:
    """Returns how many frames a film of a constant rate lacks, and when the first of them was to be shown.

    A film's rate is constant if at least four of five frames follow each other at the same distance, within a tenth.

    Args:
        times: `(N,)` when its frames are shown, in any unit.
        end: When the last one is no longer shown; None = it is not known.

    Example:
        >>> missing([0, 40, 80, 120, 160, 200, 320, 360]), missing([0, 10, 50, 60, 200])
        ((2, 240.0), (0, 0.0))
    """
    known = np.asarray(times, np.float64)
    steps = np.diff(known)
    usual = float(np.median(steps)) if steps.size else 0.0
    if usual <= 0 or (np.abs(steps - usual) <= max(1.0, usual / 10)).mean() < 4 / 5:
        return 0, 0.0
    lost = np.rint(np.diff(known, append=known[-1] + usual if end is None else end) / usual).astype(int) - 1
    places = np.flatnonzero(lost > 0)
    return int(lost[places].sum()), float(known[places[0]] + usual) if places.size else 0.0
