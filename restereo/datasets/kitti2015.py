"""KITTI stereo 2015: 200 pairs with disparity, 200 without (Menze and Geiger, CVPR 2015). By e-mail.

The site asks for an e-mail address and sends the link (1,681,488,619 bytes). Layout as its readers have it:
`training/image_2/000000_10.png` left, `image_3` right, `disp_occ_0` the left eye's disparity in px times 256, 0 =
unknown. `disp_occ_1` is no right eye's map but that of time `_11` seen from `_10`: it is left alone, and so is `_11`.
Nobody has fetched it here.
"""

from collections.abc import Sequence

from restereo.datasets._dataset import DataSet, RemoteFile
from restereo.datasets._remote import Remote

DATA_SET = DataSet(
    name="kitti2015",
    page="https://www.cvlibs.net/datasets/kitti/eval_scene_flow.php?benchmark=stereo",
    files=(RemoteFile("data_scene_flow.zip"),),
    licence="CC BY-NC-SA 3.0",
    item="kitti2015_{split}_{scene}",
    parts={
        "left": r"(?P<split>train|test)ing/image_2/(?P<scene>\d{6}_10)\.png",
        "right": r"(?P<split>train|test)ing/image_3/(?P<scene>\d{6}_10)\.png",
        "disparity_left": r"(?P<split>train)ing/disp_occ_0/(?P<scene>\d{6}_10)\.png",
    },
    login="log in and ask for the stereo 2015 data set",
    disparity_scale=256.0,
)


def build(*, archives: str | None = None, include: Sequence[str] = ("*",)) -> Remote:
    """Returns the source.

    Args:
        archives: Folder of the archives, by default `data/archives/kitti2015`.
        include: Globs of item names (`kitti2015_train_*`).

    Example:
        >>> type(build()).__name__
        'Remote'
    """
    return Remote(DATA_SET, archives, include)
