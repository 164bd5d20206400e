"""Fits and judges what `restereo/imaging/families.py` decides by. Not a test: it takes some minutes.

    RESTEREO_DATA=../shared/data python tests/restereo/imaging/fit_families.py fit      # writes families.json
    RESTEREO_DATA=../shared/data python tests/restereo/imaging/fit_families.py judge    # prints the table
    RESTEREO_DATA=../shared/data python tests/restereo/imaging/fit_families.py views    # and how the eyes then differ

Real pairs, and photographs seen at a random smooth depth, are made into anaglyphs, as PNG and as JPEG 4:2:0. The rigs
of `JUDGES` are kept out of the fit, those of the benchmark out of both; `judge` asks `detect` about all methods.
"""

import json
import os
import random
import re
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression

from restereo import recover
from restereo.imaging import families
from restereo.imaging.anaglyph import form
from restereo.imaging.degradations import jpeg
from restereo.imaging.detection import detect
from restereo.imaging.stereo import color_difference
from restereo.methods import METHODS

DATA = Path(os.environ.get("RESTEREO_DATA", Path(__file__).parents[4] / "shared" / "data"))
JUDGES = ("dino", "tsukuba", "Dolls", "Reindeer", "Flowerpots", "Rocks1", "traproom1", "bananas", "00001")
SIBLINGS = ("Rocks2", "Lampshade1", "Lampshade2", "traproom2", "00000", "curule1", "podium1")
"""Of the same rigs as judges, or kept for others."""
PHOTOS, OF_A_PHOTO = 300, 5
QUALITIES = (80, 80, 90, 65)
REAL = 4.0
"""What a real pair counts beside a photograph."""
ALIKE = {
    "dubois-crt": "dubois",
    "dubois-lcd": "dubois",
    "dubois-alt": "dubois",
    "dubois-linear-sum": "dubois-linear",
}
"""Families that look alike, by the one that stands for them."""
COLOURFUL = [name for name, method in METHODS.items() if method.colors in families.ODD and not method.is_grey]


def alike(name: str) -> str:
    family = METHODS[name].family
    return ALIKE.get(family, family)


def without_light(name: str) -> str:
    """The family, Dubois' in encoded values and in linear light being one: taken for each other, PSNR loses 1 dB."""
    return alike(name).removesuffix("-linear")


def read(path: Path, width: int) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
    scale = min(1.0, width / picture.shape[1])
    return np.ascontiguousarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def real_pairs(judges: bool) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for folder in sorted({path.parent for path in (DATA / "train" / "stereo").rglob("left.*")}):
        if folder.name not in SIBLINGS and (folder.name in JUDGES) == judges:
            views = [read(next(folder.glob(f"{eye}.*")), 960) for eye in ("left", "right")]
            yield re.sub(r"\d+$", "", folder.name) or folder.name, views[0], views[1]


