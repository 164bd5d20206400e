"""Flickr8k: 8,091 photos of at most 500 px (Hodosh, Young and Hockenmaier 2013). Downloaded.

The university's form is closed to many; the address is the copy that most courses use (1.1 GB). Its sha256 is not
known here (an R package checks md5 f18a1e2920de5bd84dae7cf08ec78978), nobody has fetched it here, and the folder is
spelt `Flicker8k_Dataset/667626_18933d713e.jpg`.
"""

from collections.abc import Sequence

from restereo.datasets._dataset import DataSet, RemoteFile
from restereo.datasets._remote import Remote

DATA_SET = DataSet(
    name="flickr8k",
    page="https://github.com/jbrownlee/Datasets/releases/tag/Flickr8k",
    files=(
        RemoteFile(
            "Flickr8k_Dataset.zip",
            "https://github.com/jbrownlee/Datasets/releases/download/Flickr8k/Flickr8k_Dataset.zip",
        ),
    ),
    licence="Flickr8k: non-commercial research and education",
    item="flickr8k_{photo}",
    parts={"photo": r"Flick[e]?r8k_Dataset/(?P<photo>[^/]+)\.jpg"},
)


def build(*, archives: str | None = None, include: Sequence[str] = ("*",)) -> Remote:
    """Returns the source.

    Args:
        archives: Folder of the archives, by default `data/archives/flickr8k`.
        include: Globs of item names (`flickr8k_667626_18933d713e`).

    Example:
        >>> type(build()).__name__
        'Remote'
    """
    return Remote(DATA_SET, archives, include)
