"""Flickr1024: 800 + 112 + 112 stereo pairs (Wang, Wang, Yang, An and Guo, ICCV Workshops 2019). From a shared drive.

The drive offers the parts `Train`, `Validation` and `Test` as folders, in which case they come as zip files, or as RAR
files, which have to be unpacked by hand. Layout as public code reads it: `Train/0001_L.png`, `Train/0001_R.png`; nobody
has fetched it here.
"""

from collections.abc import Sequence

from restereo.datasets._dataset import DataSet, RemoteFile
from restereo.datasets._remote import Remote

DATA_SET = DataSet(
    name="flickr1024",
    page="https://yingqianwang.github.io/Flickr1024/",
    files=(RemoteFile("Train.zip"), RemoteFile("Validation.zip"), RemoteFile("Test.zip")),
    licence="Flickr1024: non-commercial use only, no redistribution",
    item="flickr1024_{split}_{scene}",
    parts={
        "left": r"(?P<split>Train|Validation|Test)/(?P<scene>\d+)_L\.png",
        "right": r"(?P<split>Train|Validation|Test)/(?P<scene>\d+)_R\.png",
    },
    login="follow the link to Google Drive or Baidu",
)


def build(*, archives: str | None = None, include: Sequence[str] = ("*",)) -> Remote:
    """Returns the source.

    Args:
        archives: Folder of the archives, by default `data/archives/flickr1024`.
        include: Globs of item names (`flickr1024_Train_*`).

    Example:
        >>> type(build()).__name__
        'Remote'
    """
    return Remote(DATA_SET, archives, include)
