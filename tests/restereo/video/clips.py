"""Short films for tests, made here: a moving texture, sound, subtitles, uneven times."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np

from restereo.image import Picture
from restereo.imaging.color import luma
from restereo.inference.engine import Restorer

SIZE = 96, 64
TIMES = [0, 40, 80, 140, 150, 230, 270, 330, 400, 410, 450, 500, 560, 600, 640, 700, 790, 800, 840, 900, 960, 1000]
"""Milliseconds at which frames are shown: a variable rate."""


def wall(seed: int = 0) -> Picture:
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 48, 3), np.uint8)
    return np.asarray(cv2.resize(coarse, (4 * SIZE[0], SIZE[1]), interpolation=cv2.INTER_CUBIC), np.uint8)


def view(number: int, seed: int = 0, disparity: int = 0) -> Picture:
    """What a camera that moves 2 px a frame sees, shifted by a disparity."""
    left = 20 + 2 * number + disparity
    return np.ascontiguousarray(wall(seed)[:, left : left + SIZE[0]])


def anaglyph(number: int, seed: int = 0) -> Picture:
    made = view(number, seed, 4).copy()
    made[..., 0] = view(number, seed)[..., 0]
    return made


def grey(number: int, seed: int = 0) -> Picture:
    return luma(view(number, seed)).repeat(3, axis=2)


def make(
    file: Path,
    times: list[int] = TIMES,
    *,
    sound: bool = True,
    subtitles: bool = False,
    show: Callable[[int, int], Picture] = anaglyph,
    **stream_tags: str,
) -> Path:
    """Writes a film of these pictures with a cut in the middle, its frames shown at these milliseconds."""
    with av.open(str(file), "w") as out:
        video = out.add_stream("libx264", rate=25, options={"crf": "12", "preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        video.codec_context.time_base = video.time_base = Fraction(1, 1000)
        video.metadata.update(stream_tags)
        audio = out.add_stream("aac", rate=44100) if sound else None
        text = out.add_mux_stream("subrip") if subtitles else None
        if text is not None:
            text.time_base = Fraction(1, 1000)
            text.metadata["language"] = "deu"
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(show(number, int(number >= len(times) // 2)), "rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            tone = np.sin(np.arange(44100) / 20).astype(np.float32)[None]
            for start in range(0, 44100, 1024):
                block = av.AudioFrame.from_ndarray(np.ascontiguousarray(tone[:, start : start + 1024]), "fltp", "mono")
                block.sample_rate, block.pts, block.time_base = 44100, start, Fraction(1, 44100)
                out.mux(audio.encode(block))
            out.mux(audio.encode(None))
        if text is not None:
            packet = av.Packet(b"Good day")
            packet.stream, packet.time_base = text, Fraction(1, 1000)
            packet.pts = packet.dts = 200
            packet.duration = 500
            out.mux(packet)
    return file


def encoded(
    file: Path,
    codec: str = "libx264",
    sound: str | None = None,
    *,
    count: int = 25,
    rate: int = 25,
    first: int = 0,
    gop: int = 12,
    b_frames: int = 0,
    sound_rate: int = 48000,
    block: int | None = None,
    form: str | None = None,
    show: Callable[[int], Picture] = anaglyph,
    **options: str,
) -> Path:
    """Writes a film of these codecs, its pictures from number `first` on, its sound in blocks of so many samples."""
    with av.open(str(file), "w", format=form) as out:
        video = out.add_stream(codec, rate=rate, options=options)
        video.height, video.width = show(0).shape[:2]
        video.pix_fmt, video.codec_context.gop_size, video.codec_context.max_b_frames = "yuv420p", gop, b_frames
        audio = None if sound is None else out.add_stream(sound, rate=sound_rate, layout="stereo", bit_rate=128_000)
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(show(number % 12), "rgb24")
            frame.pts, frame.time_base = first + number, Fraction(1, rate)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            tone = np.sin(np.arange(count * sound_rate // rate) / 20).astype(np.float32)
            whole = av.AudioFrame.from_ndarray(np.stack([tone, tone]), "fltp", "stereo")
            whole.sample_rate, whole.pts, whole.time_base = sound_rate, 0, Fraction(1, sound_rate)
            context = audio.codec_context
            size = block or context.frame_size or 1024
            cut = av.AudioResampler(context.format.name, "stereo", sound_rate, frame_size=size)
            for one in cut.resample(whole) + cut.resample(None):
                out.mux(audio.encode(one))
            out.mux(audio.encode(None))
    return file


def sound_times(file: Path) -> list[float]:
    with av.open(str(file)) as film:
        return [float(packet.pts * packet.time_base) for packet in film.demux(audio=0) if packet.size]


def times_of(file: Path) -> list[float]:
    with av.open(str(file)) as film:
        return [round(float(frame.pts * frame.time_base), 4) for frame in film.decode(video=0)]


def payloads(file: Path, kind: str) -> list[bytes]:
    with av.open(str(file)) as film:
        chosen = [stream for stream in film.streams if stream.type == kind]
        return [bytes(packet) for packet in film.demux(chosen) if packet.size] if chosen else []


class Untrained(SimpleNamespace):
    """A network that comes from no run folder."""

    __call__ = Restorer.__call__
