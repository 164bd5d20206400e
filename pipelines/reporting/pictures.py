"""The report's example scenes: what their pictures show, and the pictures as text inside the page."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from pipelines.display import metric, shown
from pipelines.results import Comparison, Figures, RecipeResults

VIEWS = {
    "observed": ("Input", "what goes in"),
    "observed_left": ("Input, left eye", "what goes in"),
    "prediction": ("Recovered", "what the network makes of it"),
    "truth": ("Truth", "what it should be"),
    "prediction_left": ("Recovered, left eye", "what the network makes of it"),
    "truth_left": ("Truth, left eye", "what it should be"),
    "observed_right": ("Input, right eye", "what goes in"),
    "prediction_right": ("Recovered, right eye", "what the network makes of it"),
    "truth_right": ("Truth, right eye", "what it should be"),
}
ROLES = {"best": "best scene", "median": "middle scene", "worst": "worst scene"}
BUDGET = 10 * 2**20
"""Bytes of all pictures of a page; base64 makes them a third larger, so the page stays under 15 MB."""
SMALLEST = 32
"""Pictures are not made lower than this many px, whatever the budget."""
BROAD = 2.2
"""A picture so much wider than high gets the whole width of the page."""


@dataclass(frozen=True)
class Embedded:
    """A picture as a `data:` address, and its size in pixels."""

    address: str
    width: int
    height: int


@dataclass(frozen=True)
class Example:
    """A scene with its pictures: (view, label, what it shows, picture); `missing` of them could not be read."""

    scene: str
    role: str
    figures: str
    views: list[tuple[str, str, str, Embedded]]
    missing: int

    @property
    def broad(self) -> bool:
        """Whether the pictures need the whole width of the page."""
        return any(picture.width > BROAD * picture.height for *_, picture in self.views)


def embed(files: Sequence[Path], height: int, budget: int = BUDGET) -> dict[Path, Embedded]:
    """Returns the pictures as `data:` addresses, at most `height` px high; unreadable ones are left out.

    All are PNG if they fit into the budget, else JPEG of quality 95 without chroma subsampling (halved colour is the
    very damage that the page shows), made smaller until they fit.

    Example:
        >>> embed([Path("no-such-file.png")], 256)
        {}
    """
    pictures = {file: picture for file in dict.fromkeys(files) if (picture := _open(file)) is not None}
    kind, limit = "png", height
    while True:
        encoded = {file: _encode(picture, limit, kind) for file, picture in pictures.items()}
        total = sum(len(data) for data, _ in encoded.values())
        if total <= budget or limit <= SMALLEST:
            break
        if kind == "jpeg":  # bytes grow with the area
            limit = max(SMALLEST, int(limit * min(0.95, math.sqrt(budget / total))))
        kind = "jpeg"
    return {
        file: Embedded(f"data:image/{kind};base64,{base64.b64encode(data).decode()}", *size)
        for file, (data, size) in encoded.items()
    }


def _open(file: Path) -> Image.Image | None:
    try:
        with Image.open(file) as picture:
            return picture.convert("RGB")
    except OSError:
        return None  # the page says in words that this picture cannot be shown


def _encode(picture: Image.Image, height: int, kind: str) -> tuple[bytes, tuple[int, int]]:
    if picture.height > height:
        width = max(1, round(picture.width * height / picture.height))
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"quality": 95, "subsampling": 0} if kind == "jpeg" else {}))
    return buffer.getvalue(), picture.size


def examples(
    results: Sequence[RecipeResults], comparison: Comparison, height: int
) -> list[tuple[str, str, list[Example]]]:
    """Returns (recipe, kind of input, its best, middle and worst scene), with pictures at most `height` px high."""
    files = [
        result.folder / name
        for result in results
        for row in result.pictures
        for view, name in row["files"].items()
        if view in VIEWS
    ]
    embedded, roles, groups = embed(files, height), list(ROLES), []
    for result in results:
        for variant in comparison.variants:
            rows = [row for row in result.pictures if row["variant"] == variant]
            rows.sort(key=lambda row: roles.index(row["role"]) if row["role"] in roles else len(roles))
            figures = comparison.scenes.get(variant, {}).get(result.recipe, {})
            found = [_example(row, result.folder, embedded, figures, comparison.headline) for row in rows]
            if found:
                groups.append((result.recipe, variant, found))
    return groups


def _example(
    row: Mapping[str, Any],
    folder: Path,
    embedded: Mapping[Path, Embedded],
    figures: Mapping[str, Figures],
    headline: str,
) -> Example:
    files = {view: folder / name for view, name in row["files"].items()}
    scene, role = str(row["scene"]), str(row["role"])
    return Example(
        scene=scene,
        role=ROLES.get(role, role),
        figures=caption({headline: row.get(headline), **figures.get(scene, {})}, headline),
        views=[
            (view, label, f"{label} of scene {scene}: {meaning}", embedded[files[view]])
            for view, (label, meaning) in VIEWS.items()
            if files.get(view) in embedded
        ],
        missing=sum(file not in embedded for file in files.values()),
    )


def caption(figures: Figures, headline: str) -> str:
    """Returns a scene's headline figure in words, with its parts where they are known; empty if it is not.

    Example:
        >>> caption({"missing_psnr": 21.84, "missing_psnr_visible": 23.6}, "missing_psnr")
        'Missing colours: 21.8 dB (visible 23.6)'
    """
    value = figures.get(headline)
    if value is None:
        return ""
    parts = [name for name in figures if name.startswith(f"{headline}_") and figures[name] is not None]
    inner = ", ".join(f"{metric(name).label} {shown(figures[name], name)}" for name in parts)
    text = f"{metric(headline).group}: {shown(value, headline)} {metric(headline).unit}".strip()
    return f"{text} ({inner})" if inner else text
