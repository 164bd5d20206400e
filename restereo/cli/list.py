"""`restereo list`: what there is to choose from."""

from pathlib import Path

import typer


def list_everything() -> None:
    """Lists what there is to choose from: methods, recipes, models, baselines.

    Example: `restereo list`
    """
    from restereo import catalog
    from restereo.config import load_params
    from restereo.evaluation.baselines import BASELINES
    from restereo.inference.lookup import released
    from restereo.io.layouts import LAYOUTS
    from restereo.methods import METHODS

    rows: dict[str, list[str]] = {kind: catalog.names(kind) for kind in catalog.FOLDERS}
    rows["baseline"] = sorted(BASELINES)
    if Path("params.yaml").exists():
        params = load_params()
        rows = {"recipe": sorted(params.recipes), **rows}
    rows |= {"released": released(), "layout": list(LAYOUTS), "method": sorted(METHODS)}
    for kind, names in rows.items():
        typer.echo(f"{kind:10s} {', '.join(names) or '(none)'}")
