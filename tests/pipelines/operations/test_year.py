"""The year in docs/operations.md names commands, options and tests that exist."""

import re
import shlex
from pathlib import Path

import pytest
from typer.core import TyperGroup
from typer.main import get_group

from pipelines.cli import app
from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if re.match(r"\| \d+ \|", line)
]


def test_the_days_go_from_1_to_365() -> None:
    days = [int(row[0]) for row in ROWS]
    assert days == sorted(days) and (days[0], days[-1]) == (1, 365)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[2]}")
def test_every_row_is_executed_or_says_that_it_is_not(row: list[str]) -> None:
    executed = row[3]
    tests = re.findall(r"(tests/[\w/]+\.py)(?:::(\w+))?", executed)
    for file, name in tests:
        assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8") if name else Path(ROOT, file).is_file(), file
    assert tests or executed.startswith(("not executed", "by hand", "continuous integration"))


@pytest.mark.parametrize(
    "command", sorted({c for row in ROWS for c in re.findall("`(restereo-pipelines .+?)`", row[2])})
)
def test_every_command_is_parsed(command: str) -> None:
    _, *arguments = shlex.split(command)
    found = get_group(app)
    while isinstance(found, TyperGroup):
        name, *arguments = arguments
        found = found.commands[name]
    found.make_context(name, arguments)  # raises for an option or argument that there is not
