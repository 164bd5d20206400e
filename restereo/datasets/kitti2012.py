"""KITTI stereo 2012: 194 pairs with disparity from a laser scanner, 195 without (Geiger, Lenz and Urtasun). By e-mail.

The site asks for an e-mail address and sends the link (2.1 GB). Layout as its readers have it:
`training/colored_0/000000_10.png` left, `colored_1` right, `disp_occ` the left eye's disparity in px times 256, 0 =
unknown, occluded pixels included; `testing/` has no disparity. Of each scene only time `_10` is taken: `_11` is the
same street a tenth of a second later. Nobody has fetched it here.
"""

from collections.abc import Sequence

from restereo.datasets._dataset import DataSet, RemoteFile
from restereo.datasets._remote import Remote

DATA_SET = DataSet(
    name="kitti2012",
    page="https://www.cvlibs.net/datasets/kitti/eval_stereo_flow.php?benchmark=stereo",
    files=(RemoteFile("data_stereo_flow.zip"),),
    licence="CC BY-NC-SA 3.0",
    item="kitti2012_{split}_{scene}",
    parts={
        "left": r"(?P<split>train|test)ing/colored_0/(?P<scene>\d{6}_10)\.png",
        "right": r"(?P<split>train|test)ing/colored_1/(?P<scene>\d{6}_10)\.png",
        "disparity_left": r"(?P<split>train)ing/disp_occ/(?P<scene>\d{6}_10)\.png",
    },
    login="log in and ask for the stereo 2012 data set",
    disparity_scale=256.0,
)


def build(*, archives: str | None = None, include: Sequence[str] = ("*",)) -> Remote:
    """Returns the source.

    Args:
        archives: Folder of the archives, by default `data/archives/kitti2012`.
        include: Globs of item names (`kitti2012_train_*`).

    Example:
        >>> type(build()).__name__
        'Remote'
    """
    return Remote(DATA_SET, archives, include)
