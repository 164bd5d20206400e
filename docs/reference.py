"""Writes a reference of every public name to `build/docs`, from the docstrings: `make docs`.

A warning of pdoc (a module that cannot be imported, an annotation that cannot be read) is an error, and so is a name
of `restereo.__all__` that the reference leaves out.
"""

import pkgutil
import warnings
from pathlib import Path

import pdoc
import pdoc.render

import restereo

OUTPUT = Path("build/docs")


def packages() -> list[str]:
    """Returns what pdoc walks through: both packages, and by name the modules that `restereo.__all__` hides from it."""
    inner = [module.name for module in pkgutil.iter_modules(restereo.__path__, "restereo.")]
    return ["restereo", *(name for name in inner if not name.startswith("restereo._")), "pipelines"]


def main() -> None:
    """Writes `build/docs/index.html` and a page for each module."""
    warnings.filterwarnings("error", module="pdoc")
    pdoc.render.configure(docformat="google", footer_text=f"restereo {restereo.__version__}")
    public = {name: getattr(restereo, name) for name in restereo.__all__}  # imported now: pdoc looks at what is there
    pdoc.pdoc(*packages(), output_directory=OUTPUT)
    page = (OUTPUT / "restereo.html").read_text(encoding="utf-8")
    missing = [name for name in public if f'id="{name}"' not in page]
    if missing:
        raise SystemExit(f"{OUTPUT}/restereo.html: without {', '.join(missing)}; write their docstrings.")
    print(f"{OUTPUT}/index.html")


if __name__ == "__main__":
    main()
