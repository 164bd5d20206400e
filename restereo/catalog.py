"""What is there to choose from: a folder is a registry, a file in it is an entry.

Every file of a registered folder has a function `build`, which takes the options that `params.yaml` may give: an
instance of the file's own class `Options`. One that has no such class has no options. Files whose name starts with an
underscore are not entries. Of data sets, most are rows of one table, `restereo.datasets.public.PUBLIC`, and only those
named here have files of their own.
"""

import ast
import importlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from restereo.errors import UserError, nearest
from restereo.options import Channels, Section, parse

Kind = Literal["source", "task", "model", "objective"]

FOLDERS: dict[Kind, str] = {
    "source": "datasets",
    "task": "tasks",
    "model": "models",
    "objective": "training/objectives",
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


@cache
def declared(file: str, name: str) -> Any:
    """Returns what a top-level name of a file of this package stands for, or None if there is none.

    Only what the name needs is run, of the file: what else stands there may import torch, which takes seconds, and
    `params.yaml` is checked whenever a stage starts.

    Args:
        file: Its path below the package, with `/`.
        name: A class or a constant.

    Example:
        >>> declared("models/parallax.py", "CHANNELS")
        (12, 6)
    """
    path = Path(__file__).parent / file
    source = path.read_text(encoding="utf-8")
    try:
        tree = ast.parse(source)
    except SystemError:  # seen on CPython 3.11.7 while other threads parsed: "recursion depth mismatch"
        tree = ast.parse(source)
    binding = {bound: node for node in tree.body for bound in _bound(node)}
    needed: set[ast.stmt] = set()
    names = [name]
    while names:
        node = binding.get(names.pop())
        if node and node not in needed:
            needed.add(node)
            names += [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
    scope: dict[str, Any] = {"__name__": f"restereo.{file.removesuffix('.py').replace('/', '.')}"}
    kept = ast.Module([node for node in tree.body if node in needed], [])
    exec(compile(kept, path, "exec"), scope)
    return scope.get(name)


def _bound(node: ast.stmt) -> Iterator[str]:
    """Yields the names that a statement binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.ClassDef | ast.FunctionDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        yield from (one.id for one in ast.walk(node) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store))


def options_of(kind: Kind, name: str) -> type[Section]:
    """Returns the class of an entry's options, without importing the entry.

    Raises:
        UserError: There is no such entry.

    Example:
        >>> list(options_of("model", "unet").model_fields)
        ['size', 'mask', 'dropout']
    """
    check(kind, name)
    found: type[Section] | None = declared(f"{FOLDERS[kind]}/{_file(kind, name)}.py", "Options")
    return found or Section


def channels_of(kind: Literal["task", "model"], name: str) -> Channels:
    """Returns the constant `CHANNELS` of an entry; any, if it has none.

    Raises:
        UserError: There is no such entry.

    Example:
        >>> channels_of("model", "unet"), channels_of("task", "colorization")
        ((None, None), (1, 3))
    """
    check(kind, name)
    found: Channels | None = declared(f"{FOLDERS[kind]}/{name}.py", "CHANNELS")
    return found or (None, None)


def check_options(kind: Kind, name: str, options: Mapping[str, Any], where: str = "", place: str = "") -> Section:
    """Returns the options of an entry. `where` and `place` (a key) say what asked for them.

    Raises:
        UserError: There is no such entry, it has no such option, or not with this value; the nearest is named.
    """
    return parse(options_of(kind, name), options, where, place, f"{kind} '{name}'")


def check_fit(model: str, channels: Channels, where: str = "") -> None:
    """Raises `UserError` unless a model takes and gives this many channels; those that would are named."""

    def fits(name: str) -> bool:
        own = channels_of("model", name)
        return all(None in pair or pair[0] == pair[1] for pair in zip(own, channels, strict=True))

    if not fits(model):
        sides = ["any number of" if one is None else one for one in channels_of("model", model)]
        raise UserError(
            f"{where}model '{model}' takes {sides[0]} channels and gives {sides[1]}, but its task has {channels[0]} "
            f"and asks for {channels[1]}; models that fit: {', '.join(filter(fits, names('model')))}."
        )


def build(kind: Kind, name: str, *arguments: Any, **options: Any) -> Any:
    """Returns what the entry's `build` makes of these arguments and options.

    Raises:
        UserError: There is no such entry, it has no such option, or not with this value.
    """
    module = load(kind, name)
    known: type[Section] | None = getattr(module, "Options", None)
    checked = parse(known or Section, options, owner=f"{kind} '{name}'")
    if _file(kind, name) != name:  # A row of the table, by its name.
        arguments = (name, *arguments)
    return module.build(*arguments, checked) if known else module.build(*arguments)
