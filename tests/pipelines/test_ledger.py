"""Nobody changes what the ledger says without being found out."""

import json
import subprocess
from pathlib import Path

import pytest

from pipelines import ledger
from pipelines.lineage import canonical_sha256
from restereo.errors import UserError


def entry(action: str, champion: str, previous: str | None = None, task: str = "anaglyph") -> dict[str, object]:
    models = {
        name: {"content_key": key, "recipe": key, "version": 1} if key else None
        for name, key in (("champion", champion), ("previous", previous))
    }
    return {"time": "2026-01-02T03:04:05+00:00", "task": task, "action": action, **models}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A ledger of four lines."""
    file = tmp_path / "data" / "ledger.jsonl"
    for action, champion, previous in (
        ("promote", "a", None),
        ("promote", "b", "a"),
        ("refuse", "b", "a"),
        ("rollback", "a", "b"),
    ):
        ledger.append(entry(action, champion, previous), file)
    return file


def test_every_line_holds_the_hash_of_the_one_before(file: Path) -> None:
    rows = [json.loads(row) for row in file.read_text().splitlines()]
    assert [row["line"] for row in rows] == [1, 2, 3, 4]
    assert [row["before"] for row in rows] == [ledger.START, *(row["sha256"] for row in rows[:-1])]
    assert len(ledger.read(file)) == 4


def test_an_edited_line_is_named(file: Path) -> None:
    rows = file.read_text().splitlines()
    for number in range(1, 5):
        edited = [*rows]
        edited[number - 1] = rows[number - 1].replace("anaglyph", "analgyph")
        file.write_text("\n".join(edited) + "\n")
        with pytest.raises(UserError, match=rf"ledger\.jsonl: line {number} was edited; restore it with `git checkout"):
            ledger.read(file)


def test_an_edit_with_a_hash_to_match_is_found_out_by_the_next_line(file: Path) -> None:
    rows = file.read_text().splitlines()
    body = json.loads(rows[1])
    body["champion"]["recipe"] = "mine"
    del body["sha256"]
    rows[1] = json.dumps(body | {"sha256": canonical_sha256(body)}, sort_keys=True)
    file.write_text("\n".join(rows) + "\n")
    with pytest.raises(UserError, match="line 2 was edited, or lines before line 3"):
        ledger.read(file)


@pytest.mark.parametrize(
    ("kept", "said"),
    [((1, 2, 3), "line 1 is not the first"), ((0, 2, 3), "before line 2"), ((0, 2, 1, 3), "before line 2")],
)
def test_a_line_that_was_removed_or_moved_is_found_out(file: Path, kept: tuple[int, ...], said: str) -> None:
    rows = file.read_text().splitlines()
    file.write_text("\n".join(rows[number] for number in kept) + "\n")
    with pytest.raises(UserError, match=said):
        ledger.read(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{}\n", "line 1 is no line of a ledger"), ("[1]\n", "line 1 is no"), ('{"line": 1', "last line is not whole")],
)
def test_what_is_no_ledger_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "ledger.jsonl"
    file.write_text(text)
    with pytest.raises(UserError, match=said):
        ledger.read(file)


def test_what_git_holds_may_not_change_even_at_the_end(file: Path) -> None:
    """The last line has no next one to find it out: the last commit does."""
    git = ["git", "-C", str(file.parent)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "ledger.jsonl"], check=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, *who, "commit", "-qm", "ledger"], check=True)
    ledger.append(entry("promote", "c", "a"), file)
    assert len(ledger.read(file)) == 5
    rows = file.read_text().splitlines()
    file.write_text("\n".join(rows[:3]) + "\n")
    with pytest.raises(UserError, match="line 4 is gone that git holds"):
        ledger.read(file)
    file.unlink()
    with pytest.raises(UserError, match="line 1 is gone that git holds"):
        ledger.read(file)


def test_a_refusal_changes_no_champion_and_a_rollback_is_remembered(file: Path) -> None:
    lines = ledger.read(file)
    move = ledger.last_move(lines[:3], "anaglyph")
    assert move is not None and (move.number, move.key("champion"), move.key("previous")) == (2, "b", "a")
    assert ledger.last_move(lines, "colorization") is None
    fallen = ledger.rolled_back(lines, "anaglyph", "b")
    assert fallen is not None and fallen.number == 4
    assert ledger.rolled_back(lines, "anaglyph", "a") is None
    later = [*lines, ledger.append(entry("promote", "c", "a"), file)]
    assert ledger.rolled_back(later, "anaglyph", "b") is not None
    assert ledger.rolled_back([*later, ledger.append(entry("promote", "b", "c"), file)], "anaglyph", "b") is None
