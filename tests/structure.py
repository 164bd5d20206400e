"""`python -m tests.structure [--all]`: lines of each package, and the modules that a single other one imports."""

import subprocess
import sys
from pathlib import Path

import grimp

from tests.conftest import ROOT

PACKAGES = ("restereo", "pipelines")


def lines_in(file: Path) -> int:
    """Returns the lines of a text file."""
    return len(file.read_text(encoding="utf-8").splitlines())


def lines_of(folder: str, ending: str = "") -> int:
    """Returns the lines of the committed files below a folder whose names end so."""
    named = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, check=True, capture_output=True, text=True)
    files = [ROOT / name for name in named.stdout.split("\0") if name and name.endswith(ending)]
    return sum(lines_in(file) for file in files if file.is_file())


def imported_once() -> list[tuple[str, str]]:
    """Returns (module, its one importer) of each module that exactly one other module of the packages imports."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None, exclude_type_checking_imports=True)
    importers = {module: graph.find_modules_that_directly_import(module) for module in graph.modules}
    return sorted((module, next(iter(found))) for module, found in importers.items() if len(found) == 1)


def main() -> None:
    """Prints the figures; with `--all` the modules, too."""
    once = imported_once()
    for module, importer in once if "--all" in sys.argv else []:
        print(f"{module} <- {importer}")
    longest = max((file for package in PACKAGES for file in (ROOT / package).rglob("*.py")), key=lines_in)
    print(f"restereo/: {lines_of('restereo', '.py'):,} lines of Python")
    print(f"pipelines/: {lines_of('pipelines'):,} lines with templates")
    print(f"tests/: {lines_of('tests', '.py'):,} lines of Python")
    print(f"modules with one importer: {len(once)}")
    print(f"longest file: {longest.relative_to(ROOT)}, {lines_in(longest)} lines")


if __name__ == "__main__":
    main()
