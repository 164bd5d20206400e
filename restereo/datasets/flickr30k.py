"""Flickr30k: 31,783 photos of at most 500 px (Young, Lai, Hodosh and Hockenmaier 2014). Asked for by a form.

The archive's name and layout, `flickr30k-images/1000092795.jpg`, are as public code reads them; nobody has fetched it
here.
"""

from collections.abc import Sequence

from restereo.datasets._dataset import DataSet, RemoteFile
from restereo.datasets._remote import Remote

DATA_SET = DataSet(
    name="flickr30k",
    page="https://shannon.cs.illinois.edu/DenotationGraph/",
    files=(RemoteFile("flickr30k-images.tar.gz"),),
    licence="Flickr30k: non-commercial research and education",
    item="flickr30k_{photo}",
    parts={"photo": r"flickr30k[-_]images/(?P<photo>[^/]+)\.jpg"},
    login="fill in the form that asks for the images",
)


def build(*, archives: str | None = None, include: Sequence[str] = ("*",)) -> Remote:
    """Returns the source.

    Args:
        archives: Folder of the archives, by default `data/archives/flickr30k`.
        include: Globs of item names (`flickr30k_1000092795`).

    Example:
        >>> type(build()).__name__
        'Remote'
    """
    return Remote(DATA_SET, archives, include)
