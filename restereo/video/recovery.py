"""From a film's file to the film of its views or, for a task of single pictures, of its restored pictures."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from restereo.digests import code_sha256
from restereo.errors import FORCE, Parameter, UserError
from restereo.image import Picture
from restereo.imaging.detection import LEAST_SIDE, Detection, detect, packing_of
from restereo.inference.engine import Restorer
from restereo.inference.recover import RecoverOptions
from restereo.inference.restore import Command, doubted, target_of
from restereo.inference.result import Result
from restereo.io.layouts import LAYOUTS, Layout, arrange, stereo_mode
from restereo.io.paths import targets
from restereo.io.write import check_target
from restereo.methods import METHODS, AnaglyphMethod, parse
from restereo.sample import Prediction
from restereo.video.conversion import Facts, FilmJob, VideoOptions, produce
from restereo.video.reader import Film, open_film
from restereo.video.temporal import FrameRestorer, maps_at
from restereo.video.writer import check_ending, ending_for

HINTS = {"anaglyph_cyan_red": "red-cyan", "anaglyph_green_magenta": "green-magenta"}
"""The glasses of Matroska's StereoMode 10 and 12."""
BLACK = 24
"""Code up to which bars beside a picture are black: 16 in studio range, and what compression adds."""
LEAST_ANAGLYPHS = 0.2
"""Share of the frames looked at that must be anaglyphs: titles and plain scenes may be most of a film."""
LEAST_CONTRAST = 8.0
"""Standard deviation in codes under which a frame, such as a black one, says nothing of a film."""


def film_targets(file: Path, options: RecoverOptions, out: Path | None, ending: str | None = None) -> list[Path]:
    """Returns the one file to write; see `naming.targets`.

    Raises:
        UserError: A film cannot have this layout, or be in a file of this name.
    """
    able = ", ".join(name for name, one in LAYOUTS.items() if one.film)
    for layout in options.layouts:
        if not layout.film:
            what = f"a film, and layout '{layout.name}' is for pictures"
            raise UserError(what, where=file, remedy=f"take one of {able}")
    if len(options.layouts) != 1:
        raise UserError("a film takes one layout at a time", where=file, remedy=f"take one of {able}")
    named = out is not None and bool(out.suffix) and not out.is_dir()
    if not options.film.sample:
        return targets(file, options.layouts, out, ending or (None if named else ending_for(file)))
    (target,) = targets(file, options.layouts, out, ".png")
    return [target if named else target.with_name(f"{target.stem}_sample.png")]


def check_film_target(target: Path, options: RecoverOptions) -> None:
    """Raises `UserError` unless the file can be written."""
    (check_target if options.film.sample else check_ending)(target)


def recover_film(file: Path, outputs: Sequence[Path], restorer: Restorer, options: RecoverOptions) -> Result:
    """Returns what was done after writing the film of the recovered views; a killed run is taken up where it was.

    Args:
        file: The anaglyph film.
        outputs: The film to write, as `film_targets` names it.
        restorer: The network.
        options: How; of its layouts the first.

    Raises:
        UserError: The film is damaged or no anaglyph, or the file cannot hold it.
    """
    film, layout = open_film(file), options.layouts[0]
    mode = stereo_mode(layout, options.glasses)
    video = replace(options.film, stereo_mode=mode, halved=layout.halved, force=options.force)

    def build(facts: Facts) -> FrameRestorer:
        show, method = partial(laid_out, layout, options.glasses), parse(facts["method"])
        return FrameRestorer(restorer, method, invent_color=options.invent_color, show=show)

    maker = {
        **_network(restorer),
        "method": None if options.method is None else options.method.name,
        "swap": options.swap,
        "invent_color": options.invent_color,
        "layout": layout.name,
        "glasses": options.glasses.name,
    }
    made = produce(film, outputs[0], FilmJob(video, maker, lambda samples: judged(film, samples, options), build))
    facts = made.facts
    method, share = parse(facts["method"]), facts["share"]
    count = "one frame" if video.sample or made.frames == 1 else f"{made.frames} frames"
    details = {
        "method_share": share and round(share, 4),
        "frames": made.frames,
        "width": film.width,
        "height": film.height,
    }
    return Result(
        file,
        outputs,
        method=method,
        description=f"{count} from {describe(method, share, facts['why'])}",
        details=details,
        seconds=made.seconds,
        notes=[*facts["notes"], *made.notes],
    )


