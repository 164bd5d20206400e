"""DIV2K: 800 + 100 photos of about 2040x1400 px (Agustsson and Timofte, NTIRE 2017). Downloaded.

Addresses and checksums are those of TensorFlow Datasets (`url_checksums/div2k.txt`; 3,530,603,713 and 448,993,893
bytes); nobody has fetched them here. `DIV2K_train_HR/0001.png`, ..., `DIV2K_valid_HR/0801.png`, ....
"""

from collections.abc import Sequence

from restereo.datasets._dataset import DataSet, RemoteFile
from restereo.datasets._remote import Remote

_URL = "https://data.vision.ee.ethz.ch/cvl/DIV2K"

DATA_SET = DataSet(
    name="div2k",
    page=f"{_URL}/",
    files=(
        RemoteFile(
            "DIV2K_train_HR.zip",
            f"{_URL}/DIV2K_train_HR.zip",
            "9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
        ),
        RemoteFile(
            "DIV2K_valid_HR.zip",
            f"{_URL}/DIV2K_valid_HR.zip",
            "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
        ),
    ),
    licence="DIV2K: academic research only",
    item="div2k_{photo}",
    parts={"photo": r"DIV2K_(?:train|valid)_HR/(?P<photo>\d{4})\.png"},
)


def build(*, archives: str | None = None, include: Sequence[str] = ("*",)) -> Remote:
    """Returns the source.

    Args:
        archives: Folder of the archives, by default `data/archives/div2k`.
        include: Globs of item names (`div2k_0001`).

    Example:
        >>> type(build()).__name__
        'Remote'
    """
    return Remote(DATA_SET, archives, include)
