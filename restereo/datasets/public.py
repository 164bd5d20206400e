"""The table of public data sets: what each is, what its terms are, and which members of its archives make up an item.

Layouts are as public readers of the sets have them; nobody has fetched one here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple


class RemoteFile(NamedTuple):
    """An archive.

    Attributes:
        name: Its file name in the folder of archives; a name without suffix is a folder.
        url: Where it is downloaded from, None = a person has to get it.
        sha256: What it must be, None = nobody has verified it yet: the first file that comes is recorded.
        item: The one item that it holds, empty = several.
    """

    name: str
    url: str | None = None
    sha256: str | None = None
    item: str = ""


@dataclass(frozen=True)
class DataSet:
    """A row of the table.

    Attributes:
        page: Its home page, where people ask for it.
        files: Its archives.
        licence: Terms of use.
        item: What an item is called, of the named groups in `parts`; the data set's name stands in it, so that the
            benchmark's scenes are known whatever the row in `params.yaml` is called.
        parts: "left" and "right" [and "disparity_left", "disparity_right"], or "photo" -> regular expression that
            matches the end of a member's path, the archive's own name in front (`Train/0001_L.png` in `Train.zip`
            or in the folder `Train`).
        login: What a person has to do on `page`, a clause; empty where the files are downloaded.
        disparity_scale: See `Item`.
    """

    page: str
    files: Sequence[RemoteFile]
    licence: str
    item: str
    parts: Mapping[str, str]
    login: str = ""
    disparity_scale: float | None = None


_DIV2K = "https://data.vision.ee.ethz.ch/cvl/DIV2K"
_MIDDLEBURY = "https://vision.middlebury.edu/stereo/data/scenes2014"
_MIDDLEBURY_SCENES = (
    *("Adirondack", "Backpack", "Bicycle1", "Cable", "Classroom1", "Couch", "Flowers", "Jadeplant", "Mask"),
    *("Motorcycle", "Piano", "Pipes", "Playroom", "Playtable", "Recycle", "Shelves", "Shopvac", "Sticks"),
    *("Storage", "Sword1", "Sword2", "Umbrella", "Vintage"),
)

PUBLIC: dict[str, DataSet] = {
    # 800 + 100 photos of about 2040x1400 px (Agustsson and Timofte, NTIRE 2017). Addresses and checksums are those of
    # TensorFlow Datasets (`url_checksums/div2k.txt`; 3,530,603,713 and 448,993,893 bytes).
    "div2k": DataSet(
        page=f"{_DIV2K}/",
        files=[
            RemoteFile(
                "DIV2K_train_HR.zip",
                f"{_DIV2K}/DIV2K_train_HR.zip",
                "9d0b9c463f6e35b6c62cc6a930ee2224f670b34c1df841a57670f9acf0f6c335",
            ),
            RemoteFile(
                "DIV2K_valid_HR.zip",
                f"{_DIV2K}/DIV2K_valid_HR.zip",
                "20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
            ),
        ],
        licence="DIV2K: academic research only",
        item="div2k_{photo}",
        parts={"photo": r"DIV2K_(?:train|valid)_HR/(?P<photo>\d{4})\.png"},
    ),
    # 800 + 112 + 112 pairs (Wang, Wang, Yang, An and Guo, ICCV Workshops 2019). The drive offers the parts as folders,
    # which come as zip files, or as RAR files, which have to be unpacked by hand.
    "flickr1024": DataSet(
        page="https://yingqianwang.github.io/Flickr1024/",
        files=[RemoteFile("Train.zip"), RemoteFile("Validation.zip"), RemoteFile("Test.zip")],
        licence="Flickr1024: non-commercial use only, no redistribution",
        item="flickr1024_{split}_{scene}",
        parts={
            "left": r"(?P<split>Train|Validation|Test)/(?P<scene>\d+)_L\.png",
            "right": r"(?P<split>Train|Validation|Test)/(?P<scene>\d+)_R\.png",
        },
        login="follow the link to Google Drive or Baidu",
    ),
    # 31,783 photos of at most 500 px (Young, Lai, Hodosh and Hockenmaier 2014).
    "flickr30k": DataSet(
        page="https://shannon.cs.illinois.edu/DenotationGraph/",
        files=[RemoteFile("flickr30k-images.tar.gz")],
        licence="Flickr30k: non-commercial research and education",
        item="flickr30k_{photo}",
        parts={"photo": r"flickr30k[-_]images/(?P<photo>[^/]+)\.jpg"},
        login="fill in the form that asks for the images",
    ),
    # 8,091 photos of at most 500 px (Hodosh, Young and Hockenmaier 2013). The university's form is closed to many; the
    # address is the copy that most courses use (1.1 GB; an R package checks md5 f18a1e2920de5bd84dae7cf08ec78978). Its
    # folder is spelt `Flicker8k_Dataset`.
    "flickr8k": DataSet(
        page="https://github.com/jbrownlee/Datasets/releases/tag/Flickr8k",
        files=[
            RemoteFile(
                "Flickr8k_Dataset.zip",
                "https://github.com/jbrownlee/Datasets/releases/download/Flickr8k/Flickr8k_Dataset.zip",
            )
        ],
        licence="Flickr8k: non-commercial research and education",
        item="flickr8k_{photo}",
        parts={"photo": r"Flick[e]?r8k_Dataset/(?P<photo>[^/]+)\.jpg"},
    ),
    # 49,368 pairs of 1280x720 px, from phones (Hua and others, CVPR Workshops 2020). The script copies a folder from a
    # bucket with gsutil; one part alone (`download_holopix50k.sh FOLDER val`) will do. What follows the id in a file's
    # name was not to be seen; both spellings are read.
    "holopix50k": DataSet(
        page="https://github.com/leiainc/holopix50k",
        files=[RemoteFile("Holopix50k")],
        licence="Holopix50k: non-commercial, data courtesy of Leia Inc. pursuant to the Holopix50k Dataset License",
        item="holopix50k_{split}_{scene}",
        parts={
            "left": r"(?P<split>train|val|test)/left/(?P<scene>[^/]+?)(?:_left)?\.(?:jpe?g|png)",
            "right": r"(?P<split>train|val|test)/right/(?P<scene>[^/]+?)(?:_right)?\.(?:jpe?g|png)",
        },
        login="run scripts/download_holopix50k.sh",
    ),
    # 194 pairs with disparity from a laser scanner, 195 without (Geiger, Lenz and Urtasun; 2.1 GB). `disp_occ` is the
    # left eye's disparity in px times 256, 0 = unknown, occluded pixels included. Of each scene only time `_10` is
    # taken: `_11` is the same street a tenth of a second later.
    "kitti2012": DataSet(
        page="https://www.cvlibs.net/datasets/kitti/eval_stereo_flow.php?benchmark=stereo",
        files=[RemoteFile("data_stereo_flow.zip")],
        licence="CC BY-NC-SA 3.0",
        item="kitti2012_{split}_{scene}",
        parts={
            "left": r"(?P<split>train|test)ing/colored_0/(?P<scene>\d{6}_10)\.png",
            "right": r"(?P<split>train|test)ing/colored_1/(?P<scene>\d{6}_10)\.png",
            "disparity_left": r"(?P<split>train)ing/disp_occ/(?P<scene>\d{6}_10)\.png",
        },
        login="log in and ask for the stereo 2012 data set",
        disparity_scale=256.0,
    ),
    # 200 pairs with disparity, 200 without (Menze and Geiger, CVPR 2015; 1,681,488,619 bytes). `disp_occ_1` is no right
    # eye's map but that of time `_11` seen from `_10`: it is left alone.
    "kitti2015": DataSet(
        page="https://www.cvlibs.net/datasets/kitti/eval_scene_flow.php?benchmark=stereo",
        files=[RemoteFile("data_scene_flow.zip")],
        licence="CC BY-NC-SA 3.0",
        item="kitti2015_{split}_{scene}",
        parts={
            "left": r"(?P<split>train|test)ing/image_2/(?P<scene>\d{6}_10)\.png",
            "right": r"(?P<split>train|test)ing/image_3/(?P<scene>\d{6}_10)\.png",
            "disparity_left": r"(?P<split>train)ing/disp_occ_0/(?P<scene>\d{6}_10)\.png",
        },
        login="log in and ask for the stereo 2015 data set",
        disparity_scale=256.0,
    ),
    # 23 indoor pairs of about 3000x2000 px with true disparity of both eyes (Scharstein and others, GCPR 2014), one
    # archive of 77 to 104 MB for each; addresses, scenes and files as torchvision has them. `im1E` and `im1L`, of other
    # light, are left alone; the maps are px, infinite = unknown.
    "middlebury2014": DataSet(
        page=f"{_MIDDLEBURY}/",
        files=[
            RemoteFile(f"{s}-perfect.zip", f"{_MIDDLEBURY}/zip/{s}-perfect.zip", item=f"middlebury2014_{s}")
            for s in _MIDDLEBURY_SCENES
        ],
        licence="Middlebury: use and publication permitted, cite",
        item="middlebury2014_{scene}",
        parts={
            "left": r"(?P<scene>[A-Za-z0-9]+)-perfect/im0\.png",
            "right": r"(?P<scene>[A-Za-z0-9]+)-perfect/im1\.png",
            "disparity_left": r"(?P<scene>[A-Za-z0-9]+)-perfect/disp0\.pfm",
            "disparity_right": r"(?P<scene>[A-Za-z0-9]+)-perfect/disp1\.pfm",
        },
    ),
}