def describe(method: AnaglyphMethod, share: float | None, why: str = "") -> str:
    """Returns in words what a film was taken for, and how sure that is.

    Args:
        method: Taken for.
        share: Share of the frames looked at that have this method; None if they did not decide.
        why: Who said what it is, if neither its frames nor the person.

    Example:
        >>> describe(METHODS["red-cyan-half"], 0.75)
        "red-cyan-half (detected in 75% of the frames looked at); first colour taken for the left eye's"
    """
    sure = f" ({why})" if why else "" if share is None else f" (detected in {share:.0%} of the frames looked at)"
    return f"{method.base}{sure}; first colour taken for the {method.first_eye} eye's"


def laid_out(layout: Layout, glasses: AnaglyphMethod, views: Picture, answer: Prediction) -> Picture:
    """Returns the film's picture of both views `(H, W, 6)` in a layout.

    Args:
        layout: How they are shown.
        glasses: Method of the anaglyph, for that layout.
        views: Left and right.
        answer: What the network says of them.
    """
    shows_maps = layout.name in {"disparity", "confidence"}
    disparity, confidence = maps_at(answer, *views.shape[:2]) if shows_maps else (None, None)
    picture = arrange(layout, views[..., :3], views[..., 3:], disparity, confidence, glasses=glasses)[0]
    return np.ascontiguousarray(picture, dtype=np.uint8)


def restore_film(file: Path, out: Path | None, restorer: Restorer, command: Command, options: VideoOptions) -> Result:
    """Returns what was done after writing the restored film; a killed run is taken up where it was.

    Size, rate, times, sound and all else are the original's.

    Args:
        file: The film.
        out: File or folder to write; by default the result lies beside the film.
        restorer: The network.
        command: What is done.
        options: Which part, and how it is encoded; with `sample` one frame becomes a picture.

    Raises:
        UserError: The film is damaged, or hardly what the task restores, or the file cannot hold it.
    """
    if len(command.asks) != 1:
        raise UserError(f"a film; `{command.name}` takes pictures only", where=file)
    target = target_of(file, out, command.ending + (".png" if options.sample else ending_for(file)))
    (check_target if options.sample else check_ending)(target)

    def judge(samples: list[Picture]) -> Facts:
        telling = _telling(samples)
        found = [doubt for one in telling if (doubt := restorer.task.doubt(one))]
        most = len(found) > len(telling) / 2
        return {"notes": doubted(found[0], str(file), command, options.force) if most else []}

    maker = {**_network(restorer), "command": command.name}
    made = produce(open_film(file), target, FilmJob(options, maker, judge, lambda _: FrameRestorer(restorer)))
    count = [] if options.sample else [f"{made.frames} frame{'s' if made.frames > 1 else ''}"]
    return Result(file, [target], notes=[*count, *made.facts["notes"], *made.notes])


def _network(restorer: Restorer) -> Facts:
    """What of a network decides the pictures."""
    code = code_sha256(__name__, *restorer.modules)
    return {"weights": restorer.sha256, "code": code, "device": str(restorer.device)}


def _telling(samples: list[Picture]) -> list[Picture]:
    return [one for one in samples if one.std() > LEAST_CONTRAST]


