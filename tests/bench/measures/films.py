"""Frames a second and peak memory of recovering a film of a moving picture, by its size."""

import sys
from collections.abc import Iterator
from pathlib import Path

from restereo.progress import shown
from tests.bench import material
from tests.bench.figure import Figure
from tests.bench.options import Options
from tests.bench.project import measured

SIZES = {"360p": (640, 360, 24), "1080p": (1920, 1080, 8), "2160p": (3840, 2160, 4)}
"""Width, height and number of frames."""
STEP = 0.002
"""Share of its width by which the picture moves from frame to frame."""


def measure(options: Options) -> Iterator[Figure]:
    """Yields both for each size; reading, steadying and encoding included, the start of the program not."""
    sizes = ["360p"] if options.quick else list(SIZES)
    for name in shown(sizes, "films"):
        seconds, processor, peak = measured(__name__, name, [str(_film(name))])
        frames = SIZES[name][2]
        note = f"{processor / frames:.2f} s of a processor a frame, {seconds:.1f} s in all for {frames}"
        yield Figure(f"films.{name}", frames / seconds, "frames/s", note=note)
        yield Figure(f"films.{name}.peak", peak, "MiB")


def _film(name: str) -> Path:
    """An anaglyph film of the embedded pair, over which the camera moves to the right."""
    import av
    import cv2
    import numpy as np

    from restereo.imaging.anaglyph import form
    from restereo.io.read import read_picture
    from restereo.methods import METHODS

    width, height, count = SIZES[name]
    step = max(1, round(STEP * width))
    wide = width + step * count
    names = [material.builtin() / f"motorcycle_{side}.png" for side in ("left", "right")]
    views = [np.asarray(cv2.resize(read_picture(one), (wide, round(wide / 1.5))), np.uint8) for one in names]
    file = material.folder() / f"{name}.mp4"
    with av.open(str(file), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"crf": "16", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(count):
            left, right = (view[:height, step * number : step * number + width] for view in views)
            made = form(np.ascontiguousarray(left), np.ascontiguousarray(right), METHODS["red-cyan-color"])
            out.mux(stream.encode(av.VideoFrame.from_ndarray(made, "rgb24")))
        out.mux(stream.encode(None))
    return file


def _recover(file: Path) -> None:
    """Recovers one film in this process and prints its seconds and processor seconds."""
    import time

    from restereo.inference.lookup import default_model, find_model
    from restereo.inference.recover import RecoverOptions
    from restereo.methods import METHODS
    from restereo.video.recovery import recover_film

    restorer = find_model(default_model())
    start, processor = time.perf_counter(), time.process_time()
    recover_film(file, [file.with_suffix(".out.mkv")], restorer, RecoverOptions(METHODS["red-cyan-color"]))
    print(time.perf_counter() - start, time.process_time() - processor)


if __name__ == "__main__":
    _recover(Path(sys.argv[1]))
