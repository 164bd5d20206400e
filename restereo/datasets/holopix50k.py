"""Holopix50k: 49,368 stereo pairs of 1280x720 px, from phones (Hua and others, CVPR Workshops 2020). By its own script.

The script copies a folder from a bucket with gsutil, `Holopix50k/{train,val,test}/{left,right}/`; one part alone
(`download_holopix50k.sh FOLDER val`) will do. What the files are called after the id (`-LMudfNzcf8L_S_GHKkk_left.jpg`
or `-LMudfNzcf8L_S_GHKkk.jpg`) was not to be seen; both are read. Nobody has fetched it here.
"""

from collections.abc import Sequence

from restereo.datasets._dataset import DataSet, RemoteFile
from restereo.datasets._remote import Remote

DATA_SET = DataSet(
    name="holopix50k",
    page="https://github.com/leiainc/holopix50k",
    files=(RemoteFile("Holopix50k"),),
    licence="Holopix50k: non-commercial, data courtesy of Leia Inc. pursuant to the Holopix50k Dataset License",
    item="holopix50k_{split}_{scene}",
    parts={
        "left": r"(?P<split>train|val|test)/left/(?P<scene>[^/]+?)(?:_left)?\.(?:jpe?g|png)",
        "right": r"(?P<split>train|val|test)/right/(?P<scene>[^/]+?)(?:_right)?\.(?:jpe?g|png)",
    },
    login="run scripts/download_holopix50k.sh",
)


def build(*, archives: str | None = None, include: Sequence[str] = ("*",)) -> Remote:
    """Returns the source.

    Args:
        archives: Folder of the archives, by default `data/archives/holopix50k`.
        include: Globs of item names (`holopix50k_val_*`).

    Example:
        >>> type(build()).__name__
        'Remote'
    """
    return Remote(DATA_SET, archives, include)
