"""The protocol on a folder of real pairs or photos."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Column, Table

from restereo.datasets.pairs import PairFiles, find_pairs
from restereo.errors import UserError
from restereo.evaluation.protocol import judge, mean
from restereo.evaluation.reader import find_photos, read_photo, read_scene
from restereo.progress import shown
from restereo.sample import Predictor
from restereo.tasks import Task

LABELS = {
    "missing_psnr": "missing",
    "missing_psnr_visible": "visible",
    "missing_psnr_occluded": "occluded",
    "psnr_left": "left",
    "psnr_right": "right",
    "ciede2000": "ΔE",
    "chroma_error": "|Δab|",
    "seconds_per_megapixel": "s/Mpx",
}
"""Headings of figures whose names are long."""


def evaluate_folder(
    predictor: Predictor, task: Task, files: Sequence[PairFiles | Path], jpeg_quality: int | None = None
) -> dict[str, Any]:
    """Returns `{"scenes": {name: figures}, "mean": figures}`; the figures are those of `Task.measure` and the speed.

    Args:
        predictor: What is measured.
        task: The task it answers.
        files: The pairs, as `find_pairs` finds them in a folder, or for a task of single pictures the photos.
        jpeg_quality: If given, the input is saved as JPEG 4:2:0 of this quality first.

    Raises:
        UserError: A picture is damaged, the views of a pair differ in size, or two scenes have one name.
    """
    scenes: dict[str, dict[str, float | None]] = {}
    for name, one in shown(list(named(files).items()), "scenes"):
        scene = task.prepare(read_photo(one, name) if isinstance(one, Path) else read_scene(one))
        judged = judge(predictor, scene, task.observe(scene.truth, jpeg_quality), task)
        scenes[name] = {**judged.figures, "seconds_per_megapixel": judged.seconds_per_megapixel}
    return {"scenes": scenes, "mean": mean(list(scenes.values()))}


def named(files: Sequence[PairFiles | Path]) -> dict[str, PairFiles | Path]:
    """Returns the scenes by name; a photo's is its path below the folder that all lie in, `/` becoming `_`.

    Raises:
        UserError: Two have the same name, such as `one.jpg` and `one.png`.

    Example:
        >>> list(named([Path("photos/set5/one.png"), Path("photos/set14/one.png"), Path("photos/two.png")]))
        ['set5_one', 'set14_one', 'two']
    """
    photos = [one for one in files if isinstance(one, Path)]
    top = Path(os.path.commonpath([photo.parent for photo in photos])) if photos else Path()
    scenes: dict[str, PairFiles | Path] = {}
    for one in files:
        name = "_".join(one.relative_to(top).with_suffix("").parts) if isinstance(one, Path) else one.name
        if name in scenes:
            raise UserError(f"{one}: a second scene of the name '{name}'; rename one of the two.")
        scenes[name] = one
    return scenes


def files_for(task: Task, pairs: Path | None, photos: Path | None) -> Sequence[PairFiles | Path]:
    """Returns the pairs or the photos of the folder that was given, whichever the task is measured on.

    Raises:
        UserError: The other one was given, or none, or nothing lies in it.
    """
    wanted, given, other = ("--pairs", pairs, photos) if task.needs_pairs else ("--photos", photos, pairs)
    if given is None or other is not None:
        raise UserError(f"this task is measured on {wanted[2:]}; name a folder of them with {wanted}.")
    return find_pairs(given) if task.needs_pairs else find_photos(given)


def print_table(figures: dict[str, Any], task: Task) -> None:
    """Prints the main figures of a task per scene and their mean to the terminal."""
    names = [*task.shown, "seconds_per_megapixel"]
    heads = [LABELS.get(name, name.replace("_", " ")) for name in names]
    table = Table(Column("scene", overflow="fold"), *(Column(head, justify="right") for head in heads))
    if any("psnr" in name for name in names):
        of = "of the missing channels (all, visible, occluded pixels), of each view"
        table.caption = f"PSNR in dB: {of}" if "missing_psnr" in names else "PSNR in dB"
    for name, row in [*figures["scenes"].items(), ("mean", figures["mean"])]:
        table.add_row(name, *(_cell(row[key]) for key in names), style="bold" if name == "mean" else "")
    Console().print(table)


def _cell(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.2f}" if abs(value) >= 1 else f"{value:.3f}"
