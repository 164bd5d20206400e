"""The log of decisions: lines are only appended, whole; a line that is no decision is named; older files are read."""

import json
from pathlib import Path

import pytest

from pipelines.promotion import ledger
from pipelines.promotion.decision import Check, Verdict
from pipelines.promotion.ledger import Entry, Model
from restereo.errors import UserError


def entry(action: str, champion: str, previous: str | None = None, **facts: object) -> Entry:
    models = {
        name: Model(content_key=key, recipe=key, version=1) if key else None
        for name, key in (("champion", champion), ("previous", previous))
    }
    return Entry.now(task="anaglyph", action=action, **models, **facts)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A log of four lines."""
    file = tmp_path / "data" / "ledger.jsonl"
    for action, champion, previous in (
        ("promote", "a", None),
        ("promote", "b", "a"),
        ("refuse", "b", "a"),
        ("rollback", "a", "b"),
    ):
        ledger.append(entry(action, champion, previous), file)
    return file


def test_lines_are_appended_and_read_back(file: Path) -> None:
    before = file.read_text()
    check = Check("psnr, lower bound", float("inf"), 21.0, None, 0.1, True)
    added = ledger.append(entry("refuse", "a", "b", verdict=Verdict("refuse", "why", 25, (check,))), file)
    assert file.read_text().startswith(before)
    assert [one.line for one in ledger.read(file)] == [1, 2, 3, 4, 5]
    assert ledger.read(file)[-1] == added
    assert str(added).endswith("anaglyph: refuse, champion a version 1: why")


@pytest.mark.parametrize("text", ["{}", "[1]", '{"line": 1', '{"id": "1", "time": "", "task": "t", "action": "win"}'])
def test_what_is_no_decision_is_named(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)
    with pytest.raises(UserError, match=r"ledger\.jsonl: line 5 is no decision; restore it with `git checkout"):
        ledger.read(file)
    with pytest.raises(UserError, match="line 5 is no decision"):
        ledger.append(entry("promote", "c", "a"), file)


def test_a_file_whose_lines_hold_hashes_is_read_and_continued(tmp_path: Path) -> None:
    """Until 2026-12 each line repeated the hash of the one before."""
    file = tmp_path / "ledger.jsonl"
    model = {"content_key": "a", "recipe": "unet", "run_id": "r", "version": 2, "git_rev": "f" * 40}
    verdict = {"outcome": "promote", "reason": "better.", "scenes": 25, "checks": []}
    row = {
        "time": "2026-01-02T03:04:05+00:00", "task": "anaglyph", "action": "promote", "code": "f" * 40, "line": 1,
        "champion": model, "challenger": model, "previous": None, "against": "identity", "verdict": verdict,
        "settings": {"gain": 0.1}, "question": "q", "before": "0" * 64, "sha256": "e" * 64,
    }  # fmt: skip
    file.write_text(json.dumps(row) + "\n")
    (old,) = ledger.read(file)
    assert old.id == "e" * 64 and old.champion is not None and old.champion.version == 2
    ledger.append(entry("rollback", "b", "a"), file)
    assert [one.action for one in ledger.read(file)] == ["promote", "rollback"]


def test_a_refusal_changes_no_champion_and_a_rollback_is_remembered(file: Path) -> None:
    entries = ledger.read(file)
    move = ledger.last_move(entries[:3], "anaglyph")
    assert move is not None and move.champion is not None and (move.line, move.champion.recipe) == (2, "b")
    assert ledger.last_move(entries, "colorization") is None
    found = ledger.rolled_back(entries, "anaglyph", "b")
    assert found is not None and found.line == 4
    assert ledger.rolled_back(entries, "anaglyph", "a") is None
    later = [*entries, ledger.append(entry("promote", "c", "a"), file)]
    assert ledger.rolled_back(later, "anaglyph", "b") is not None
    assert ledger.rolled_back([*later, ledger.append(entry("promote", "b", "c"), file)], "anaglyph", "b") is None
