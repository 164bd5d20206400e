"""Digests of files and of code: what work that was begun may go on with, and what makes it begin anew."""

import ast
import hashlib
import json
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def file_sha256(file: Path) -> str:
    """Returns the SHA-256 of a file in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def key_of(facts: Any, *modules: str) -> str:
    """Returns the SHA-256, in hexadecimal, over facts and code: work under another key is not taken up.

    Args:
        facts: All that the work depends on beside the code; anything that JSON can hold.
        modules: Those that do the work; what they import counts as well, see `code_sha256`.

    Example:
        >>> key_of({"seed": 0, "steps": 3}) == key_of({"steps": 3, "seed": 0}) != key_of({})
        True
    """
    content = json.dumps(facts, sort_keys=True) + code_sha256(*modules)
    return hashlib.sha256(content.encode()).hexdigest()


def code_sha256(*modules: str) -> str:
    """Returns the SHA-256, in hexadecimal, over the code of modules and of all that they import.

    Only modules of the given ones' packages and of `restereo` count, those imported inside functions too; the
    versions of other packages are facts of their own. Comments, docstrings and layout do not count.

    Args:
        modules: Full names; what they load by a name that is not in their code has to be named as well.

    Raises:
        ModuleNotFoundError: There is no such module.

    Example:
        >>> code_sha256("restereo.errors") == code_sha256("restereo.errors") != code_sha256("restereo.progress")
        True
    """
    roots = frozenset({"restereo", *(name.partition(".")[0] for name in modules)})
    digest = hashlib.sha256()
    for name in sorted(_reached(modules, roots)):
        digest.update(f"{name} {_code(_file(name))[0]}\n".encode())
    return digest.hexdigest()


def _reached(modules: tuple[str, ...], roots: frozenset[str]) -> set[str]:
    waiting, reached = list(modules), set[str]()
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            imports = _code(_file(name))[1]
            waiting += (_module(*one) for one in imports if one[0].partition(".")[0] in roots)
    return reached


def _module(module: str, name: str) -> str:
    """What `from module import name` imports: a module of that name, or the module that defines it."""
    if not name:
        return module
    try:
        _file(f"{module}.{name}")
    except ModuleNotFoundError:
        return module
    return f"{module}.{name}"


def _file(module: str) -> Path:
    root, *parts = module.split(".")
    found = find_spec(root)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"no package '{root}'", name=root)
    place = Path(found.origin).parent.joinpath(*parts)
    for file in (place / "__init__.py", place.with_name(f"{place.name}.py")):
        if file.is_file():
            return file
    raise ModuleNotFoundError(f"no module '{module}'", name=module)


def _code(file: Path) -> tuple[str, frozenset[tuple[str, str]]]:
    return _parsed(file, file.stat().st_mtime_ns)


@cache
def _parsed(file: Path, _changed: int) -> tuple[str, frozenset[tuple[str, str]]]:
    """The syntax of a file without docstrings, as text, and what it imports from which module."""
    tree = _WithoutDocstrings().visit(ast.parse(file.read_bytes()))
    return ast.dump(tree), frozenset(_imports(tree))


class _WithoutDocstrings(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if text else node


def _imports(tree: ast.AST) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((one.name, "") for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, one.name) for one in node.names)
