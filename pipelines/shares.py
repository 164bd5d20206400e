"""Work cut into shares that any machine with the same folders can do, each a pure function of its number.

A share of `synthesize` is a folder of scenes. `gather` writes the stage's shards from all of them, where the stage
finds them finished: DVC then records the bytes that it would have made by itself.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines import paths, synthesize
from restereo.config import Params, Split, load_params
from restereo.inference.batch import Job
from restereo.training.shards import Record, Shards, finished, write_split

WHOLE = 2**62
"""No limit: a share is one file."""


@dataclass(frozen=True)
class Share:
    """Some scenes of one split.

    Attributes:
        task: Row of `tasks:`.
        split: `train`, `validation` or `test`.
        start: The first scene's number.
        stop: The number after the last one's.
    """

    task: str
    split: Split
    start: int
    stop: int

    def __str__(self) -> str:
        return f"{self.split}-{self.start:07d}-{self.stop:07d}"


def cut(task: str, split: Split, count: int, size: int) -> list[Share]:
    """Returns the shares of so many scenes, each of at most `size`.

    Example:
        >>> [str(share) for share in cut("anaglyph", "train", 5, 2)]
        ['train-0000000-0000002', 'train-0000002-0000004', 'train-0000004-0000005']
    """
    return [Share(task, split, start, min(start + size, count)) for start in range(0, count, size)]


def of_task(task: str, size: int) -> list[Share]:
    """Returns the shares of a task that are not done yet."""
    params = load_params()
    place = synthesize.workplace_of(params, task)
    every = [s for split in synthesize.SPLITS for s in cut(task, split, len(_scenes(params, task, split)), size)]
    return [share for share in every if not (place / "shares" / str(share) / "index.json").is_file()]


def make(share: Share) -> int:
    """Returns how many scenes it made: those of the share, into a folder of its own that appears when it is whole."""
    params = load_params()
    scenes = _scenes(params, share.task, share.split)
    place = synthesize.workplace_of(params, share.task) / "shares"
    temporary, whole = place / f".{share}.tmp", place / str(share)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    records = synthesize.made(scenes, range(share.start, share.stop), 0)
    rows = write_split(temporary, share.split, records, WHOLE)
    (temporary / "index.json").write_text(json.dumps({"splits": {share.split: rows}}), encoding="utf-8")
    shutil.rmtree(whole, ignore_errors=True)
    temporary.replace(whole)
    return len(rows)


def gather(task: str, size: int) -> Path:
    """Returns the folder in which the stage finds its shards finished, after writing them from all shares."""
    params = load_params()
    place = synthesize.workplace_of(params, task)
    limit = params.synthesize.shard_mib * 2**20
    for split in synthesize.SPLITS:
        count, done = len(_scenes(params, task, split)), len(finished(place, split))
        write_split(place, split, _records(place, cut(task, split, count, size), done), limit)
    shutil.rmtree(place / "shares")
    return place


def _records(place: Path, shares: Sequence[Share], done: int) -> Iterator[Record]:
    """The scenes of all shares in order, without the first `done`."""
    for share in shares:
        made = Shards(place / "shares" / str(share))
        for number, row in enumerate(made.rows(share.split), share.start):
            if number >= done:
                observations = {name: made.observation(row, name) for name in row["variants"]}
                facts = {key: row[key] for key in row.keys() - {"name", "shard", "size", "variants"}}
                yield Record(made.scene(row), observations, facts)


def _scenes(params: Params, task: str, split: Split) -> synthesize.Scenes:
    from restereo.training.trainer import make_task

    rows = synthesize.rows_of(params.task(task).sources, paths.MANIFEST)[split]
    return synthesize.Scenes(make_task(params, task), split, rows, params)


def of_jobs(jobs: Sequence[Job], size: int) -> list[list[Job]]:
    """Returns pictures to recover in shares of at most `size`.

    Example:
        >>> [len(share) for share in of_jobs([Job(Path("a.jpg"), [Path("b.png")])] * 5, 2)]
        [2, 2, 1]
    """
    return [[*jobs[start : start + size]] for start in range(0, len(jobs), size)]
