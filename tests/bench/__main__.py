"""`python -m tests.bench [NAME...]`: measures, and prints one table; docs/bench.md says what each figure is."""

import argparse
import importlib
import json
import time
from pathlib import Path

from rich.console import Console

from pipelines.environment import run_stage  # first: it sets what the tools read when they are imported
from tests.bench import material
from tests.bench.figure import Figure, machine, table
from tests.bench.options import Options

MEASURES = sorted(file.stem for file in (Path(__file__).parent / "measures").glob("*.py"))
"""The folder is the registry."""
WIDTH = 150


def _description(name: str) -> str:
    return (importlib.import_module(f"tests.bench.measures.{name}").__doc__ or "").splitlines()[0]


def _arguments() -> argparse.Namespace:
    recipes = sorted(material.params().recipes)
    parser = argparse.ArgumentParser(
        "python -m tests.bench",
        description="Measures speed, overhead and memory against their targets; what is compared runs in turn.",
        epilog="\n".join(["measures:", *(f"  {name:14s} {_description(name)}" for name in MEASURES)]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure; by default everything")
    parser.add_argument("--recipe", action="append", choices=recipes, help="a row of params.yaml; by default all")
    parser.add_argument("--model", action="append", help="for 'inference'; by default sgbm and the default model")
    parser.add_argument("--megapixels", type=float, action="append", help="for 'inference'; by default 1, 12, 50")
    parser.add_argument("--quick", action="store_true", help="one round of each: shows that it works, not how fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    found = parser.parse_args()
    for name in found.names:
        if name not in MEASURES:
            parser.error(f"no measure '{name}'; there are: {', '.join(MEASURES)}")
    chosen = tuple(found.recipe or recipes), tuple(found.model or ()), tuple(found.megapixels or ())
    found.options = Options(*chosen, quick=found.quick)
    return found


def main() -> None:
    """Measures what the command line names; a measure that fails does not take the figures before it along."""
    arguments = _arguments()
    facts, figures, begin = machine(), list[Figure](), time.monotonic()
    names = arguments.names or MEASURES
    errors = Console(stderr=True, highlight=False)
    try:
        for number, name in enumerate(names, start=1):
            errors.print(f"{number}/{len(names)} {name} ({time.monotonic() - begin:.0f} s so far)")
            for figure in importlib.import_module(f"tests.bench.measures.{name}").measure(arguments.options):
                figures.append(figure)
                errors.print(f"  {figure}")  # a run that is killed has said what it knew
    finally:
        facts["seconds"] = round(time.monotonic() - begin)
        console = Console(highlight=False)
        console = console if console.is_terminal else Console(highlight=False, width=WIDTH)
        console.print(table(figures))
        console.print(", ".join(f"{name} {value}" for name, value in facts.items()))
        if arguments.json:
            content = {"machine": facts, "figures": [figure.as_row() for figure in figures]}
            arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_stage(lambda *_: main())
