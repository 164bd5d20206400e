"""Seconds per megapixel and peak memory of recovering a picture, by model and size."""

import sys
from collections.abc import Iterator
from pathlib import Path

from restereo.evaluation.baselines import BASELINES
from restereo.progress import shown
from tests.bench import material
from tests.bench.figure import Figure
from tests.bench.options import Options
from tests.bench.project import measured

ROOM = 0.8
"""Share of the free memory that a run may be expected to need; a larger size is left out."""
PATIENCE = 90.0
"""Seconds that a run may be expected to take, unless its size was asked for."""
SIZES = (1.0, 12.0, 50.0)
MOST_SECONDS = 1.5
"""Per megapixel, on two free cores, for a network."""
LIMITS = {12.0: 2048.0}
"""Peak MiB that a picture of so many megapixels, as most cameras make them, may take."""


def measure(options: Options) -> Iterator[Figure]:
    """Yields both for each model, reading and writing the files included, the start of the program not.

    A size is left out when the next smaller one says that it would not fit into memory, or take too long.
    """
    from restereo.errors import UserError
    from restereo.inference.lookup import default_model, find_predictor

    for what in options.models or ("sgbm", ""):
        try:
            name = what or default_model()
            find_predictor(name)
        except UserError as error:
            yield Figure(f"inference.{what or 'default'}", None, note=str(error))
        else:
            yield from _sizes(name, options.megapixels)


def _sizes(what: str, asked: tuple[float, ...]) -> Iterator[Figure]:
    import psutil

    done = list[tuple[float, float, float]]()  # size, seconds, peak
    for size in shown(sorted(asked or SIZES), what):
        name, (seconds, peak) = f"inference.{what}.{size:g}mpx", _expected(done, size)
        if peak > ROOM * psutil.virtual_memory().available / 2**20:
            yield Figure(name, None, note=f"would need {peak / 1024:.0f} GiB")
        elif not asked and seconds > PATIENCE:
            yield Figure(name, None, note=f"would take {seconds:.0f} s; ask for it with --megapixels")
        else:
            seconds, processor, peak = measured(__name__, what, [what, str(picture(size))])
            done.append((size, seconds, peak))
            target = None if what in BASELINES else MOST_SECONDS
            note = f"{seconds:.1f} s, of a processor {processor:.1f} s"
            yield Figure(name, seconds / size, "s/Mpx", target, note=note)
            yield Figure(f"{name}.peak", peak, "MiB", LIMITS.get(size))


def _expected(done: list[tuple[float, float, float]], size: float) -> tuple[float, float]:
    """Seconds and peak MiB to be expected of a size; a first size's peak is mostly what does not grow."""
    if not done:
        return 0.0, 0.0
    last, seconds, peak = done[-1]
    grows = (peak - done[-2][2]) / (last - done[-2][0]) if len(done) > 1 else 0.0
    return seconds * size / last, peak + max(0.0, grows) * (size - last)


def picture(megapixels: float) -> Path:
    """An anaglyph of this size: the embedded pair, enlarged to the same share of disparity."""
    import cv2
    import numpy as np

    from restereo.imaging.anaglyph import form
    from restereo.io.read import read_picture
    from restereo.methods import METHODS

    file = material.folder() / f"anaglyph-{megapixels:g}.png"
    if not file.exists():
        width = round((megapixels * 1e6 * 1.5) ** 0.5)
        size = width, round(width / 1.5)
        names = [material.builtin() / f"motorcycle_{side}.png" for side in ("left", "right")]
        left, right = (np.asarray(cv2.resize(read_picture(name), size), np.uint8) for name in names)
        made = form(left, right, METHODS["red-cyan-color"])
        cv2.imwrite(str(file), made[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return file


def _recover(what: str, file: Path) -> None:
    """Recovers one picture in this process and prints its seconds and processor seconds."""
    import time

    from restereo.inference.lookup import find_model, find_predictor
    from restereo.inference.recover import RecoverOptions, recover_file
    from restereo.io.read import read_picture
    from restereo.methods import METHODS
    from restereo.sample import Observation
    from restereo.tasks import to_picture, to_tensor

    start, processor = time.perf_counter(), time.process_time()
    if what in BASELINES:  # the command line has no baselines
        model, picture = find_predictor(what), read_picture(file)
        observation = Observation(picture, METHODS["red-cyan-color"])
        to_picture(model.predictor(to_tensor(picture), model.task.operator(observation)).image)
    else:
        recover_file(file, [file.with_suffix(".out.png")], find_model(what), RecoverOptions(METHODS["red-cyan-color"]))
    print(time.perf_counter() - start, time.process_time() - processor)


if __name__ == "__main__":
    _recover(sys.argv[1], Path(sys.argv[2]))
