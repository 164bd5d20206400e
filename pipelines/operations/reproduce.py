"""A registered version gives its test figures again: its own code, data and parameters, in a fresh clone."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines import paths, results
from pipelines.environment import DVC
from pipelines.tracking.client import connect, download_artifact, download_model, tags, versions
from pipelines.tracking.store import Version, default_store
from restereo.errors import UserError, nearest

TOLERANCE = 0.01
"""In each figure's own unit, such as dB. Same weights and same processor: 0, figures are rounded to four decimals."""
ASK = """
import json, sys
from pathlib import Path
from restereo.config import load_params
from restereo.training.trainer import data_sha256
params, recipe = load_params(), sys.argv[1]
row = params.recipe(recipe)
print(json.dumps({
    "row": row.model_dump(), "train": params.train_of(recipe).model_dump(), "seed": params.seed,
    "data_sha256": data_sha256(Path("data/pairs") / row.task),
}))
"""
"""What the clone's own code says of its parameters and data."""


@dataclass(frozen=True)
class Difference:
    """A figure that was registered, and what it is now; None where undefined."""

    name: str
    then: float | None
    now: float | None

    @property
    def amount(self) -> float:
        """How far they are apart; infinite if only one is undefined."""
        if self.then is None or self.now is None:
            return 0.0 if self.then == self.now else float("inf")
        return abs(self.then - self.now)


@dataclass(frozen=True)
class Reproduction:
    """A version, the revision of its code, every figure (the farthest apart first), and packages that differ."""

    version: Version
    revision: str
    differences: tuple[Difference, ...]
    tolerance: float
    notes: tuple[str, ...]

    @property
    def message(self) -> str:
        """The outcome, in one line."""
        most = self.differences[0]
        return (
            f"{self.version}: {len(self.differences)} test figures of revision {self.revision[:12]} came out again, "
            f"at most {most.amount:.4f} apart ({most.name}); {self.tolerance:g} is allowed."
        )


def reproduce(model: str, number: int, into: Path | None = None, tolerance: float = TOLERANCE) -> Reproduction:
    """Returns the comparison of a version's test figures with those that its weights give in a fresh clone.

    Args:
        model: Name of a registered model, a row of `tasks:`.
        number: Of the version.
        into: Folder for the clone, which then stays; by default a temporary one.
        tolerance: Greatest difference of a figure, in its own unit.

    Raises:
        UserError: There is no such version, no revision holds its code, its data or parameters cannot be had, or a
            figure differs by more than the tolerance.
    """
    client = connect()
    numbered = {one.number: one for one in versions(client, model)}
    if number not in numbered:
        known = ", ".join(map(str, sorted(numbered))) or "none; register one first"
        raise UserError(f"{model}: no version {number} in {default_store().uri}; there are: {known}.")
    version, lineage = numbered[number], tags(client, numbered[number])
    revision = clean_revision(version, lineage)
    with clone(revision, into) as folder, TemporaryDirectory() as place:
        run = folder / paths.run(version.recipe)
        shutil.copytree(download_model(version, Path(place, "model")), run)
        then = download_artifact(version, f"evaluation/{version.recipe}.json", Path(place, "run"))
        config = results.read_json(run / "config.json")
        settings = [file.read_text(encoding="utf-8") for file in (folder / ".dvc").glob("config*")]
        pull = ["--pull"] if any("['remote " in text for text in settings) else []
        _run([*DVC, "repro", *pull, f"synthesize@{model}"], folder)  # the data by their hashes, else made again
        facts = json.loads(_run([sys.executable, "-c", ASK, version.recipe], folder).splitlines()[-1])
        check_same(version, lineage, config, facts)
        again = ["--single-item", "--force", "--no-run-cache", "--no-commit"]
        _run([*DVC, "repro", *again, f"evaluate@{version.recipe}"], folder)
        now = results.read_json(folder / paths.metrics(model, version.recipe))
        found = differences(results.read_json(then), now)
        environment = results.read_json(download_artifact(version, "run/environment.json", Path(place, "run"))) or {}
    outcome = Reproduction(version, revision, tuple(found), tolerance, other_packages(environment))
    if found[0].amount > tolerance:
        wrong = [one for one in found if one.amount > tolerance]
        worst = f"{found[0].name} was {found[0].then}, now {found[0].now}"
        why = f"; {'; '.join(outcome.notes)}" if outcome.notes else ""
        raise UserError(
            f"{version}: {len(wrong)} of {len(found)} test figures differ by more than {tolerance:g} ({worst}){why}; "
            "try the processor and the packages that its run was made with."
        )
    return outcome


