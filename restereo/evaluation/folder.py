"""The protocol on a folder of real pairs."""

from typing import Any

from rich.console import Console
from rich.table import Column, Table

from restereo.evaluation.protocol import judge, mean
from restereo.evaluation.reader import read_scene
from restereo.progress import shown
from restereo.sample import Predictor
from restereo.sources._pictures import PairFiles
from restereo.tasks import Task

SHOWN = {
    "missing_psnr": "missing",
    "missing_psnr_visible": "visible",
    "missing_psnr_occluded": "occluded",
    "psnr_left": "left",
    "psnr_right": "right",
    "ciede2000": "ΔE",
    "seconds_per_megapixel": "s/Mpx",
}


def evaluate_folder(
    predictor: Predictor, task: Task, files: list[PairFiles], jpeg_quality: int | None = None
) -> dict[str, Any]:
    """Returns `{"scenes": {name: figures}, "mean": figures}`; the figures are those of `Task.measure` and the speed.

    Args:
        predictor: What is measured.
        task: The task it answers.
        files: The pairs, as `find_pairs` finds them in a folder.
        jpeg_quality: If given, the input is saved as JPEG 4:2:0 of this quality first.

    Raises:
        UserError: A picture is damaged, or the views of a pair differ in size.
    """
    scenes: dict[str, dict[str, float | None]] = {}
    for pair in shown(files, "scenes"):
        scene = read_scene(pair)
        judged = judge(predictor, scene, task.observe(scene.truth, jpeg_quality), task)
        scenes[scene.name] = {**judged.figures, "seconds_per_megapixel": judged.seconds_per_megapixel}
    return {"scenes": scenes, "mean": mean(list(scenes.values()))}


def print_table(figures: dict[str, Any]) -> None:
    """Prints the main figures per scene and their mean to the terminal."""
    table = Table(Column("scene", overflow="fold"), *(Column(label, justify="right") for label in SHOWN.values()))
    table.caption = "PSNR in dB: of the missing channels (all, visible, occluded pixels), of each view"
    for name, row in [*figures["scenes"].items(), ("mean", figures["mean"])]:
        cells = ["–" if row[key] is None else f"{row[key]:.2f}" for key in SHOWN]
        table.add_row(name, *cells, style="bold" if name == "mean" else "")
    Console().print(table)
