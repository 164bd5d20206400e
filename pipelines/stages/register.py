"""Stage `register@recipe`: a run folder becomes a run and a version in MLflow, once, whatever happened before.

It always runs and has no outs: what it does lives outside DVC's view, so it looks for itself, by content key,
whether it is there already.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines import paths, results
from pipelines.environment import run_stage
from pipelines.tracking import runs, store
from pipelines.tracking.client import connect, find_by_content_key
from pipelines.tracking.store import Version
from restereo.methods import parse

Pictures = NDArray[np.uint8]
METHOD = "red-cyan-color"
"""How test inputs are made; named, because a corner of a picture may be too small to detect it in."""


def main(recipe: str) -> None:
    """Imports the recipe's run folder and evaluation into MLflow unless they are there, and says which version it is.

    Raises:
        UserError: A file is missing, damaged or a pickle, or the model does not predict when loaded back.
    """
    task, place = runs.task_of(recipe), store.default_store()
    key = runs.content_key_of(task, recipe)
    found = store.peek(place, task, key)
    if found and found.is_there:
        print(f"nothing new: {found}")
        return
    with store.lock(place):
        version, is_new = _import(task, recipe, key, place)
    print(f"{recipe}: imported as {version}, run {version.run_id}" if is_new else f"nothing new: {version}")
    if is_new:
        print(f'loaded back and predicting; `mlflow.pyfunc.load_model("{_address(version)}")` in {place.uri}')


def _address(version: Version) -> str:
    return f"models:/{version.name}@{version.aliases[0]}" if version.aliases else version.uri


def _import(task: str, recipe: str, key: str, place: store.Store) -> tuple[Version, bool]:
    """Returns the version and whether it is new. The run folder predicts first: if it cannot, nothing is written."""
    client = connect(place)
    found = find_by_content_key(client, task, key)
    if found and found.is_there:
        return found, False
    from restereo.image import Image
    from restereo.inference.engine import load_run

    entry, picture = runs.read(task, recipe), probe(paths.pictures(task, recipe))
    expected = load_run(paths.run(recipe)).restore(Image(picture), parse(METHOD)).pixels[None]
    return runs.import_run(client, place, entry, runs.Example(picture, METHOD, expected))


def probe(pictures: Path) -> Pictures:
    """Returns `(H, W, 3)` uint8: a corner of an evaluated picture, else a made-up anaglyph of 64 by 96 px.

    Of a pair it is that of both, side by side.

    Example:
        >>> probe(Path("no/such/folder")).shape
        (64, 96, 3)
    """
    for row in results.read_json(pictures / "pictures.json") or []:
        from PIL import Image

        eyes = []
        for name in (name for what, name in row["files"].items() if what.startswith("observed")):
            with Image.open(pictures / name) as picture:
                eyes.append(np.asarray(picture.convert("RGB"))[:128, :192])
        return np.concatenate(eyes, axis=1)
    texture = np.random.default_rng(0).integers(0, 256, (16, 25, 3)).repeat(4, 0).repeat(4, 1)
    return np.concatenate([texture[:, 4:, :1], texture[:, :-4, 1:]], 2).astype(np.uint8)


if __name__ == "__main__":
    run_stage(main)
