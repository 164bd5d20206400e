"""From an anaglyph film's file to the film of its views."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restereo.errors import UserError
from restereo.image import Picture
from restereo.imaging.detection import LEAST_SIDE, Detection, detect
from restereo.inference.engine import Restorer
from restereo.inference.recover import RecoverOptions
from restereo.io.layouts import LAYOUTS, stereo_mode
from restereo.io.paths import targets
from restereo.io.write import check_target
from restereo.methods import METHODS, AnaglyphMethod, parse
from restereo.source_code import code_sha256
from restereo.video.job import Facts, FilmJob, produce
from restereo.video.reader import Film, open_film
from restereo.video.views import FilmViews, LaidOut
from restereo.video.writer import check_ending, ending_for

HINTS = {"anaglyph_cyan_red": "red-cyan", "anaglyph_green_magenta": "green-magenta"}
"""The glasses of Matroska's StereoMode 10 and 12."""
LEAST_CONTRAST = 8.0
"""Standard deviation in codes under which a frame, such as a black one, says nothing of a film's type."""


@dataclass(frozen=True)
class FilmResult:
    """What became of a film.

    Attributes:
        file: The anaglyph film.
        outputs: The file written.
        method: What the film was taken for.
        share: Share of the frames looked at that have this method; None if they did not decide.
        frames: How many it has, in the part that was asked for.
        size: Width and height of its frames in px.
        seconds: What this run took.
        sample: Whether only one frame was recovered.
        notes: What a person may want to know.
        why: Who said what it is, if neither its frames nor the person.
    """

    file: Path
    outputs: Sequence[Path]
    method: AnaglyphMethod
    share: float | None
    frames: int
    size: tuple[int, int]
    seconds: float
    sample: bool = False
    notes: Sequence[str] = ()
    why: str = ""

    def facts(self) -> dict[str, Any]:
        """Returns what `--json` prints."""
        return {
            "file": str(self.file),
            "status": "done",
            "outputs": [str(file) for file in self.outputs],
            "method": self.method.name,
            "first_eye": self.method.first_eye,
            "method_share": self.share and round(self.share, 4),
            "frames": self.frames,
            "width": self.size[0],
            "height": self.size[1],
            "seconds": round(self.seconds, 3),
            "notes": list(self.notes),
        }

    def sentence(self) -> str:
        """Returns what a person is told."""
        share = "" if self.share is None else f" (detected in {self.share:.0%} of the frames looked at)"
        sure = f" ({self.why})" if self.why else share
        what = "one frame" if self.sample or self.frames == 1 else f"{self.frames} frames"
        name, eye = self.method.base, self.method.first_eye
        told = f"{self.outputs[0]}: {what} from {name}{sure}; first colour taken for the {eye} eye's"
        return "\n  note: ".join([told, *self.notes])


def film_targets(file: Path, options: RecoverOptions, out: Path | None, ending: str | None = None) -> list[Path]:
    """Returns the one file to write; see `naming.targets`.

    Raises:
        UserError: A film cannot have this layout, or be in a file of this name.
    """
    able = ", ".join(name for name, one in LAYOUTS.items() if one.film)
    for layout in options.layouts:
        if not layout.film:
            raise UserError(f"{file}: a film, and layout '{layout.name}' is for pictures; take one of {able}.")
    if len(options.layouts) != 1:
        raise UserError(f"{file}: a film takes one layout at a time, out of {able}.")
    named = out is not None and bool(out.suffix) and not out.is_dir()
    if not options.film.sample:
        return targets(file, options.layouts, out, ending or (None if named else ending_for(file)))
    (target,) = targets(file, options.layouts, out, ".png")
    return [target if named else target.with_name(f"{target.stem}_sample.png")]


def check_film_target(target: Path, options: RecoverOptions) -> None:
    """Raises `UserError` unless the file can be written."""
    (check_target if options.film.sample else check_ending)(target)


def recover_film(file: Path, outputs: Sequence[Path], restorer: Restorer, options: RecoverOptions) -> FilmResult:
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
    wanted = replace(options.film, stereo_mode=stereo_mode(layout, options.glasses), force=options.force)

    def judge(samples: list[Picture]) -> Facts:
        return judged(film, samples, options)

    def build(facts: Facts) -> LaidOut:
        views = FilmViews(restorer, parse(facts["method"]), invent_color=options.invent_color)
        return LaidOut(views, layout, options.glasses)

    made = produce(film, outputs[0], FilmJob(wanted, _maker(restorer, options), judge, build))
    facts, size = made.facts, (film.width, film.height)
    notes = [*facts.get("notes", []), *made.notes]  # a run that an older version began has none
    return FilmResult(
        file,
        outputs,
        parse(facts["method"]),
        facts["share"],
        made.frames,
        size,
        made.seconds,
        wanted.sample,
        notes,
        facts.get("why", ""),
    )


def judged(film: Film, samples: list[Picture], options: RecoverOptions) -> Facts:
    """Returns what the film is taken for, in how many of the frames that shows, and what speaks against it.

    `method`: its name; `share`: of the frames looked at, None if they did not decide; `why`: who did, if not they;
    `notes`.

    Raises:
        UserError: Most frames are plain pictures.
    """
    telling = [one for one in samples if min(one.shape[:2]) >= LEAST_SIDE and one.std() > LEAST_CONTRAST]
    found = [detect(one, str(film.file)) for one in telling]
    plain = sum(one.plain for one in found)
    if options.method is not None:
        notes = doubts(options.method, "as asked", found)
        return {"method": _seen(options.method, options).name, "share": None, "why": "", "notes": notes}
    hint = HINTS.get(film.stereo_mode or "")
    if not hint and (not found or plain > len(found) / 2) and not options.force:
        what = f"{plain} of {len(found)} frames looked at are plain" if found else "its frames are blank"
        raise UserError(f"{film.file}: no anaglyph film ({what}); name its --method, or use --force.")
    method = (
        voted([one for one in found if hint in {None, one.method.colors}]) or METHODS[f"{hint or 'red-cyan'}-color"]
    )
    share = sum(one.method == method for one in found) / max(1, len(found))
    by_file = bool(hint) and share == 0
    notes = doubts(method, "by the file's StereoMode" if hint else "by --force", found)
    why = "by the file's StereoMode" if by_file else ""
    return {"method": _seen(method, options).name, "share": None if by_file else share, "why": why, "notes": notes}


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


def _maker(restorer: Restorer, options: RecoverOptions) -> dict[str, Any]:
    return {
        "weights": restorer.sha256,
        "code": code_sha256(__name__, *restorer.modules),
        "device": str(restorer.device),
        "method": None if options.method is None else options.method.name,
        "swap": options.swap,
        "invent_color": options.invent_color,
        "layout": options.layouts[0].name,
        "glasses": options.glasses.name,
    }
