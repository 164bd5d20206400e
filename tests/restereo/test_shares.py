"""What counts as one task's own code."""

from restereo import catalog
from tests import shares
from tests.conftest import ROOT


def test_own_files_are_those_that_nobody_else_needs(capsys):
    shares.main()
    rows = {line.split("`")[1]: line for line in capsys.readouterr().out.splitlines() if line.startswith("| `")}
    assert set(rows) == set(catalog.names("task"))
    for kind, row in rows.items():
        assert int(row.split("|")[3].replace(",", "")) >= len(
            (ROOT / f"restereo/tasks/{kind}.py").read_text().splitlines()
        )


def test_imports_within_functions_count():
    reached = {file.relative_to(ROOT / "restereo").as_posix() for file in shares.reached(["restereo.cli.restoring"])}
    assert {"video/recovery.py", "inference/restore.py", "inference/engine.py"} <= reached
    assert "inference/batch.py" not in reached