def at_depth(photo: np.ndarray, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A photograph, and as an eye sees it to which it has some depth."""
    height, width = photo.shape[:2]
    coarse = draw.normal(0, 1, (4, 5)).astype(np.float32) * draw.uniform(0, 8)
    depth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    base = draw.choice([-1, 1]) * np.exp(draw.uniform(np.log(3), np.log(25)))
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(photo, (x + depth + base).astype(np.float32), y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(photo[:, 40:-40]), np.ascontiguousarray(moved[:, 40:-40])


def examples() -> Iterator[tuple[np.ndarray, np.ndarray, str, int | None, float]]:
    """Yields views, method, JPEG quality and weight."""
    draw = random.Random(5)
    for _, left, right in real_pairs(judges=False):
        for name in COLOURFUL:
            for quality in (None, draw.choice(QUALITIES)):
                yield left, right, name, quality, REAL
    photos = sorted(path for path in (DATA / "train" / "photos").rglob("*") if path.suffix in {".jpg", ".png"})
    draw.shuffle(photos)
    for number, path in enumerate(photos[:PHOTOS]):
        generator = np.random.default_rng(number)
        left, right = at_depth(read(path, 560), generator)
        for name in generator.choice(COLOURFUL, OF_A_PHOTO, replace=False):
            yield left, right, str(name), draw.choice([None, None, *QUALITIES]), 1.0


def fit() -> None:
    rows: dict[str, list[tuple[np.ndarray, str, float]]] = {colors: [] for colors in families.ODD}
    for number, (left, right, name, quality, weight) in enumerate(examples()):
        anaglyph = form(left, right, METHODS[name])
        colors = METHODS[name].colors
        found = families.measures(anaglyph if quality is None else jpeg(anaglyph, quality), colors)
        if found is not None:
            rows[colors].append((found, alike(name), weight))
        if number % 100 == 0:
            print(number, flush=True)
    content = {}
    for colors, examples_of in rows.items():
        measures, names, weights = (np.array(column) for column in zip(*examples_of, strict=True))
        centre, scale = measures.mean(axis=0), measures.std(axis=0) + 1e-6
        standard = np.clip((measures - centre) / scale, -3, 3)
        model = LogisticRegression(C=0.1, max_iter=1000).fit(standard, names, sample_weight=weights)
        content[colors] = {
            "families": model.classes_.tolist(),
            "centre": rounded(centre),
            "scale": rounded(scale),
            "weights": [rounded(row) for row in np.column_stack([model.coef_, model.intercept_])],
        }
    Path(families.__file__).with_suffix(".json").write_text(json.dumps(content, indent=None) + "\n")


def rounded(values: np.ndarray) -> list[float]:
    return [float(f"{value:.4g}") for value in values]


def judge() -> None:
    """Prints how often the family is right, by method and quality, and how sure `detect` was when it was not."""
    counts: dict[tuple[str, int | None], list[bool]] = {}
    nearly: dict[int | None, list[bool]] = {None: [], 80: []}
    doubted: list[bool] = []
    for _, left, right in real_pairs(judges=True):
        for name, quality in chain.from_iterable(((one, None), (one, 80)) for one in METHODS):
            anaglyph = form(left, right, METHODS[name])
            found = detect(anaglyph if quality is None else jpeg(anaglyph, quality))
            right_colors = found.method.colors == METHODS[name].colors
            right_family = right_colors and alike(found.method.name) == alike(name)
            counts.setdefault((name, quality), []).append(right_family)
            nearly[quality].append(right_colors and without_light(found.method.name) == without_light(name))
            if not right_family:
                second = found.runner_up
                doubted.append(second is not None and alike(second.name) == alike(name))
    print(f"{'method':32}  PNG   q80")
    for name in METHODS:
        clean, lossy = counts[name, None], counts[name, 80]
        print(f"{name:32} {sum(clean):2}/{len(clean)} {sum(lossy):2}/{len(lossy)}")
    for quality in (None, 80):
        one = [right for (_, q), rights in counts.items() if q == quality for right in rights]
        light = f"{np.mean(nearly[quality]):.1%} with Dubois in either light as one"
        print(
            f"{'PNG' if quality is None else 'JPEG q80'}: {sum(one)} of {len(one)} right ({np.mean(one):.1%}), {light}"
        )
    print(f"of {len(doubted)} wrong ones the runner-up is the right one {sum(doubted)} times")


def views() -> None:
    """Prints by how many codes the two recovered views differ where they match, by the method's family."""
    differences: dict[str, list[float]] = {}
    for _, left, right in real_pairs(judges=True):
        if max(left.shape) < 600:  # the network's time
            for name in COLOURFUL:
                anaglyph = jpeg(form(left, right, METHODS[name]), 80)
                pair = recover(anaglyph, detect(anaglyph).method)
                assert pair.disparity is not None and pair.confidence is not None
                found = color_difference(pair.left, pair.right, pair.disparity[0], pair.confidence[0] > 0)
                differences.setdefault(alike(name), []).append(float("nan") if found is None else found)
                print(name, f"{differences[alike(name)][-1]:.2f}", flush=True)
    for family, one in differences.items():
        print(f"{family:16} median {np.nanmedian(one):.2f} worst {np.nanmax(one):.2f} codes")
    print(f"all: median {np.nanmedian(list(chain.from_iterable(differences.values()))):.2f} codes")


if __name__ == "__main__":
    cv2.setNumThreads(1)
    {"fit": fit, "judge": judge, "views": views}[sys.argv[1]]()
