"""Formation of an anaglyph in Mpx/s, one thread, against ffmpeg's stereo3d on the same picture."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from restereo.image import Picture
from tests.bench import material
from tests.bench.clock import best, take_turns
from tests.bench.figure import Figure
from tests.bench.options import Options

HEIGHT, WIDTH = 1080, 1920
MODES = ("arcc", "arch", "arcd", "agmd")
FRAMES = 50
ROUNDS = 7


def measure(options: Options) -> Iterator[Figure]:
    """Yields Mpx/s of ours and how many times ffmpeg's speed that is, for four of its modes."""
    import cv2

    from restereo.imaging.anaglyph import form
    from restereo.methods import FFMPEG, METHODS

    cv2.setNumThreads(1)
    left, right = _views()
    ffmpeg = shutil.which("ffmpeg")
    file = material.folder() / "pair.rgb"
    file.write_bytes(np.concatenate([left, right], axis=1).tobytes())
    megapixels, rounds = HEIGHT * WIDTH / 1e6, options.rounds(ROUNDS)
    for mode in MODES:
        times = take_turns({"ours": partial(form, left, right, FFMPEG[mode])}, rounds, mode, time.process_time)
        name = f"formation.{mode}"
        yield Figure(name, megapixels / best(times, "ours"), "Mpx/s", note=FFMPEG[mode].name)
        if ffmpeg is None:
            yield Figure(f"{name}.ratio", None, note="no ffmpeg in PATH")
            continue
        times["ffmpeg"] = [_ffmpeg(ffmpeg, file, mode) for _ in range(rounds)]
        note = f"times ffmpeg's {megapixels / best(times, 'ffmpeg'):.0f} Mpx/s"
        yield Figure(f"{name}.ratio", best(times, "ffmpeg") / best(times, "ours"), note=note)
    linear = METHODS["red-cyan-dubois-linear"]
    times = take_turns({"ours": partial(form, left, right, linear)}, rounds, linear.name, time.process_time)
    yield Figure("formation.linear", megapixels / best(times, "ours"), "Mpx/s", note=f"{linear.name}; ffmpeg has none")


def _views() -> tuple[Picture, Picture]:
    """Two parts of a photo at the size of a film."""
    import cv2

    photo = cv2.imread(material.photos()[0]["path"], cv2.IMREAD_COLOR_RGB)
    assert photo is not None
    photo = np.asarray(cv2.resize(photo, (WIDTH + 40, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)
    return np.ascontiguousarray(photo[:, 40:]), np.ascontiguousarray(photo[:, :-40])


def _ffmpeg(program: str, file: Path, mode: str) -> float:
    """Processor seconds of one picture: of many copies less those of one, so that start and file do not count."""
    return (_run(program, file, mode, FRAMES + 1) - _run(program, file, mode, 1)) / FRAMES


def _run(program: str, file: Path, mode: str, frames: int) -> float:
    chain = f"loop=loop={frames - 1}:size=1,stereo3d=sbsl:{mode}"
    command = [program, "-v", "info", "-nostdin", "-benchmark", "-filter_threads", "1"]
    command += ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{2 * WIDTH}x{HEIGHT}", "-i", str(file)]
    command += ["-vf", chain, "-f", "null", "-"]
    message = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    found = re.search(r"bench: utime=([\d.]+)s stime=([\d.]+)s", message)
    assert found, message
    assert re.search(rf"frame=\s*{frames}\b", message), message
    return float(found[1]) + float(found[2])
