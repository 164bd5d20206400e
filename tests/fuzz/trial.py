"""One damaged file through `recover`: what came of it, and whether that is one of the two things that may."""

import shutil
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

import cv2
from PIL import Image

from restereo import catalog
from restereo.errors import UserError
from restereo.inference.engine import Restorer
from restereo.inference.recover import RecoverOptions, recover_file
from restereo.io.layouts import LAYOUTS
from restereo.io.paths import is_film, targets
from restereo.training.run_folder import Run
from restereo.video.recovery import film_targets, recover_film

PATIENCE = 60
"""Seconds of a processor after which a file hangs."""
SETS = [
    ["sbs"],
    ["tb", "mpo"],
    ["pair", "half-sbs"],
    ["jps", "left"],
    ["cross", "half-tb", "anaglyph"],
    ["wiggle", "right"],
]
FILM_LAYOUTS = ["sbs", "half-tb", "cross", "anaglyph", "left"]


class HangsError(BaseException):
    """Raised by the alarm; no `except Exception` on the way catches it."""


def restorer() -> Restorer:
    """Returns a tiny network with random weights: what is tried here is everything around it."""
    task = catalog.build("task", "anaglyph")
    row = {"model": "unet", "model_options": {"size": "tiny"}}
    model = catalog.build("model", "unet", task.channels_in, task.channels_out, size="tiny")
    config = {"row": row, "task_kind": "anaglyph", "task_options": {}}
    return Restorer(Run(config, task.default_calibration(), model.state_dict(), ""))


@contextmanager
def patience(seconds: int) -> Iterator[None]:
    """Raises `HangsError` in a block that takes longer."""

    def ring(_: int, __: FrameType | None) -> None:
        raise HangsError

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def try_file(name: str, content: bytes, number: int, folder: Path, network: Restorer) -> tuple[str, str]:
    """Returns (`recovered`, `refused` or what is wrong, the sentence) of one file, and removes it.

    Args:
        name: Of the file.
        content: Of the file.
        number: Decides layouts and whether plain pictures are taken for anaglyphs.
        folder: An empty folder.
        network: To recover with.
    """
    file = folder / name
    file.write_bytes(content)
    layouts = [LAYOUTS[layout] for layout in SETS[number % len(SETS)]]
    options = RecoverOptions(force=number % 2 == 0, swap=number % 3 == 0, layouts=layouts)
    try:
        with warnings.catch_warnings(), patience(PATIENCE):
            warnings.simplefilter("ignore")
            if is_film(file):
                options = replace(options, layouts=[LAYOUTS[FILM_LAYOUTS[number % len(FILM_LAYOUTS)]]])
                outputs = film_targets(file, options, None, [None, ".mkv"][number % 2])
                recover_film(file, outputs, network, options)
                verdict = _films_whole(outputs)
            else:
                outputs = targets(file, layouts, ending=[None, ".png", ".jpg", ".tif", ".webp"][number % 5])
                recover_file(file, outputs, network, options)
                verdict = _outputs_whole(outputs)
        message = ""
    except UserError as error:
        message = str(error)
        verdict = _message_fine(message, name)
        outputs = []
    except HangsError:
        verdict, message, outputs = f"hangs for {PATIENCE} s", "", []
    except Exception as error:  # whatever it is, it is a fault that the report names
        verdict, message, outputs = f"crashes with {type(error).__name__}: {error}", "", []
    left = {one.name for one in folder.iterdir()} - {name, *(one.name for one in outputs)}
    if left and verdict in {"recovered", "refused"}:
        verdict = f"leaves {sorted(left)} behind"
    for one in folder.iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()
    return verdict, message


def _message_fine(message: str, name: str) -> str:
    whole = (
        "\n" not in message
        and name in message
        and message.endswith(".")
        and len(message) < 600
        and "Traceback" not in message
    )
    return "refused" if whole else f"no good message: {message!r}"


def _films_whole(outputs: list[Path]) -> str:
    import av

    for file in outputs:
        try:
            with av.open(str(file)) as film:
                count = sum(1 for _ in film.decode(video=0))  # sound is copied as it was, damaged or not
        except (av.error.FFmpegError, ValueError) as error:
            return f"half-written output {file.name}: {error}"
        if not count:
            return f"an empty film {file.name}"
    return "recovered"


def _outputs_whole(outputs: list[Path]) -> str:
    for file in outputs:
        try:
            with Image.open(file) as image:
                for frame in range(getattr(image, "n_frames", 1)):
                    image.seek(frame)
                    image.load()
        except (OSError, SyntaxError, ValueError) as error:
            if cv2.imread(str(file), cv2.IMREAD_UNCHANGED) is None:
                return f"half-written output {file.name}: {error}"
    return "recovered"
