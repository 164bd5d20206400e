"""Fits and measures what `restereo/imaging/detection.py` decides by. Not a test: it takes about ten minutes.

    RESTEREO_DATA=../shared/data python tests/restereo/imaging/fit_families.py

Real pairs and photographs (moved sideways) of the training folders are made into anaglyphs of every family, as PNG and
as JPEG 4:2:0. Accuracy is of folds that leave out whole rigs; the bench scenes are not touched. The weights are
printed as that file has them.
"""

import os
import random
import re
import textwrap
from pathlib import Path

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from restereo.imaging.anaglyph import form
from restereo.imaging.detection import FAMILIES, ODD, family_measures
from restereo.methods import METHODS

ROOT = Path(__file__).parents[3]
DATA = Path(os.environ.get("RESTEREO_DATA", ROOT.parent / "shared" / "data"))
PHOTOS = 160
QUALITIES = (90, 75, 60)


def read(path: Path, width: int) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)[..., ::-1]
    scale = min(1.0, width / picture.shape[1])
    return np.ascontiguousarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    return np.ascontiguousarray(cv2.imdecode(cv2.imencode(".jpg", picture[..., ::-1], options)[1], 1)[..., ::-1])


def rig(folder: Path) -> str:
    return folder.parent.name if folder.parent.name == "middlebury_2001" else re.sub(r"\d+$", "", folder.name)


def pairs(draw: random.Random):
    """Yields (left, right, group, real, qualities to save with)."""
    for folder in sorted({p.parent for p in (DATA / "train" / "stereo").rglob("left.*")}):
        left, right = (read(next(folder.glob(f"{eye}.*")), 480) for eye in ("left", "right"))
        yield left, right, rig(folder) or folder.parent.name, True, (None, draw.choice(QUALITIES))
    photos = sorted((DATA / "train" / "photos").rglob("*.jpg"))
    draw.shuffle(photos)
    for path in photos[:PHOTOS]:
        picture, shift = read(path, 380), draw.choice([-20, -9, -5, 5, 8, 14, 25])
        left, right = picture[:, 30:-30], picture[:, 30 + shift : picture.shape[1] - 30 + shift]
        group = path.name
        yield left, right, group, False, (draw.choice([None, *QUALITIES]),)


def collect() -> dict[str, np.ndarray]:
    rows = []
    for left, right, group, real, qualities in pairs(random.Random(5)):
        for name, method in METHODS.items():
            colors, family = "-".join(name.split("-")[:2]), name.split("-")[2]
            if colors not in ODD or family not in FAMILIES or name.endswith(("-crt", "-alt", "-sum")):
                continue
            for quality in qualities:
                anaglyph = form(left, right, method)
                found = family_measures(anaglyph if quality is None else jpeg(anaglyph, quality), colors)
                if found is not None:
                    rows.append((found, colors, FAMILIES.index(family), group, real, quality or 0))
        print(group, len(rows), flush=True)
    keys = ("x", "colors", "family", "group", "real", "quality")
    return {key: np.array([row[i] for row in rows]) for i, key in enumerate(keys)}


def fitted(x: np.ndarray, family: np.ndarray, weight: np.ndarray) -> Pipeline:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=3000))
    return model.fit(x, family, logisticregression__sample_weight=weight)


def weights(data: dict[str, np.ndarray], chosen: np.ndarray) -> np.ndarray:
    """Families count alike, and a real pair twice as much as a photograph."""
    weight = np.where(data["real"], 2.0, 1.0)
    for family in range(3):
        weight[data["family"] == family] /= weight[chosen & (data["family"] == family)].sum() / chosen.sum()
    return weight[chosen]


def main() -> None:
    data = collect()
    shares = np.zeros((len(data["family"]), 3))
    tables: dict[str, dict[str, list]] = {"CENTRE": {}, "SCALE": {}, "WEIGHTS": {}}
    for colors in ODD:
        mine = data["colors"] == colors
        x, family, group, weight = data["x"][mine], data["family"][mine], data["group"][mine], weights(data, mine)
        for train, test in GroupKFold(10).split(x, family, group):
            shares[np.flatnonzero(mine)[test]] = fitted(x[train], family[train], weight[train]).predict_proba(x[test])
        scaler, regression = fitted(x, family, weight).steps[0][1], fitted(x, family, weight).steps[1][1]
        rows = np.column_stack([regression.coef_, regression.intercept_])
        for key, value in (("CENTRE", scaler.mean_), ("SCALE", scaler.scale_), ("WEIGHTS", rows)):
            tables[key][colors] = np.round(value, 4).tolist()
    right = shares.argmax(axis=1) == data["family"]
    real, clean, sure = data["real"], data["quality"] == 0, shares.max(axis=1) > 0.9
    print(f"real pairs: PNG {right[real & clean].mean():.3f}, JPEG {right[real & ~clean].mean():.3f}")
    for colors in ODD:
        for index, family in enumerate(FAMILIES):
            cell = real & (data["colors"] == colors) & (data["family"] == index)
            print(f"  {colors}-{family}: PNG {right[cell & clean].mean():.2f} JPEG {right[cell & ~clean].mean():.2f}")
    for low in (0.3, 0.5, 0.7, 0.9):
        band = real & (shares.max(axis=1) >= low) & (shares.max(axis=1) < low + 0.2)
        print(f"  said {low:.1f} to {low + 0.2:.1f}: {band.sum()} times, right {right[band].mean():.2f}")
    print(f"moved photographs: {right[~real].mean():.3f}; sure (> .9): {sure[real].mean():.2f} of real ones")
    print(source(tables))


def source(tables: dict[str, dict[str, list]]) -> str:
    """The constants as `restereo/imaging/detection.py` has them."""
    text: list[str] = []
    for key, table in tables.items():
        inner = "list[list[float]]" if key == "WEIGHTS" else "list[float]"
        text.append(f"{key}: Final[dict[str, {inner}]] = {{")
        for colors, values in table.items():
            text += textwrap.wrap(f'"{colors}": {values},', 108, initial_indent="    ", subsequent_indent="     ")
        text.append("}")
    return "\n".join(text)


if __name__ == "__main__":
    main()
