"""From a film's file to the film of its restored pictures, for every task of single pictures."""

from pathlib import Path

from restereo.errors import UserError
from restereo.image import Picture
from restereo.inference.engine import Restorer
from restereo.inference.restore import Command, Restored, doubted, target_of
from restereo.io.write import check_target
from restereo.source_code import code_sha256
from restereo.video.conversion import VideoOptions
from restereo.video.frames import Frames
from restereo.video.job import Facts, FilmJob, produce
from restereo.video.reader import open_film
from restereo.video.writer import check_ending, ending_for

LEAST_CONTRAST = 8.0
"""Standard deviation in codes under which a frame, such as a black one, says nothing of a film."""


def restore_film(file: Path, out: Path | None, restorer: Restorer, command: Command, wanted: VideoOptions) -> Restored:
    """Returns what was done after writing the restored film; a killed run is taken up where it was.

    Size, rate, times, sound and all else are the original's.

    Args:
        file: The film.
        out: File or folder to write; by default the result lies beside the film.
        restorer: The network.
        command: What is done.
        wanted: Which part, and how it is encoded; with `sample` one frame becomes a picture.

    Raises:
        UserError: The film is damaged, or hardly what the task restores, or the file cannot hold it.
    """
    if len(command.asks) != 1:
        raise UserError(f"{file}: a film; `{command.name}` takes pictures only.")
    target = target_of(file, out, command.ending + (".png" if wanted.sample else ending_for(file)))
    (check_target if wanted.sample else check_ending)(target)
    film = open_film(file)

    def judge(samples: list[Picture]) -> Facts:
        telling = [one for one in samples if one.std() > LEAST_CONTRAST]
        doubts = [doubt for one in telling if (doubt := restorer.task.doubt(one))]
        most = len(doubts) > len(telling) / 2
        return {"notes": doubted(doubts[0], str(file), command, wanted.force) if most else []}

    code = code_sha256(__name__, *restorer.modules)
    maker = {"weights": restorer.sha256, "code": code, "device": str(restorer.device), "command": command.name}
    made = produce(film, target, FilmJob(wanted, maker, judge, lambda _: Frames(restorer)))
    count = [] if wanted.sample else [f"{made.frames} frame{'s' if made.frames > 1 else ''}"]
    return Restored([target], [*count, *made.facts["notes"], *made.notes])
