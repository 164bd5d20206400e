"""One measured number with its target, and the table of all of them."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.table import Table


@dataclass(frozen=True)
class Figure:
    """One number.

    Attributes:
        name: `measure.what`.
        value: None if it could not be measured; `note` says why.
        unit: Of value and target; empty for a ratio.
        target: What it is held to, or None.
        sense: On which side of the target it has to lie.
        note: What one must know to read it.
    """

    name: str
    value: float | None
    unit: str = ""
    target: float | None = None
    sense: Literal["at most", "at least"] = "at most"
    note: str = ""

    def __str__(self) -> str:
        return f"{self.name} {self.shown}"

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return "-" if self.value is None else f"{self.value:.3g} {self.unit}".strip()

    @property
    def verdict(self) -> str:
        """`met`, `missed`, `skipped`, or nothing where there is no target."""
        if self.value is None:
            return "skipped"
        if self.target is None:
            return ""
        return (
            "met" if (self.value <= self.target) == (self.sense == "at most") or self.value == self.target else "missed"
        )

    def as_row(self) -> dict[str, Any]:
        """What `--json` holds."""
        return {**vars(self), "verdict": self.verdict}


def table(figures: Iterable[Figure]) -> Table:
    """Returns the table that a person reads."""
    shown = Table("figure", "value", "target", "verdict", "note")
    colours = {"met": "green", "missed": "red", "skipped": "yellow", "": ""}
    for one in figures:
        target = "" if one.target is None else f"{one.sense} {one.target:.3g} {one.unit}".strip()
        shown.add_row(one.name, one.shown, target, one.verdict, one.note, style=colours[one.verdict])
    return shown


def machine() -> dict[str, Any]:
    """Returns what the figures were measured on; the load says whether others worked there too."""
    import torch

    models = (
        [
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ]
        if Path("/proc/cpuinfo").exists()
        else []
    )
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
