"""Tiny archives of every public data set, laid out as its authors have it, and what must come of them."""

import io
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

DISPARITY = 5.0


def png(seed: int, side: int = 40) -> bytes:
    picture = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    return cv2.imencode(".png", picture)[1].tobytes()


def jpg(content: bytes) -> bytes:
    stream = io.BytesIO()
    Image.open(io.BytesIO(content)).save(stream, "JPEG")
    return stream.getvalue()


def view(eye: str) -> bytes:
    """A picture that tells which eye's it is: a black corner in the left one, a white one in the right."""
    picture = np.random.default_rng(len(eye)).integers(0, 256, (40, 40, 3), np.uint8)
    picture[:16, :16] = 0 if eye == "left" else 255
    return cv2.imencode(".png", picture)[1].tobytes()


def kitti_map() -> bytes:
    stored = np.full((40, 40), DISPARITY * 256, np.uint16)
    stored[0] = 0
    return cv2.imencode(".png", stored)[1].tobytes()


def pfm_map() -> bytes:
    values = np.full((40, 40), DISPARITY, "<f4")
    values[-1] = np.inf  # Rows are stored bottom-up.
    return b"Pf\n40 40\n-0.003922\n" + values.tobytes()


def middlebury(scene: str) -> dict[str, bytes]:
    views = {"im0.png": view("left"), "im1.png": view("right"), "im1E.png": png(1), "im1L.png": png(2)}
    return {f"{scene}-perfect/{name}": content for name, content in views.items()} | {
        f"{scene}-perfect/calib.txt": b"cam0=[]",
        f"{scene}-perfect/disp0.pfm": pfm_map(),
        f"{scene}-perfect/disp1.pfm": pfm_map(),
        f"{scene}-perfect/disp0-sd.pfm": pfm_map(),
        f"{scene}-perfect/disp0-n.png": png(9),
    }


def kitti(left: str, right: str, scenes: dict[str, list[str]], others: list[str]) -> dict[str, bytes]:
    members = {}
    for split, numbers in scenes.items():
        for scene in (f"{number}_{time}.png" for number in numbers for time in ("10", "11")):
            members |= {f"{split}/{left}/{scene}": view("left"), f"{split}/{right}/{scene}": view("right")}
            members |= {f"{split}/{folder}/{scene}": png(1) for folder in others}
            if split == "training" and scene.endswith("10.png"):
                members |= {f"{split}/{folder}/{scene}": kitti_map() for folder in MAPS}
    return members


MAPS = ("disp_occ", "disp_noc", "disp_occ_0", "disp_occ_1", "flow_occ")


@dataclass(frozen=True)
class Case:
    """Archives as the authors lay them out, and what must come of them: name -> parts."""

    archives: dict[str, dict[str, bytes]]
    items: dict[str, set[str]]
    benchmark: set[str]
    licence: str


PAIR, MAP, BOTH = {"left", "right"}, {"disparity_left"}, {"disparity_left", "disparity_right"}
CASES = {
    "div2k": Case(
        {
            "DIV2K_train_HR.zip": {"DIV2K_train_HR/0001.png": png(1), "DIV2K_train_HR/0800.png": png(2)},
            "DIV2K_valid_HR.zip": {"DIV2K_valid_HR/0801.png": png(3)},
        },
        {"div2k_0001": {"photo"}, "div2k_0800": {"photo"}, "div2k_0801": {"photo"}},
        set(),
        "academic research only",
    ),
    "flickr8k": Case(
        {
            "Flickr8k_Dataset.zip": {
                "Flicker8k_Dataset/667626_18933d713e.jpg": jpg(png(1)),
                "Flicker8k_Dataset/1000268201_693b08cb0e.jpg": jpg(png(2)),
                "__MACOSX/Flicker8k_Dataset/._667626_18933d713e.jpg": b"Mac OS X",
                "Flicker8k_Dataset/.DS_Store": b"",
            }
        },
        {"flickr8k_667626_18933d713e": {"photo"}, "flickr8k_1000268201_693b08cb0e": {"photo"}},
        set(),
        "non-commercial",
    ),
    "flickr30k": Case(
        {
            "flickr30k-images.tar.gz": {
                "flickr30k-images/36979.jpg": jpg(png(1)),
                "flickr30k-images/65567.jpg": jpg(png(2)),
            }
        },
        {"flickr30k_36979": {"photo"}, "flickr30k_65567": {"photo"}},
        set(),
        "non-commercial",
    ),
    "flickr1024": Case(
        {
            f"{split}.zip": {f"{split}/0001_L.png": view("left"), f"{split}/0001_R.png": view("right")}
            for split in ("Train", "Validation", "Test")
        },
        {f"flickr1024_{split}_0001": PAIR for split in ("Train", "Validation", "Test")},
        set(),
        "non-commercial",
    ),
    "holopix50k": Case(
        {
            "Holopix50k.tar": {
                "Holopix50k/val/left/-LMudfNzcf8L_S_GHKkk_left.jpg": jpg(view("left")),
                "Holopix50k/val/right/-LMudfNzcf8L_S_GHKkk_right.jpg": jpg(view("right")),
                "Holopix50k/train/left/-LO_left_x9.jpg": jpg(view("left")),
                "Holopix50k/train/right/-LO_left_x9.jpg": jpg(view("right")),
            }
        },
        {"holopix50k_val_-LMudfNzcf8L_S_GHKkk": PAIR, "holopix50k_train_-LO_left_x9": PAIR},
        set(),
        "non-commercial",
    ),
    "middlebury2014": Case(
        {f"{scene}-perfect.zip": middlebury(scene) for scene in ("Adirondack", "Backpack", "Piano", "Sword1")},
        {f"middlebury2014_{scene}": PAIR | BOTH for scene in ("Adirondack", "Backpack", "Piano", "Sword1")},
        {"middlebury2014_Adirondack", "middlebury2014_Piano"},
        "Middlebury",
    ),
    "kitti2012": Case(
        {
            "data_stereo_flow.zip": kitti(
                "colored_0",
                "colored_1",
                {"training": ["000000", "000001"], "testing": ["000007"]},
                ["image_0", "image_1"],
            )
        },
        {
            "kitti2012_train_000000_10": PAIR | MAP,
            "kitti2012_train_000001_10": PAIR | MAP,
            "kitti2012_test_000007_10": PAIR,
        },
        {"kitti2012_train_000000_10"},
        "CC BY-NC-SA 3.0",
    ),
    "kitti2015": Case(
        {
            "data_scene_flow.zip": kitti(
                "image_2",
                "image_3",
                {"training": ["000000", "000046", "000151"], "testing": ["000007"]},
                ["obj_map"],
            )
        },
        {
            "kitti2015_train_000000_10": PAIR | MAP,
            "kitti2015_train_000046_10": PAIR | MAP,
            "kitti2015_train_000151_10": PAIR | MAP,
            "kitti2015_test_000007_10": PAIR,
        },
        {"kitti2015_train_000046_10", "kitti2015_train_000151_10"},
        "CC BY-NC-SA 3.0",
    ),
}


def packed(file: Path, members: dict[str, bytes]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
    else:
        with tarfile.open(file, "w:gz" if file.suffix == ".gz" else "w") as archive:
            for name, content in members.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return file
