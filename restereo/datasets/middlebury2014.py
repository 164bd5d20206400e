"""Middlebury 2014: 23 indoor pairs of about 3000x2000 px with true disparity of both eyes. Downloaded.

Scharstein and others, German Conference on Pattern Recognition 2014. One archive for each scene, with perfect
calibration, 77 to 104 MB; addresses, scenes and files as torchvision has them: `Adirondack-perfect/im0.png` left,
`im1.png` right (`im1E`, `im1L`: other light, left alone), `disp0.pfm`, `disp1.pfm` in px, infinite = unknown. Nobody
has fetched them here.
"""

from collections.abc import Sequence
from dataclasses import replace

from restereo.datasets._dataset import DataSet, RemoteFile
from restereo.datasets._remote import Remote
from restereo.errors import UserError, nearest

_PAGE = "https://vision.middlebury.edu/stereo/data/scenes2014"

SCENES = (
    *("Adirondack", "Backpack", "Bicycle1", "Cable", "Classroom1", "Couch", "Flowers", "Jadeplant", "Mask"),
    *("Motorcycle", "Piano", "Pipes", "Playroom", "Playtable", "Recycle", "Shelves", "Shopvac", "Sticks"),
    *("Storage", "Sword1", "Sword2", "Umbrella", "Vintage"),
)

DATA_SET = DataSet(
    name="middlebury2014",
    page=f"{_PAGE}/",
    files=tuple(RemoteFile(f"{scene}-perfect.zip", f"{_PAGE}/zip/{scene}-perfect.zip") for scene in SCENES),
    licence="Middlebury: use and publication permitted, cite",
    item="middlebury2014_{scene}",
    parts={
        "left": r"(?P<scene>[A-Za-z0-9]+)-perfect/im0\.png",
        "right": r"(?P<scene>[A-Za-z0-9]+)-perfect/im1\.png",
        "disparity_left": r"(?P<scene>[A-Za-z0-9]+)-perfect/disp0\.pfm",
        "disparity_right": r"(?P<scene>[A-Za-z0-9]+)-perfect/disp1\.pfm",
    },
)


def build(*, archives: str | None = None, scenes: Sequence[str] = SCENES) -> Remote:
    """Returns the source.

    Args:
        archives: Folder of the archives, by default `data/archives/middlebury2014`.
        scenes: Those to download; all by default.

    Raises:
        UserError: There is no such scene.

    Example:
        >>> build(scenes=["Pino"])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        restereo.errors.UserError: middlebury2014 has no scene 'Pino': did you mean 'Piano'? Known: Adirondack, ...
    """
    for scene in scenes:
        if scene not in SCENES:
            raise UserError(f"middlebury2014 has no scene '{scene}': {nearest(scene, SCENES)}.")
    wanted = {f"{scene}-perfect.zip" for scene in scenes}
    files = tuple(file for file in DATA_SET.files if file.name in wanted)
    return Remote(replace(DATA_SET, files=files), archives)
