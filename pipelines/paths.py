"""Every file that passes between stages, named once. All paths are relative to the project's root."""

import os
from pathlib import Path

DATA = Path("data")
RAW = DATA / "raw"
MANIFEST = DATA / "manifest" / "manifest.csv"
VALIDATION = DATA / "manifest" / "validation.json"
DATA_DOCS = DATA / "docs"
MLFLOW = DATA / "mlflow"
LOGS = DATA / "logs"
LEDGER = DATA / "ledger.jsonl"
NOTICES = LOGS / "notices.log"
RETRAINING = DATA / "retraining.md"
EVALUATION = DATA / "evaluation"


def raw(source: str) -> Path:
    """Folder of one source: `index.json` and the files it lists."""
    return RAW / source


def pairs(task: str) -> Path:
    """Folder of one task's scenes: `index.json` and shards for each split."""
    return DATA / "pairs" / task


def run(recipe: str) -> Path:
    """Run folder: config, history, environment, metrics, calibration, weights. Bytes depend on inputs alone."""
    return DATA / "runs" / recipe


def cost(recipe: str) -> Path:
    """Times, host and cost of the last training and evaluation. Nothing depends on it."""
    return DATA / "cost" / f"{recipe}.json"


def evaluation(task: str) -> Path:
    """Folder with the figures and example pictures of every recipe of one task."""
    return EVALUATION / task


def metrics(task: str, recipe: str) -> Path:
    """Mean figures of a recipe and its baselines (a DVC metric, committed)."""
    return evaluation(task) / f"{recipe}.json"


def scenes(task: str, recipe: str) -> Path:
    """Figures per scene of a recipe and its baselines (a DVC plot)."""
    return evaluation(task) / f"{recipe}.csv"


def pictures(task: str, recipe: str) -> Path:
    """Folder of example pictures that the report shows."""
    return evaluation(task) / recipe


def report(task: str) -> Path:
    """The task's HTML page."""
    return DATA / "report" / f"{task}.html"


def watch(source: str) -> Path:
    """Digest of what a watched folder held when it was last brought in. Without it, it is brought in again."""
    return DATA / ".watch" / source


def decision(task: str) -> Path:
    """What the last retraining decided on the task's challenger, as Markdown."""
    return DATA / ".decisions" / f"{task}.md"


def live(recipe: str) -> Path:
    """Folder of the checkpoint that a killed training resumes from. Outside DVC's outs, gone on success."""
    return DATA / ".live" / recipe


def write_whole(file: Path, text: str) -> None:
    """Writes a text file, whole or not at all, whatever dies on the way.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     write_whole(Path(folder, "new", "file"), "text")
        ...     Path(folder, "new", "file").read_text()
        'text'
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
