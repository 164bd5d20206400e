"""`python -m tests.shares`: how much of the library only one task uses, in lines, by files and imports alone.

A file is a task's own if whatever leads to it by imports, also those within functions, is that task's: its file, the
networks and objectives of its recipes, its commands. Stages and tests are nobody's.
"""

import ast
from functools import cache
from pathlib import Path

from restereo import catalog
from restereo.config import load_params
from tests.conftest import ROOT

COMMANDS = {
    "anaglyph": [
        "inference.batch",
        "video.temporal",
        "inference.onnx",
        "app.page",
        "imaging.detection",
    ],
}
"""What only the commands of one task use: those of the siblings are one table, `inference/restore.py`."""
TRUNK = ["training.trainer", "evaluation.protocol", "inference.engine", "video.recovery", "app.crafts"]
"""What every task goes through."""


def file_of(module: str) -> Path | None:
    """Returns the file of a module of the library, below the root, or None if it is none."""
    place = ROOT.joinpath(*module.split("."))
    found = [one for one in (place.with_suffix(".py"), place / "__init__.py") if one.is_file()]
    return found[0] if found else None


@cache
def imports(file: Path) -> frozenset[Path]:
    """Returns the files of the library that a file imports, anywhere in it."""
    names: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    return frozenset(one for name in names if name.startswith("restereo.") and (one := file_of(name)))


def reached(modules: list[str]) -> set[Path]:
    """Returns the files of the library that these modules need, themselves included."""
    found: set[Path] = set()
    todo = [file for module in modules if (file := file_of(module))]
    while todo:
        file = todo.pop()
        if file not in found:
            found.add(file)
            todo += imports(file)
    return found


def roots() -> dict[str, list[str]]:
    """Returns the modules that belong to each task, by the name of its file, and those of the trunk."""
    params = load_params(ROOT / "params.yaml")
    own = {kind: [f"tasks.{kind}", *COMMANDS.get(kind, [])] for kind in catalog.names("task")}
    for recipe in params.recipes.values():
        own[recipe.kind] += [f"models.{recipe.model}", f"training.objectives.{recipe.objective}"]
    return {**own, "trunk": TRUNK}


def lines(files: set[Path]) -> int:
    """Returns how many lines these files have."""
    return sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files)


def main() -> None:
    """Prints the table."""
    needs = {name: reached([f"restereo.{module}" for module in modules]) for name, modules in roots().items()}
    whole = set((ROOT / "restereo").rglob("*.py"))
    print("| task | files of its own | lines | share of the library | the largest |")
    print("|---|---|---|---|---|")
    shared = lines(whole)
    for kind in catalog.names("task"):
        others = set().union(*(files for name, files in needs.items() if name != kind))
        own = needs[kind] - others
        largest = sorted(own, key=lambda file: -lines({file}))[:3]
        named = ", ".join(f"`{file.relative_to(ROOT / 'restereo').with_suffix('')}`" for file in largest)
        print(f"| `{kind}` | {len(own)} | {lines(own):,} | {lines(own) / lines(whole):.1%} | {named} |")
        shared -= lines(own)
    print(f"| all others, and what several use | | {shared:,} | {shared / lines(whole):.1%} | |")


if __name__ == "__main__":
    main()
