"""What is there to choose from: a folder is a registry, a file in it is an entry.

Every file of a registered folder has a function `build(...)`; its keyword arguments are the options that
`params.yaml` may give. Files whose name starts with an underscore are not entries. Of data sets, most are rows of one
table, `restereo.datasets.public.PUBLIC`, and only those named here have files of their own.
"""

import ast
import importlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from restereo.errors import UserError, nearest

Kind = Literal["source", "task", "model", "objective", "baseline"]

FOLDERS: dict[Kind, str] = {
    "source": "datasets",
    "task": "tasks",
    "model": "models",
    "objective": "training/objectives",
    "baseline": "evaluation/baselines",
}

_OWN_FILE = ("builtin", "folder")


def _public() -> Iterable[str]:
    """Returns the names of the public data sets."""
    table: dict[str, Any] = importlib.import_module("restereo.datasets.public").PUBLIC
    return table


def _file(kind: Kind, name: str) -> str:
    """Returns the name of the file that builds an entry."""
    return "public_source" if kind == "source" and name not in _OWN_FILE else name


def names(kind: Kind) -> list[str]:
    """Returns the entries of a kind, sorted, without importing any of them.

    Example:
        >>> "unet" in names("model")
        True
    """
    if kind == "source":
        return sorted([*_OWN_FILE, *_public()])
    folder = Path(__file__).parent / FOLDERS[kind]
    return sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))


def check(kind: Kind, name: str, where: str = "") -> None:
    """Raises `UserError` with the nearest name unless the entry exists. `where` says what asked for it."""
    if name not in names(kind):
        raise UserError(f"{where}unknown {kind} '{name}': {nearest(name, names(kind))}.")


def module_of(kind: Kind, name: str) -> str:
    """Returns the full name of the entry's module, without importing it.

    Raises:
        UserError: There is no such entry.

    Example:
        >>> module_of("objective", "pixel")
        'restereo.training.objectives.pixel'
    """
    check(kind, name)
    return f"restereo.{FOLDERS[kind].replace('/', '.')}.{_file(kind, name)}"


def load(kind: Kind, name: str) -> ModuleType:
    """Returns the entry's module.

    Raises:
        UserError: There is no such entry.
    """
    return importlib.import_module(module_of(kind, name))


def options_of(kind: Kind, name: str) -> list[str]:
    """Returns the options of an entry, the keyword arguments of its `build`, without importing it: torch takes seconds.

    Raises:
        UserError: There is no such entry.

    Example:
        >>> options_of("model", "unet")[0]
        'size'
    """
    check(kind, name)
    tree = ast.parse((Path(__file__).parent / FOLDERS[kind] / f"{_file(kind, name)}.py").read_text(encoding="utf-8"))
    made = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == "build")
    return [argument.arg for argument in made.args.kwonlyargs]


def check_options(kind: Kind, name: str, options: Iterable[str], where: str = "") -> None:
    """Raises `UserError` with the nearest option if one is none of the entry's. `where` says what asked for it."""
    known = options_of(kind, name)
    for option in options:
        if option not in known:
            raise UserError(f"{where}{kind} '{name}' has no option '{option}': {nearest(option, known)}.")


def build(kind: Kind, name: str, *arguments: Any, **options: Any) -> Any:
    """Returns what the entry's `build` makes of these arguments and options.

    Raises:
        UserError: There is no such entry, or it has no such option.
    """
    check_options(kind, name, options)
    if _file(kind, name) != name:  # A row of the table, by its name.
        arguments = (name, *arguments)
    return load(kind, name).build(*arguments, **options)
