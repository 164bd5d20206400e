"""What makes work that was begun begin anew: other code that does it, and nothing else."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import restereo
from restereo.digests import code_sha256

FILES = {
    "__init__.py": "",
    "app.py": "from house.work import answer",
    "work.py": "from house.rooms import deep",
    "rooms/__init__.py": "",
    "rooms/deep.py": """def answer():\n    from house import late\n    return late.VALUE""",
    "late.py": "import json\nVALUE = 1",
    "named.py": "VALUE = 1",
}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in FILES.items():
        file = tmp_path / "house" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "house", raising=False)
    return tmp_path / "house"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("app.py", "VALUE = 2"),
        ("named.py", "VALUE = 2"),
        ("work.py", "# a comment\nfrom house.rooms import deep\n\n"),
        ("late.py", '"""A docstring."""\nimport json\nVALUE = 1\n"""Of the value."""'),
    ],
)
def test_what_does_no_work_does_not_count(house: Path, file: str, text: str) -> None:
    before = code_sha256("house.work")
    (house / file).write_text(text)
    assert code_sha256("house.work") == before


@pytest.mark.parametrize(
    ("file", "text"), [("late.py", "import json\nVALUE = 2"), ("rooms/deep.py", "def answer(): ..."), ("work.py", "")]
)
def test_what_does_the_work_counts(house: Path, file: str, text: str) -> None:
    before = code_sha256("house.work")
    (house / file).write_text(text)
    assert code_sha256("house.work") != before


def test_what_is_loaded_by_name_counts_where_it_is_named(house: Path) -> None:
    before = code_sha256("house.work", "house.named")
    (house / "named.py").write_text("VALUE = 2")
    assert code_sha256("house.work", "house.named") != before


def test_a_module_that_is_not_there_is_an_error(house: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"house\.nowhere"):
        code_sha256("house.nowhere")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    package = Path(restereo.__file__).parent
    return Path(shutil.copytree(package, tmp_path / "restereo", ignore=shutil.ignore_patterns("weights", "*.pyc")))


def digest(package: Path, work: str) -> str:
    modules = work, "restereo.tasks.anaglyph", "restereo.models.unet"
    command = f"from restereo.digests import code_sha256; print(code_sha256(*{modules}))"
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=package.parent, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("work", ["restereo.training.trainer", "restereo.video.recovery"])
def test_the_page_and_the_commands_decide_no_training_and_no_film(copied: Path, work: str) -> None:
    before = digest(copied, work)
    for other in ("app/__init__.py", "cli/__init__.py", "models/naf_sr.py"):
        (copied / other).write_text((copied / other).read_text() + "\nMORE = 1\n")
    for own in ("layers/projection.py", "tasks/anaglyph.py"):
        (copied / own).write_text((copied / own).read_text() + "\n# a comment\n")
    assert digest(copied, work) == before
    (copied / "layers" / "projection.py").write_text("")
    assert digest(copied, work) != before