def judged(film: Film, samples: list[Picture], options: RecoverOptions) -> Facts:
    """Returns what the film is taken for, in how many of the frames that shows, and what speaks against it.

    `method`: its name; `share`: of the frames looked at, None if they did not decide; `why`: who did, if not they;
    `notes`.

    Raises:
        UserError: Most frames are plain pictures.
    """
    looked = without_bars(_telling(samples))
    found = [detect(one, str(film.file)) for one in looked if min(one.shape[:2]) >= LEAST_SIDE]
    anaglyphs = [one for one in found if not one.plain]
    if options.method is not None:
        method = _seen(options.method, options)
        return {"method": method.name, "share": None, "why": "", "notes": doubts(method, "as asked", found)}
    hint = HINTS.get(film.stereo_mode or "")
    few = not found or len(anaglyphs) < LEAST_ANAGLYPHS * len(found)
    if not hint and not options.force:
        packings = [packing_of(one) for one in samples] if few else []
        often = next((kind for kind in set(packings) if kind and packings.count(kind) > len(packings) / 2), None)
        if film.packing or often:
            what = f"a film that holds both views {film.packing or often}, not an anaglyph"
            fix = "if it is one, name its ", Parameter("method"), ", or use ", FORCE
            raise UserError(what, where=film.file, remedy=fix)
    if not hint and few and not options.force:
        plain = len(found) - len(anaglyphs)
        what = f"{plain} of {len(found)} frames looked at are plain" if found else "its frames are blank"
        fix = "name its ", Parameter("method"), ", or use ", FORCE
        raise UserError(f"no anaglyph film ({what})", where=film.file, remedy=fix)
    likely = voted([one for one in found if hint in {None, one.method.colors}])
    method = likely or METHODS[f"{hint or 'red-cyan'}-color"]
    share = sum(one.method == method for one in anaglyphs) / max(1, len(found))
    by_file = bool(hint) and share == 0
    notes = doubts(method, "by the file's StereoMode" if hint else "as forced", found)
    why = "by the file's StereoMode" if by_file else ""
    return {"method": _seen(method, options).name, "share": None if by_file else share, "why": why, "notes": notes}


def without_bars(pictures: list[Picture]) -> list[Picture]:
    """Returns the pictures `(H, W, 3)` uint8 without the edges that are black in all of them.

    Example:
        >>> barred = np.zeros((60, 90, 3), np.uint8)
        >>> barred[10:50, 20:80] = 99
        >>> [one.shape for one in without_bars([barred, barred])]
        [(40, 60, 3), (40, 60, 3)]
    """
    if not pictures:
        return []
    light = np.max([one.max(axis=2) for one in pictures], axis=0) > BLACK
    rows, columns = (np.flatnonzero(light.mean(axis=axis) > 0.02) for axis in (1, 0))
    if not rows.size or not columns.size:
        return pictures
    return [np.ascontiguousarray(one[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]) for one in pictures]


def _seen(method: AnaglyphMethod, options: RecoverOptions) -> AnaglyphMethod:
    return method.swapped() if options.swap else method


def voted(found: Sequence[Detection]) -> AnaglyphMethod | None:
    """Returns the method that frames look like most, or None if there are none; plain ones hardly count."""
    votes: dict[AnaglyphMethod, float] = {}
    for one in found:
        votes[one.method] = votes.get(one.method, 0.0) + one.confidence * (0.1 if one.plain else 1.0)
    return max(votes, key=lambda method: votes[method], default=None)


def doubts(method: AnaglyphMethod, why: str, found: Sequence[Detection]) -> list[str]:
    """Returns what the frames say against the method that their film is taken for, in notes.

    Args:
        method: Taken for.
        why: Who said so.
        found: What frames from all over the film look like.

    Example:
        >>> doubts(METHODS["red-cyan-color"], "as asked", [Detection(METHODS["amber-blue-color"], 0.9, False, {})])
        ['taken for red-cyan-color as asked, but most frames look like amber-blue-color']
    """
    if sum(one.plain for one in found) > len(found) / 2:
        return ["most frames look like plain pictures"]
    others = [one for one in found if not one.plain and method.colors != one.method.colors]
    if len(others) <= len(found) / 2:
        return []
    return [f"taken for {method} {why}, but most frames look like {voted(others)}"]
