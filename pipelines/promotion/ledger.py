"""The log of decisions, `data/ledger.jsonl`: a line of JSON for each, only ever appended; git keeps its history."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self
from uuid import uuid4

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from pipelines import paths
from pipelines.promotion.decision import Verdict
from pipelines.tracking.lineage import work_tree
from restereo.errors import UserError

MOVES = ("promote", "rollback")
"""Actions after which another model is champion."""


class Model(BaseModel):
    """What a line says of a registered version; `unknown` where the version has no such tag."""

    model_config = ConfigDict(frozen=True)
    content_key: str
    recipe: str
    version: int
    run_id: str = ""
    git_rev: str = "unknown"
    git_dirty: str = "unknown"
    data_sha256: str = "unknown"
    params_sha256: str = "unknown"
    weights_sha256: str = "unknown"


class Entry(BaseModel):
    """One decision.

    Attributes:
        line: Its number in the file, from 1; 0 = not written yet.
        id: Names the entry; the version that it made champion is tagged with it. Older files call it `sha256`.
        time: When, ISO 8601 in UTC.
        task: The registered model.
        action: What was decided.
        code: Git revision of the code that decided.
        champion: Who is champion after it; None if nobody is.
        previous: Who was champion before that one.
        challenger: Who was compared with the champion; None for a rollback.
        against: What the challenger was compared with: a version, or a baseline's name.
        verdict: What came of the comparison.
        settings: The margins it was decided with.
        question: Digest of all that the comparison depended on (`promote.question_digest`).
        reason: Why a person rolled back.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")
    line: int = Field(0, exclude=True)
    id: str = Field(validation_alias=AliasChoices("id", "sha256"))
    time: str
    task: str
    action: Literal["promote", "refuse", "rollback"]
    code: str = "unknown"
    champion: Model | None
    previous: Model | None
    challenger: Model | None = None
    against: str = ""
    verdict: Verdict | None = None
    settings: dict[str, Any] | None = None
    question: str = ""
    reason: str = ""

    @classmethod
    def now(cls, **facts: Any) -> Self:
        """Returns an entry of this moment and this revision of the code."""
        time = datetime.now(UTC).isoformat(timespec="seconds")
        return cls(id=uuid4().hex, time=time, code=work_tree()["git_rev"], **facts)

    def __str__(self) -> str:
        who = f"champion {self.champion.recipe} version {self.champion.version}" if self.champion else "no champion"
        why = self.verdict.reason if self.verdict else self.reason
        return f"{self.line}  {self.time}  {self.task}: {self.action}, {who}{f': {why}' if why else ''}"


def read(file: Path = paths.LEDGER) -> list[Entry]:
    """Returns the entries of the log, the oldest first; none if there is no file yet.

    Raises:
        UserError: A line is no decision.

    Example:
        >>> read(Path("no/such/ledger.jsonl"))
        []
    """
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    entries = []
    for number, row in enumerate(text.splitlines(), 1):
        try:
            entries.append(Entry.model_validate(json.loads(row) | {"line": number}))
        except (ValueError, TypeError) as error:
            restore = f"restore it with `git checkout -- {file}`"
            raise UserError(f"{file}: line {number} is no decision; {restore}.") from error
    return entries


def append(entry: Entry, file: Path = paths.LEDGER) -> Entry:
    """Returns the entry with its line's number. It is on the disk, whole, or it was not added.

    Raises:
        UserError: A line that is there is no decision.
    """
    added = entry.model_copy(update={"line": len(read(file)) + 1})
    rows = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    paths.write_whole(file, "\n".join([*rows, added.model_dump_json()]) + "\n")
    return added


def last_move(entries: Sequence[Entry], task: str) -> Entry | None:
    """Returns the entry that says which model of a task is champion now, None if there is none yet."""
    return next((one for one in reversed(entries) if one.task == task and one.action in MOVES), None)


def refusal(entries: Sequence[Entry], question: str) -> Entry | None:
    """Returns the entry that refused a challenger when the same was asked, None if none did."""
    return next((one for one in reversed(entries) if (one.question, one.action) == (question, "refuse")), None)


def rolled_back(entries: Sequence[Entry], task: str, key: str) -> Entry | None:
    """Returns the entry that replaced a champion by its predecessor, None if it was promoted again since.

    Args:
        entries: The log.
        task: The registered model.
        key: Content key of the version that may have been rolled back.
    """
    for one in reversed([one for one in entries if one.task == task and one.action in MOVES]):
        if one.champion and one.champion.content_key == key:
            return None
        if one.action == "rollback" and one.previous and one.previous.content_key == key:
            return one
    return None
