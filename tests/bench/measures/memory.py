"""Peak memory of each stage, with the default parameters on the embedded pictures and few training steps."""

from collections.abc import Iterator

from tests.bench import material
from tests.bench.figure import Figure
from tests.bench.options import Options
from tests.bench.project import Project

STEPS = 20


def measure(options: Options) -> Iterator[Figure]:
    """Yields MiB and seconds of each stage, one after the other with nothing around them."""
    rows = {name: row.model_dump() for name, row in material.params().recipes.items() if name in options.recipes}
    changes = {"recipes": rows, "train": {"steps": STEPS, "validate_every": STEPS // 2}}
    for stage in Project("default", changes).bare().stages:
        note = f"{stage['seconds']:.1f} s, of a processor {stage['processor']:.1f} s"
        yield Figure(f"memory.{stage['name']}", stage["peak_mib"], "MiB", note=note)
