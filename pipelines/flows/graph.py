"""Stages and edges, read from DVC. `dvc.yaml` is the only place that knows them."""

import importlib.util
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from pathlib import Path

from pipelines.environment import run_dvc
from pipelines.operations import lock_check
from restereo.errors import UserError, nearest

TARGETS = "*@anaglyph*"
"""What runs unless something else is asked for; the Makefile says the same."""
_NODE = re.compile(r'^"([^"]+)";$')
_EDGE = re.compile(r'^"([^"]+)" -> "([^"]+)";$')


@dataclass(frozen=True)
class Graph:
    """What needs what.

    Attributes:
        parents: The direct parents of each stage; stages in an order in which they can run.
    """

    parents: Mapping[str, tuple[str, ...]]

    @property
    def stages(self) -> tuple[str, ...]:
        """Every stage, parents before children."""
        return tuple(self.parents)


def parse(dot: str) -> Graph:
    r"""Returns the graph that `dvc dag --dot` printed. Independent stages keep the order of `dvc.yaml`.

    Example:
        >>> graph = parse('strict digraph {\n"train@a";\n"validate";\n"validate" -> "train@a";\n}')
        >>> graph.stages
        ('validate', 'train@a')
        >>> graph.parents["train@a"]
        ('validate',)
    """
    parents: dict[str, list[str]] = {}
    for line in map(str.strip, dot.splitlines()):
        if node := _NODE.match(line):
            parents.setdefault(node[1], [])
        elif edge := _EDGE.match(line):
            parents.setdefault(edge[1], [])
            parents.setdefault(edge[2], []).append(edge[1])
    return Graph({stage: tuple(parents[stage]) for stage in TopologicalSorter(parents).static_order()})


def select(graph: Graph, targets: str | Iterable[str]) -> Graph:
    """Returns the part of the graph that the globs name, with everything upstream of it.

    Args:
        graph: The whole graph.
        targets: Globs as DVC understands them (`'*@anaglyph*'`), one string of several or one each.

    Raises:
        UserError: There is no glob, or one names no stage.

    Example:
        >>> graph = Graph({"download": (), "train@a": ("download",), "train@b": ("download",)})
        >>> select(graph, "*@a").stages
        ('download', 'train@a')
        >>> select(graph, "down* *@b").stages
        ('download', 'train@b')
    """
    globs = targets.split() if isinstance(targets, str) else [*targets]
    if not globs:
        raise UserError(f"targets: no target given; name stages or globs, '*' is all of: {', '.join(graph.stages)}.")
    wanted: set[str] = set()
    for glob in globs:
        named = [stage for stage in graph.stages if fnmatchcase(stage, glob)]
        if not named:
            raise UserError(f"dvc.yaml: no stage is called '{glob}': {nearest(glob, graph.stages)}.")
        wanted.update(named)
    for stage in reversed(graph.stages):  # children first, so that one pass reaches every ancestor
        if stage in wanted:
            wanted.update(graph.parents[stage])
    return Graph({stage: parents for stage, parents in graph.parents.items() if stage in wanted})


def read() -> Graph:
    """Returns the graph of the project, from one call of DVC.

    Raises:
        UserError: DVC is not installed, this is no DVC project, or `dvc.yaml` is broken.
    """
    if importlib.util.find_spec("dvc") is None:
        raise UserError("dvc: not installed here; pip install 'restereo[pipeline]'.")
    if not Path("dvc.yaml").is_file():
        raise UserError("dvc.yaml: no such file; run the command where dvc.yaml lies.")
    printed, error = run_dvc("dag", "--dot")
    if error:
        lock_check.refuse_damage()
        raise UserError(f"dvc.yaml: DVC refuses the project: {error}; correct what it names.")
    return parse(printed)