def clean_revision(version: Version, tags: Mapping[str, str]) -> str:
    """Returns the git revision that holds the version's code.

    Raises:
        UserError: It was trained or registered with changes that no revision holds, or nobody knows.
    """
    for moment, rev, dirty in (("trained", "train_git_rev", "train_git_dirty"), ("registered", "git_rev", "git_dirty")):
        known = tags.get(dirty, "false" if rev == "train_git_rev" and rev not in tags else "unknown")
        if known != "false":
            what = "with uncommitted changes" if known == "true" else "where git knew no revision"
            again = f"commit, then run `dvc --wait-for-lock repro register@{version.recipe}`"
            raise UserError(f"{version}: it was {moment} {what}, so no revision holds its code; {again}.")
    return tags["git_rev"]


def check_same(version: Version, tags: Mapping[str, str], config: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """Compares what the version says it was made from with what the clone holds.

    Raises:
        UserError: Data or parameters are others.
    """
    if facts["data_sha256"] != tags.get("data_sha256"):
        got, want = str(facts["data_sha256"])[:12], str(tags.get("data_sha256"))[:12]
        raise UserError(f"{version}: its data were {want}, this revision makes {got}; `dvc pull` where they were made.")
    for name in ("row", "train", "seed"):
        if name in config and config[name] != facts[name]:
            raise UserError(
                f"{version}: params.yaml of its revision has another '{name}' for '{version.recipe}' than its run; "
                "commit params.yaml before a run that is to be reproduced."
            )


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    """Returns every figure of two evaluations, those that are farthest apart first.

    Raises:
        UserError: They did not measure the same things.

    Example:
        >>> one = {"variants": {"clean": {"unet": {"psnr": 20.0, "epe": None}}}}
        >>> [(d.name, d.amount) for d in differences(one, one)]
        [('clean/unet/epe', 0.0), ('clean/unet/psnr', 0.0)]
    """
    old, new = _figures(then), _figures(now)
    if odd := sorted(old.keys() ^ new.keys()):
        raise UserError(f"evaluation: '{odd[0]}' was measured only once; {nearest(odd[0], old)[:200]}.")
    return sorted((Difference(name, old[name], new[name]) for name in old), key=lambda one: (-one.amount, one.name))


def _figures(evaluation: Mapping[str, Any]) -> dict[str, float | None]:
    return {
        f"{variant}/{what}/{name}": value
        for variant, rows in evaluation["variants"].items()
        for what, figures in rows.items()
        for name, value in figures.items()
    }


def other_packages(environment: Mapping[str, Any]) -> tuple[str, ...]:
    """Returns a phrase for each package that is of another version here than in a run's environment.

    Example:
        >>> other_packages({"packages": {"torch": "1.0"}})[0].startswith("torch was 1.0, here it is ")
        True
    """
    from importlib import metadata

    was = environment.get("packages", {})
    here = {name: metadata.version(name) for name in was}
    return tuple(f"{name} was {was[name]}, here it is {here[name]}" for name in was if was[name] != here[name])


@contextmanager
def clone(revision: str, into: Path | None) -> Iterator[Path]:
    """Yields a fresh clone of this project at a revision, with this project's DVC cache and remotes.

    Raises:
        UserError: The revision is not here, or the folder exists.
    """
    if into and into.exists():
        raise UserError(f"{into}: it exists; name a folder that does not, for a fresh clone.")
    if subprocess.run(["git", "cat-file", "-e", f"{revision}^{{commit}}"], capture_output=True, check=False).returncode:
        raise UserError(f"git: revision {revision} is not in this clone; run `git fetch --all` first.")
    root = Path(_run(["git", "rev-parse", "--show-toplevel"], Path()).strip())
    with TemporaryDirectory() as temporary:
        folder = into or Path(temporary, "clone")
        _run(["git", "clone", "-q", "--no-checkout", str(root), str(folder)], Path())
        _run(["git", "checkout", "-q", "--detach", revision], folder)
        local = root / ".dvc" / "config.local"
        if local.is_file():
            shutil.copy(local, folder / ".dvc" / "config.local")  # addresses and keys of remotes
        cache = _run([*DVC, "cache", "dir"], root).strip()
        _run([*DVC, "cache", "dir", "--local", str(Path(root, cache))], folder)
        yield folder


def _run(command: list[str], folder: Path) -> str:
    """Returns what a program prints that runs in a clone, with the clone's code."""
    # Stages say `python`: this one, and in the clone's folder, whose packages come first.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    more = {"PATH": path, "PYTHONPATH": str(folder.absolute())}
    done = subprocess.run(command, cwd=folder, env=os.environ | more, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        output = " ".join(done.stdout.split()[-60:]) or "its message stands above"
        name = " ".join(command[-2:]).partition("\n")[0]
        raise UserError(f"{folder}: `{name}` failed with status {done.returncode} ({output}).")
    return done.stdout
