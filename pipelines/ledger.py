"""The ledger of decisions, `data/ledger.jsonl`: lines are only added, and each holds the hash of the one before."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import paths
from pipelines.lineage import canonical_sha256
from restereo.errors import UserError

START = "0" * 64
MOVES = ("promote", "rollback")
"""Actions after which another model is champion."""


@dataclass(frozen=True)
class Line:
    """One decision.

    Attributes:
        number: Of the line, from 1.
        sha256: Hash of the line; the next one repeats it as `before`.
        content: Everything else that stands there: `time`, `task`, `action`, `champion`, `previous`, `challenger` …
    """

    number: int
    sha256: str
    content: Mapping[str, Any]

    def key(self, role: str) -> str | None:
        """Returns the content key of the model in this role after the decision; None if there was none."""
        model = self.content.get(role)
        return str(model["content_key"]) if model else None


def written(content: Mapping[str, Any], number: int, before: str) -> str:
    """Returns the text of a line: JSON with sorted keys, the hash of all the rest among them.

    Example:
        >>> json.loads(written({"task": "anaglyph"}, 1, START))["sha256"][:8]
        'eb6edd71'
    """
    body = {**content, "line": number, "before": before}
    return json.dumps(body | {"sha256": canonical_sha256(body)}, sort_keys=True)


def parse(text: str, name: str = "ledger.jsonl") -> list[Line]:
    r"""Returns the lines of a ledger.

    Raises:
        UserError: A line was edited, moved, added by hand or removed: the sentence names it.

    Example:
        >>> parse(written({"task": "anaglyph"}, 1, START) + "\n")[0].content["task"]
        'anaglyph'
        >>> parse(written({"task": "anaglyph"}, 1, START).replace("anaglyph", "analgyph"))
        Traceback (most recent call last):
        restereo.errors.UserError: ledger.jsonl: line 1 was edited; restore it with `git checkout -- ledger.jsonl`.
    """
    lines: list[Line] = []
    for number, row in enumerate(text.splitlines(), 1):
        restore = f"restore it with `git checkout -- {name}`"
        try:
            body = json.loads(row)
            sha256, place, before = str(body.pop("sha256")), body["line"], body["before"]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise UserError(f"{name}: line {number} is no line of a ledger; {restore}.") from None
        if canonical_sha256(body) != sha256 or written(_inner(body), place, before) != row:
            raise UserError(f"{name}: line {number} was edited; {restore}.")
        last = lines[-1].sha256 if lines else START
        if place != number or before != last:
            gone = f"line {number - 1} was edited, or lines before line {number} were added or removed"
            raise UserError(f"{name}: {gone}; {restore}." if lines else f"{name}: line 1 is not the first; {restore}.")
        lines.append(Line(number, sha256, _inner(body)))
    return lines


def _inner(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in {"line", "before"}}


def read(file: Path = paths.LEDGER) -> list[Line]:
    """Returns the lines of the ledger, none if there is no file yet.

    Raises:
        UserError: A line was edited, moved or removed; also one that the last commit holds.
    """
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    if text and not text.endswith("\n"):
        raise UserError(f"{file}: its last line is not whole; restore it with `git checkout -- {file}`.")
    lines = parse(text, str(file))
    for number, (was, now) in enumerate(_beside(committed(file), text.splitlines()), 1):
        if was != now:
            gone = "is gone" if now is None else "is not the one"
            raise UserError(f"{file}: line {number} {gone} that git holds; restore it with `git checkout -- {file}`.")
    return lines


def _beside(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str | None]]:
    return [(row, new[i] if i < len(new) else None) for i, row in enumerate(old)]


def committed(file: Path) -> list[str]:
    """Returns the rows of the file in the last commit; none outside a repository, or if it was never committed.

    Example:
        >>> committed(Path("no/such/folder/ledger.jsonl"))
        []
    """
    if not file.parent.is_dir():
        return []
    command = ["git", "show", f"HEAD:./{file.name}"]
    try:
        done = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return []
    return done.stdout.splitlines()


def append(content: Mapping[str, Any], file: Path = paths.LEDGER) -> Line:
    """Returns the line that now ends the ledger. It is on the disk, whole, or it was not added.

    Raises:
        UserError: The ledger is damaged.
    """
    lines = read(file)
    text = written(content, len(lines) + 1, lines[-1].sha256 if lines else START)
    old = file.read_bytes() if file.is_file() else b""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        stream.write(old + text.encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
    return parse(f"{old.decode()}{text}\n", str(file))[-1]


def last_move(lines: Sequence[Line], task: str) -> Line | None:
    """Returns the line that says which model of a task is champion now, None if there is none yet."""
    return next((x for x in reversed(lines) if x.content["task"] == task and x.content["action"] in MOVES), None)


def answer(lines: Sequence[Line], question: str) -> Line | None:
    """Returns the line that refused a challenger when the same was asked (`promotion.question`), None if none did."""
    asked = (line for line in reversed(lines) if line.content.get("question") == question)
    return next((line for line in asked if line.content["action"] == "refuse"), None)


def rolled_back(lines: Sequence[Line], task: str, key: str) -> Line | None:
    """Returns the line that took a model from the throne, None if it was not there or was promoted again since."""
    for line in reversed(lines):
        if line.content["task"] == task and line.content["action"] in MOVES:
            if line.key("champion") == key:
                return None
            if line.content["action"] == "rollback" and line.key("previous") == key:
                return line
    return None


def told(line: Line) -> str:
    """Returns a decision in one row of text.

    Example:
        >>> champion = {"recipe": "unet", "version": 2, "content_key": "k"}
        >>> told(Line(1, "", {"time": "2026-01-02", "task": "anaglyph", "action": "rollback", "champion": champion}))
        '1  2026-01-02  anaglyph: rollback, champion unet version 2'
    """
    content, champion = line.content, line.content.get("champion")
    who = f"champion {champion['recipe']} version {champion['version']}" if champion else "no champion"
    why = (content.get("verdict") or {}).get("reason") or content.get("reason")
    return f"{line.number}  {content['time']}  {content['task']}: {content['action']}, {who}{f': {why}' if why else ''}"
