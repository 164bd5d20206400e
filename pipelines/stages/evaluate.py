"""Stage `evaluate`: a recipe and the baselines of its task on the frozen test inputs, by the protocol."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

from pipelines import paths, results
from pipelines.environment import run_stage
from restereo.config import load_params
from restereo.evaluation.baselines import BASELINES
from restereo.evaluation.protocol import Judged, judge, mean
from restereo.image import Picture
from restereo.progress import shown
from restereo.sample import Predictor
from restereo.tasks import Task


def _round(figures: dict[str, float | None]) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 4) for name, value in figures.items()}


def judge_all(predictor: Predictor, task: Task, data: Path, what: str) -> dict[str, list[Judged]]:
    """Returns every test scene judged, by input variant."""
    from restereo.training.data import frozen_examples
    from restereo.training.shards import Shards

    judged = {}
    for variant in Shards(data).rows("test")[0]["variants"]:
        examples = frozen_examples(data, "test", variant)
        answers = (judge(predictor, scene, observation, task) for scene, observation in examples)
        judged[variant] = list(shown(answers, f"{what}, {variant}", len(examples)))
    return judged


def _write_scenes(file: Path, judged: dict[str, dict[str, list[Judged]]]) -> None:
    rows = [
        {"what": what, "variant": variant, "scene": one.scene.name, **_round(one.figures)}
        for what, variants in judged.items()
        for variant, ones in variants.items()
        for one in ones
    ]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _examples(ones: list[Judged], task: Task, count: int) -> list[tuple[str, Judged]]:
    """The best and the median scene, and the worst ones up to `count` in all."""
    ranked = sorted(ones, key=lambda one: (task.better * (one.figures[task.headline] or 0.0), one.scene.name))
    chosen = {len(ranked) - 1: "best", len(ranked) // 2: "median"}
    chosen.update(dict.fromkeys(range(min(max(1, count - len(chosen)), len(ranked))), "worst"))
    return [(chosen[number], ranked[number]) for number in sorted(chosen)]


def _views(what: str, picture: Picture) -> dict[str, Picture]:
    """The pictures to show of one: both eyes apart."""
    if picture.shape[2] <= 3:
        return {what: picture}
    return {f"{what}_left": picture[..., :3], f"{what}_right": picture[..., 3:]}


def _write_pictures(folder: Path, judged: dict[str, list[Judged]], task: Task, count: int) -> None:
    import cv2

    folder.mkdir(parents=True)
    listing: list[dict[str, Any]] = []
    for variant, ones in judged.items():
        for role, one in _examples(ones, task, count):
            views = _views("observed", one.observation.picture)
            views |= _views("prediction", one.answer) | _views("truth", one.scene.truth)
            files = {what: f"{variant}-{one.scene.name}-{what}.png" for what in views}
            for what, view in views.items():
                cv2.imwrite(str(folder / files[what]), view[..., ::-1])
            figures = _round(one.figures)
            headline = {task.headline: figures[task.headline]}
            listing.append({"scene": one.scene.name, "variant": variant, "role": role, **headline, "files": files})
    (folder / "pictures.json").write_text(json.dumps(listing, indent=1) + "\n", encoding="utf-8")


def main(recipe: str) -> None:
    """Writes the figures in sum (JSON), per scene (CSV), and example pictures; times go to the cost file."""
    from restereo.inference.engine import load_run

    params = load_params()
    row = params.recipe(recipe)
    data = paths.pairs(row.task)
    restorer = load_run(paths.run(recipe))
    task = restorer.task
    judged = {recipe: judge_all(restorer, task, data, recipe)}
    for name in task.baselines:
        judged[name] = judge_all(BASELINES[name], task, data, name)

    variants: dict[str, dict[str, Any]] = {}
    for what, by_variant in judged.items():
        for variant, ones in by_variant.items():
            variants.setdefault(variant, {})[what] = _round(mean([one.figures for one in ones]))
    metrics, pictures = paths.metrics(row.task, recipe), paths.pictures(row.task, recipe)
    summary = {
        "headline": task.headline,
        "scenes": len(judged[recipe]["clean"]),
        "weights_sha256": restorer.sha256,
        "variants": variants,
    }
    metrics.parent.mkdir(parents=True, exist_ok=True)
    metrics.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    _write_scenes(paths.scenes(row.task, recipe), judged)
    shutil.rmtree(pictures, ignore_errors=True)
    _write_pictures(pictures, judged[recipe], task, params.evaluate.pictures)
    speeds = {
        what: round(sum(o.seconds_per_megapixel for o in by["clean"]) / len(by["clean"]), 3)
        for what, by in judged.items()
    }
    results.write_cost(recipe, "evaluate", {"seconds_per_megapixel": speeds})


if __name__ == "__main__":
    run_stage(main)
