"""Champion and challenger answer the same frozen test pictures, in turns, in one process on one machine."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from pipelines import paths
from pipelines.promotion.decision import SPEED, PairedResult, Verdict, decide
from pipelines.results import read_rows
from pipelines.tracking.client import download_model
from pipelines.tracking.store import Version
from restereo.config import Params
from restereo.evaluation.baselines import BASELINES
from restereo.evaluation.protocol import judge
from restereo.progress import shown
from restereo.sample import Observation, Predictor, Scene
from restereo.tasks import Task

WIDEST = 0.98
"""Quantile of the disparities that counts as the widest: a few wrong pixels of a measured map do not."""


def compare_versions(task: str, champion: Version | None, challenger: Version, params: Params) -> tuple[Verdict, str]:
    """Returns the verdict, and what the challenger was compared with. Nothing is written but temporary files.

    Args:
        task: Row of `tasks:`, whose frozen test pictures are answered.
        champion: The version in use; None = the task's plainest baseline.
        challenger: The version that may replace it.
        params: The checked parameters.
    """
    from restereo.inference.engine import load_run

    with TemporaryDirectory() as folder:
        run = download_model(challenger, Path(folder, "challenger"))
        before = download_model(champion, Path(folder, "champion")) if champion else None
        new = load_run(run)
        baseline = new.task.baselines[0]
        old = load_run(before) if before else BASELINES[baseline]
        results = compare_models(old, new, new.task, paths.pairs(task))
        sizes = [float((one / "weights.safetensors").stat().st_size) if one else None for one in (before, run)]
    verdict = decide(
        results,
        (sizes[0], sizes[1]),
        new.task.headline,
        params.promotion,
        params.seed,
        guarded=champion is not None,
        better=new.task.better,
    )
    return verdict, str(champion or baseline)


def compare_models(champion: Predictor, challenger: Predictor, task: Task, data: Path) -> list[PairedResult]:
    """Returns both models' figures on every frozen test picture, the headline's variant first.

    Figures stored with a version may come from other test pictures or another protocol, and times from another
    machine: both answer afresh. They take turns at going first, so that neither has the warmer machine.

    Args:
        champion: The model in use, a baseline if there is none.
        challenger: The model that may replace it.
        task: How answers are judged.
        data: Folder that stage `synthesize` wrote.
    """
    from restereo.training.data import frozen_examples
    from restereo.training.shards import Shards

    rows = Shards(data).rows("test")
    groups = groups_of(paths.MANIFEST)
    results: list[PairedResult] = []
    for variant in rows[0]["variants"]:
        examples = frozen_examples(data, "test", variant)
        if not results:
            for predictor in (champion, challenger):  # the first answer of a network is slow
                judge(predictor, *examples[0], task)
        for answered in shown(_answers(champion, challenger, examples, task), f"both, {variant}", len(examples)):
            scene, (ours, theirs) = answered
            results.append(PairedResult(groups.get(scene.name, scene.name), variant, ours, theirs, traits(scene)))
    return results


def _answers(
    champion: Predictor, challenger: Predictor, examples: list[tuple[Scene, Observation]], task: Task
) -> Iterator[tuple[Scene, list[dict[str, float | None]]]]:
    """Yields each scene with the champion's and the challenger's figures."""
    predictors = (champion, challenger)
    for number, (scene, observation) in enumerate(examples):
        figures: list[dict[str, float | None]] = [{}, {}]
        for which in (0, 1) if number % 2 else (1, 0):
            judged = judge(predictors[which], scene, observation, task)
            figures[which] = {**judged.figures, SPEED: judged.seconds_per_megapixel}
        yield scene, figures


def traits(scene: Scene) -> dict[str, float]:
    """Returns what slices are cut by: `brightness`, 0 to 255, and `disparity` in px where the true one is known.

    Example:
        >>> traits(Scene("grey", np.full((4, 5, 6), 100, np.uint8), np.full((2, 4, 5), -7.0)))
        {'brightness': 100.0, 'disparity': 7.0}
    """
    found = {"brightness": float(scene.truth.mean())}
    known = np.array([]) if scene.disparity is None else np.abs(scene.disparity[np.isfinite(scene.disparity)])
    return found | ({"disparity": float(np.quantile(known, WIDEST))} if known.size else {})


def groups_of(manifest: Path) -> Mapping[str, str]:
    """Returns the group of each real scene: pictures of one group show the same place. No manifest, no groups.

    Example:
        >>> groups_of(Path("no-such-file.csv"))
        {}
    """
    rows = read_rows(manifest, ("source", "name", "group"))
    return {f"{row['source']}-{row['name']}": f"{row['source']}-{row['group']}" for row in rows}
