"""Seconds per megapixel and peak memory of recovering a picture, by contender and size."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.bench import material
from tests.bench.figure import Figure
from tests.bench.options import Options
from tests.bench.project import environment, watched
from tests.conftest import ROOT

ROOM = 0.8
"""Share of the free memory that a run may be expected to need; a larger size is left out."""


def measure(options: Options) -> Iterator[Figure]:
    """Yields both for `sgbm` and for each recipe that has a run folder, network and files included.

    The seconds do not count the start of the program. A size is left out when the next smaller one says that it
    would not fit into memory.
    """
    import psutil

    for what in ("sgbm", *options.recipes):
        if what != "sgbm" and not (ROOT / "data" / "runs" / what / "config.json").exists():
            yield Figure(f"inference.{what}", None, note=f"no data/runs/{what}; train it with `make run`")
            continue
        known: tuple[float, float] | None = None
        for size in sorted(options.megapixels):
            name = f"inference.{what}.{size:g}mpx"
            free = psutil.virtual_memory().available / 2**20
            if known and known[1] * size / known[0] > ROOM * free:
                yield Figure(name, None, note=f"would need about {known[1] * size / known[0] / 1024:.0f} GiB")
                continue
            seconds, peak = _run(what, size)
            known = size, peak
            yield Figure(name, seconds / size, "s/Mpx", note=f"{seconds:.1f} s")
            yield Figure(f"{name}.peak", peak, "MiB")


def _run(what: str, megapixels: float) -> tuple[float, float]:
    """Seconds and peak MiB of one recovery in a process of its own."""
    log = material.folder() / "inference.jsonl"
    log.unlink(missing_ok=True)
    picture = _picture(megapixels)
    command = [sys.executable, "-m", __name__, what, str(picture)]
    done = subprocess.run(
        watched(log, what, command),
        cwd=ROOT,
        env=environment() | {"PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout.splitlines()[-1]), json.loads(log.read_text(encoding="utf-8"))["peak_mib"]


def _picture(megapixels: float) -> Path:
    """An anaglyph of this size: the embedded pair, enlarged to the same share of disparity."""
    import cv2
    import numpy as np

    from restereo.imaging.anaglyph import METHODS, form
    from restereo.sources._pictures import read_picture

    file = material.folder() / f"anaglyph-{megapixels:g}.png"
    if not file.exists():
        material.photos()
        width = round((megapixels * 1e6 * 1.5) ** 0.5)
        size = width, round(width / 1.5)
        names = [material.folder() / "builtin" / f"motorcycle_{side}.png" for side in ("left", "right")]
        left, right = (np.asarray(cv2.resize(read_picture(name), size), np.uint8) for name in names)
        made = form(left, right, METHODS["red-cyan-color"])
        cv2.imwrite(str(file), made[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return file


def _recover(what: str, file: Path) -> None:
    """Recovers one picture in this process and prints the seconds."""
    import time

    from restereo.catalog import names
    from restereo.inference.contender import find_contender
    from restereo.inference.recover import recover_file
    from restereo.sample import Observation
    from restereo.sources._pictures import read_picture
    from restereo.tasks import to_picture, to_tensor

    start = time.perf_counter()
    if what in names("baseline"):  # the command line has no baselines
        contender, picture = find_contender(what), read_picture(file)
        observation = Observation(picture, "red-cyan-color")
        to_picture(contender.predictor(to_tensor(picture), contender.task.operator(observation)).image)
    else:
        recover_file(file, file.with_suffix(".out.png"), what, "red-cyan-color")
    print(time.perf_counter() - start)


if __name__ == "__main__":
    _recover(sys.argv[1], Path(sys.argv[2]))
