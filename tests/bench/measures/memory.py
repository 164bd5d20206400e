"""Peak memory of each stage with the default parameters on the embedded pictures; few steps, few test scenes."""

from collections.abc import Iterator

from tests.bench import material
from tests.bench.figure import Figure
from tests.bench.options import Options
from tests.bench.project import Project

SHORT = {"steps": 20, "validate_every": 10}


def measure(options: Options) -> Iterator[Figure]:
    """Yields MiB and seconds of each stage, one after the other with nothing around them."""
    recipes = material.params().recipes
    rows = {name: {**recipes[name].model_dump(), "train": recipes[name].train | SHORT} for name in options.recipes}
    scenes = material.params().synthesize.scenes | {"test": 4}
    changes = {"recipes": rows, "synthesize": {"scenes": scenes}}
    for stage in Project("default", changes).bare().stages:
        note = f"{stage['seconds']:.1f} s, of a processor {stage['processor']:.1f} s"
        yield Figure(f"memory.{stage['name']}", stage["peak_mib"], "MiB", note=note)
