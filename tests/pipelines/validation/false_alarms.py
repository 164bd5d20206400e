"""Run by hand: how often the limits of `eye_order` and `no_anaglyph` err on real pictures, those they were settled on.

    python tests/pipelines/validation/false_alarms.py $RESTEREO_DATA/train

Takes some minutes on one core. The folder has `stereo/` with pairs and `photos/`.
"""

import sys
from pathlib import Path

from pipelines.validation.manifest import SHIFTED, parallax
from restereo.config import Validate
from restereo.datasets.pairs import find_pairs
from restereo.image import Picture
from restereo.imaging.anaglyph import form
from restereo.imaging.pair_faults import order_score
from restereo.io.read import SUFFIXES, read_picture
from restereo.methods import METHODS


def main(folder: Path) -> None:
    pairs = {
        files.name: (read_picture(files.left), read_picture(files.right)) for files in find_pairs(folder / "stereo")
    }
    eyes(pairs)
    views = {f"{name} {eye}": view for name, pair in pairs.items() for eye, view in zip("LR", pair, strict=True)}
    description("views", {name: parallax(view) for name, view in views.items()}, "called anaglyphs")
    photos = sorted(p for p in (folder / "photos").rglob("*") if p.suffix.lower() in SUFFIXES)
    description("photos", {photo.name: parallax(read_picture(photo)) for photo in photos}, "called anaglyphs")
    made = {f"{n} {m}": parallax(form(*pair, METHODS[m])) for n, pair in pairs.items() for m in METHODS}
    description("anaglyphs", made, "called anaglyphs")


def eyes(pairs: dict[str, tuple[Picture, Picture]]) -> None:
    """Prints the score of each pair as it is, swapped, and cut so that it moves behind the screen."""
    limit = Validate().min_eye_order
    rows = []
    for name, (left, right) in pairs.items():
        cut = round(0.15 * left.shape[1])
        behind = order_score(left[:, cut:], right[:, :-cut])
        rows.append((order_score(left, right), order_score(right, left), behind, name))
    for row in sorted(rows):
        print("{:+.2f}, swapped {:+.2f}, behind the screen {:+.2f}  {}".format(*row))
    for column, words in enumerate(("as they are", "swapped", "behind the screen")):
        print(f"{words}: {sum(row[column] < limit for row in rows)} of {len(rows)} called swapped")


def description(what: str, scores: dict[str, float], words: str) -> None:
    """Prints how many scores are over the limit, and those nearest to it."""
    near = sorted(scores.items(), key=lambda one: abs(one[1] - SHIFTED))[:4]
    found = sum(score > SHIFTED for score in scores.values())
    print(f"{what}: {found} of {len(scores)} {words}; nearest: {', '.join(f'{n} {s:.2f}' for n, s in near)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
