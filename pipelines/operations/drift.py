"""Whether the pictures that are recovered still are what the network was trained and tested on.

The log holds one line of figures for each picture (`restereo/inference/statistics.py`). Brightness, contrast and
size are compared with the manifest, residual and match support with the test pictures of the same weights, and
everything with an earlier log where one is given.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines import paths, results
from pipelines.display import markdown_table
from restereo.config import load_params
from restereo.errors import UserError
from restereo.margins import Drift

Values = Sequence[float] | Sequence[str]
"""Numbers, or names."""
Counts = NDArray[np.float64]
BINS = 10
FIGURES = ("megapixels", "brightness", "contrast", "residual", "match_share", "match_correlation", "confidence")
KINDS = ("type", "jpeg")
"""Figures that are names, not numbers: compared with an earlier log alone, training knows no share that is right."""
TESTED = ("residual", "match_share", "match_correlation")
"""What the stage `evaluate` measured too, and what depends on the network."""


@dataclass(frozen=True)
class Shift:
    """One figure, then and now.

    Attributes:
        figure: What.
        expected: How many values it is compared with.
        seen: How many values there are now.
        psi: Population stability index over ten equally full bins of the expected values; .1 is little, .25 is much.
        ks: Largest distance of the two distribution functions, 0 to 1; None for names.
        p: Probability of such a distance by chance (Kolmogorov-Smirnov; chi-square for names). None if not known.
        drifted: None = too few values to tell.
    """

    figure: str
    expected: int
    seen: int
    psi: float | None
    ks: float | None
    p: float | None
    drifted: bool | None


@dataclass(frozen=True)
class Report:
    """What has drifted.

    Attributes:
        log: The log that was read.
        pictures: How many lines it has.
        shifts: One for each figure that has something to be compared with.
    """

    log: Path
    pictures: int
    shifts: tuple[Shift, ...]

    @property
    def drifted(self) -> list[str]:
        """The figures that have drifted."""
        return [shift.figure for shift in self.shifts if shift.drifted]

    @property
    def description(self) -> str:
        """What came of it, in one line."""
        judged = [shift for shift in self.shifts if shift.drifted is not None]
        if not judged:
            return f"{self.log}: {self.pictures} pictures are too few to tell drift."
        if not self.drifted:
            return f"{self.log}: no drift in {len(judged)} figures over {self.pictures} pictures."
        return f"{self.log}: {', '.join(self.drifted)} drifted over {self.pictures} pictures; retrain on such pictures."


def shift(figure: str, expected: Values, seen: Values, settings: Drift, tests: int = 1) -> Shift:
    """Returns how a figure has shifted. It has drifted if the shift is large and no chance.

    Args:
        figure: Its name.
        expected: What it was.
        seen: What it is.
        settings: The limits.
        tests: How many figures are tested beside each other; chance has as many goes (Bonferroni).

    Example:
        >>> before, darker = [*range(200)], [*range(100)]
        >>> [shift("brightness", before, now, Drift()).drifted for now in (before[::3], darker, darker[:10])]
        [False, True, None]
    """
    if len(expected) < settings.min_expected or len(seen) < settings.min_pictures:
        return Shift(figure, len(expected), len(seen), None, None, None, None)
    from scipy import stats  # it takes seconds to import

    before, now = counts(expected, seen)
    psi, distance = stability(before, now), None
    if isinstance(expected[0], str):
        p = float(stats.chi2_contingency([before, now], correction=False).pvalue)
    else:
        test = stats.ks_2samp(expected, seen)
        distance, p = float(test.statistic), float(test.pvalue)
    return Shift(figure, len(expected), len(seen), psi, distance, p, psi > settings.psi and p < settings.p / tests)


def stability(before: Counts, now: Counts) -> float:
    """Returns the population stability index, Σ (q − p)·ln(q / p) ≥ 0, of two rows of counts.

    Half a value is added to every bin, so that an empty one does not make it infinite.

    Example:
        >>> round(stability(np.array([50.0, 50.0]), np.array([80.0, 20.0])), 2)
        0.41
    """
    from scipy.stats import entropy

    p, q = before + 0.5, now + 0.5
    return float(entropy(p, q) + entropy(q, p))  # the index is the symmetric Kullback-Leibler divergence


def counts(expected: Values, seen: Values) -> tuple[Counts, Counts]:
    """Returns how many values of each sample fall into each bin; bins hold a tenth of the expected values, or a name.

    Example:
        >>> counts(["a", "b"], ["b", "b"])
        (array([1., 1.]), array([0., 2.]))
    """
    if isinstance(expected[0], str):
        names = sorted({*map(str, expected), *map(str, seen)})
        before, now = (np.array([list(one).count(name) for name in names], np.float64) for one in (expected, seen))
        return before, now
    quantiles = np.quantile(np.asarray(expected, np.float64), np.linspace(0, 1, BINS + 1)[1:-1])
    edges, times = np.unique(quantiles, return_counts=True)
    # A value that many share, such as the size of one camera's pictures, has a bin of its own.
    edges = np.unique(np.concatenate([edges, np.nextafter(edges[times > 1], np.inf)]))
    rows = (
        np.bincount(np.searchsorted(edges, np.asarray(one, np.float64), side="right"), minlength=len(edges) + 1)
        for one in (expected, seen)
    )
    before, now = (row.astype(np.float64) for row in rows)
    return before, now


def compare(log: Path, expected: Mapping[str, Values], seen: Mapping[str, Values], settings: Drift) -> Report:
    """Returns the report on every figure that both have values of."""
    both = [name for name in (*FIGURES, *KINDS) if len(expected.get(name, ())) and len(seen.get(name, ()))]
    shifts = [shift(name, expected[name], seen[name], settings, len(both)) for name in both]
    return Report(log, max((len(values) for values in seen.values()), default=0), tuple(shifts))


def read_log(file: Path) -> list[dict[str, Any]]:
    """Returns the lines of a log, which `RESTEREO_STATISTICS` named.

    Raises:
        UserError: There is no such file, or a line of it is none of a log.
    """
    if not file.is_file():
        raise UserError(f"{file}: no such file; set RESTEREO_STATISTICS to it where pictures are recovered.")
    rows: list[dict[str, Any]] = []
    for number, row in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        try:
            line = json.loads(row)
            rows.append({**line, "model": line["model"]})
        except (ValueError, KeyError, TypeError):
            raise UserError(f"{file}: line {number} is no line of statistics; remove it.") from None
    return rows


def values_of(rows: Sequence[Mapping[str, Any]], model: str | None) -> dict[str, list[Any]]:
    """Returns the values of each figure in a log; what depends on the weights only where they are these, by SHA-256.

    Example:
        >>> rows = [{"model": "a", "brightness": 9, "residual": 0.1}, {"model": "b", "brightness": 8, "residual": 0.2}]
        >>> found = values_of(rows, "a")
        >>> found["brightness"], found["residual"]
        ([9.0, 8.0], [0.1])
    """
    values: dict[str, list[Any]] = {name: [str(row.get(name)) for row in rows] for name in KINDS}
    for name in FIGURES:
        counted = [row.get(name) for row in rows if name not in (*TESTED, "confidence") or row["model"] == model]
        values[name] = [float(one) for one in counted if isinstance(one, int | float) and math.isfinite(one)]
    return values


def trained_on(task: str, recipe: str | None) -> dict[str, list[float]]:
    """Returns what the manifest says of the training pictures of a task, and the evaluation of a recipe.

    Raises:
        UserError: There is no manifest.
    """
    if not paths.MANIFEST.is_file():
        raise UserError(f"{paths.MANIFEST}: no such file; run `dvc --wait-for-lock repro validate` first.")
    sources = load_params().task(task).sources
    rows = results.read_rows(paths.MANIFEST, ("split", "source"))
    read = [row for row in rows if row["split"] == "train" and row["source"] in sources and row["mean"] is not None]
    found = {
        "megapixels": [row["width"] * row["height"] / 1e6 for row in read],
        "brightness": [row["mean"] for row in read],
        "contrast": [row["std"] for row in read],
    }
    scenes = results.read_scenes(paths.scenes(task, recipe)) if recipe else []
    mine = [scene.figures for scene in scenes if scene.what == recipe]
    return found | {name: [v for one in mine if (v := one.get(name)) is not None] for name in TESTED}


def check(log: Path, task: str = "anaglyph", earlier: Path | None = None) -> Report:
    """Returns what has drifted since training, or since an earlier log.

    Residual and match support are compared only where the log's most used weights are those of a recipe that was
    evaluated here: with other weights they would differ on the same pictures.

    Raises:
        UserError: A file is missing or broken.
    """
    params, rows = load_params(), read_log(log)
    weights = [row["model"] for row in rows]
    model = min(weights, key=lambda one: (-weights.count(one), one), default=None)
    seen = values_of(rows, model)
    if earlier:
        return compare(log, values_of(read_log(earlier), model), seen, params.drift)
    names = [name for name, row in params.recipes.items() if row.task == task]
    recipe = next(
        (n for n in names if (results.read_json(paths.metrics(task, n)) or {}).get("weights_sha256") == model), None
    )
    return compare(log, trained_on(task, recipe), seen, params.drift)


def markdown(report: Report) -> str:
    """Returns the report as a page: one line, and a row for each figure.

    Example:
        >>> print(markdown(Report(Path("log"), 3, (Shift("brightness", 9, 3, None, None, None, None),))))
        **log: 3 pictures are too few to tell drift.**
        <BLANKLINE>
        | figure | expected | seen | stability index | KS | p |  |
        |---|---:|---:|---:|---:|---:|---:|
        | brightness | 9 | 3 | – | – | – | too few |
    """
    words = {None: "too few", True: "**drifted**", False: "as before"}
    rows = [["figure", "expected", "seen", "stability index", "KS", "p", ""]]
    for one in report.shifts:
        cells = ["–" if value is None else f"{value:.3g}" for value in (one.psi, one.ks, one.p)]
        rows.append([one.figure, str(one.expected), str(one.seen), *cells, words[one.drifted]])
    return f"**{report.description}**\n\n{markdown_table(*rows)}"
