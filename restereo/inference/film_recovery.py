"""From an anaglyph film's file to the film of its views."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from restereo.errors import UserError
from restereo.imaging.anaglyph import find_method
from restereo.imaging.detection import LEAST_SIDE, detect
from restereo.inference import film as films
from restereo.inference.contender import find_restorer
from restereo.inference.film import Wanted
from restereo.inference.film_parts import Parts
from restereo.inference.film_reader import Film, open_film
from restereo.inference.film_views import FilmViews, LaidOut
from restereo.inference.film_writer import ending_for
from restereo.inference.files import write_picture
from restereo.inference.layouts import GLASSES, LAYOUTS, Layout, stereo_mode
from restereo.inference.naming import targets
from restereo.sample import Picture

HINTS = {"anaglyph_cyan_red": "red-cyan", "anaglyph_green_magenta": "green-magenta"}
"""The glasses of Matroska's StereoMode 10 and 12."""
LEAST_CONTRAST = 8.0
"""Standard deviation in codes under which a frame, such as a black one, says nothing of a film's type."""


@dataclass(frozen=True)
class FilmOptions:
    """How to recover a film.

    Attributes:
        model: What `find_restorer` finds.
        method: Its type, or `auto`.
        swap: Whether the first colour is the right eye's.
        layout: How the views are shown.
        glasses: Method of the anaglyph, for that layout.
        wanted: The part, codec and quality; `force` also takes a plain film for an anaglyph.
        steady: Whether disparities and colours are held steady from frame to frame.
        device: Where the network runs.
    """

    model: str
    method: str = "auto"
    swap: bool = False
    layout: Layout = LAYOUTS["sbs"]
    glasses: str = GLASSES
    wanted: Wanted = field(default_factory=Wanted)
    steady: bool = True
    device: str = "cpu"


@dataclass(frozen=True)
class Recovered:
    """What became of a film.

    Attributes:
        out: The file written.
        method: What the film was taken for.
        confidence: Share in [0, 1] of the sampled frames' votes for it; None if it was named.
        frames: How many were recovered.
        seconds: What this run took.
        left_out: Streams that could not be carried over.
    """

    out: Path
    method: str
    confidence: float | None
    frames: int
    seconds: float
    left_out: Sequence[str] = ()


def recover_film(file: Path, out: Path | None, options: FilmOptions) -> Recovered:
    """Returns what was done after writing the film of the recovered views; a killed run is taken up where it was.

    Sound, subtitles, chapters, fonts and times are the original's.

    Args:
        file: The anaglyph film.
        out: The film to write, or the folder for it; by default it lies beside the original.
        options: How.

    Raises:
        UserError: The film is damaged or no anaglyph, the network is not found, or `out` cannot hold it.
    """
    start = time.monotonic()
    film = open_film(file)
    target = target_of(film, out, options.layout)
    films.check_ending(target)
    restorer = find_restorer(options.model, options.device)
    wanted = replace(options.wanted, stereo_mode=stereo_mode(options.layout, options.glasses))
    with films.locked(target):
        parts = Parts(target, films.origin_of(film, wanted, _maker(options, restorer.sha256)))
        known = parts.note("survey") or _survey(film, wanted, options)
        parts.keep_note("survey", known)
        views = FilmViews(restorer, known["method"], options.steady)
        make = LaidOut(views, options.layout, options.swap, options.glasses)
        left_out = films.convert(film, target, make, parts, wanted, known["frames"])
    seconds = time.monotonic() - start
    return Recovered(target, known["method"], known["confidence"], known["frames"], seconds, left_out)


def sample_film(file: Path, out: Path | None, options: FilmOptions) -> Recovered:
    """Returns what was done after writing one frame as a picture: the one at `--start`, or in the middle.

    Raises:
        UserError: See `recover_film`.
    """
    start = time.monotonic()
    film = open_film(file)
    picture = films.one_frame(film, options.wanted.span, film.seconds)
    method, confidence = method_of(film, [picture], options)
    views = FilmViews(find_restorer(options.model, options.device), method)
    stem = (out or film.file).stem if out is None or not out.is_dir() else film.file.stem
    folder = film.file.parent if out is None else out if out.is_dir() else out.parent
    target = folder / f"{stem}_sample{options.layout.suffixes[0] if out is None or out.is_dir() else ''}.png"
    write_picture(target, LaidOut(views, options.layout, options.swap, options.glasses)(picture))
    return Recovered(target, method, confidence, 1, time.monotonic() - start)


def method_of(film: Film, samples: list[Picture], options: FilmOptions) -> tuple[str, float | None]:
    """Returns the film's method and the share of the votes for it, from frames of it and what its container says.

    Raises:
        UserError: The method is unknown, or most frames are plain pictures.
    """
    if options.method != "auto":
        return find_method(options.method).name, None
    hint = HINTS.get(film.stereo_mode or "")
    telling = [one for one in samples if min(one.shape[:2]) >= LEAST_SIDE and one.std() > LEAST_CONTRAST]
    found = [detect(one, str(film.file)) for one in telling]
    if hint:
        votes = Counter[str]()
        for one in found:
            votes[one.method if one.colors == hint else f"{hint}-color"] += 1
        method, count = votes.most_common(1)[0] if votes else (f"{hint}-color", 0)
        return method, count / max(1, len(found))
    plain = sum(one.plain for one in found)
    if not found or (plain > len(found) / 2 and not options.wanted.force):
        what = f"{plain} of {len(found)} frames looked at are plain pictures" if found else "its frames are blank"
        raise UserError(f"{film.file}: not an anaglyph film ({what}); name its method with --method to try anyway.")
    weights: dict[str, float] = {}
    for one in found:
        weights[one.method] = weights.get(one.method, 0.0) + one.confidence * (0.1 if one.plain else 1.0)
    method = max(weights, key=lambda name: weights[name])
    return method, sum(one.method == method for one in found) / len(found)


def target_of(film: Film, out: Path | None, layout: Layout) -> Path:
    """Returns the file to write.

    Raises:
        UserError: A film cannot have this layout, or it would overwrite the original.
    """
    if not layout.film:
        able = ", ".join(name for name, one in LAYOUTS.items() if one.film)
        raise UserError(f"{film.file}: a film cannot have layout '{layout.name}'; choose one of {able}.")
    named = out is not None and out.suffix and not out.is_dir()
    return targets(film.file, [layout], out, None if named else ending_for(film))[0]


def _survey(film: Film, wanted: Wanted, options: FilmOptions) -> dict[str, Any]:
    looked = films.survey(film, wanted)
    method, confidence = method_of(film, looked.samples, options)
    return {"frames": looked.frames, "method": method, "confidence": confidence}


def _maker(options: FilmOptions, sha256: str) -> dict[str, Any]:
    return {
        "weights": sha256,
        "method": options.method,
        "swap": options.swap,
        "layout": options.layout.name,
        "glasses": options.glasses,
        "steady": options.steady,
        "device": options.device,
    }
