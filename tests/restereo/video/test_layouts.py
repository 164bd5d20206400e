"""Every layout of a film is read back by ffprobe as what it claims to be."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from restereo.inference.recover import RecoverOptions
from restereo.io.layouts import LAYOUTS
from restereo.methods import parse
from restereo.video.conversion import VideoOptions
from restereo.video.recovery import film_targets, recover_film
from tests.fuzz.trial import restorer
from tests.restereo.video import clips

FILMS = [name for name, layout in LAYOUTS.items() if layout.film]
WIDE, HIGH = clips.SIZE
SIZES = {"sbs": (2 * WIDE, HIGH), "cross": (2 * WIDE, HIGH), "tb": (WIDE, 2 * HIGH)}
MATROSKA = {"cross": "right_left", "sbs": "left_right", "half-sbs": "left_right", "tb": "top_bottom"}
MATROSKA |= {"half-tb": "top_bottom", "anaglyph": "anaglyph_cyan_red"}
BOX = {"sbs": "side by side", "half-sbs": "side by side", "tb": "top and bottom", "half-tb": "top and bottom"}

pytestmark = pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed here")


@pytest.fixture(scope="module")
def network():
    return restorer()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips.make(tmp_path_factory.mktemp("film") / "a.mp4", clips.TIMES[:5])


def probed(file: Path) -> list[dict[str, Any]]:
    asked = ["-count_frames", "-show_streams", "-of", "json"]
    done = subprocess.run(["ffprobe", "-v", "error", *asked, file], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    streams: list[dict[str, Any]] = json.loads(done.stdout)["streams"]
    return streams


@pytest.mark.parametrize(
    ("name", "ending", "codec"),
    [
        *((name, ending, "h264") for name in FILMS for ending in (".mp4", ".mkv")),
        *(("sbs", ending, "hevc") for ending in (".mp4", ".mkv")),
        ("tb", ".mov", "h264"),
    ],
)
def test_ffprobe_reads_what_was_written(network, source, tmp_path, name, ending, codec):
    options = RecoverOptions(parse("red-cyan"), layouts=[LAYOUTS[name]], film=VideoOptions(codec=codec))
    (file,) = film_targets(source, options, tmp_path, ending)
    recover_film(source, [file], network, options)
    assert list(tmp_path.iterdir()) == [file]
    video, audio = probed(file)
    assert (video["codec_name"], audio["codec_name"]) == (codec, "aac")
    assert (video["width"], video["height"]) == SIZES.get(name, clips.SIZE)
    assert int(video["nb_read_frames"]) == 5
    if ending == ".mkv":
        assert video["tags"].get("stereo_mode") == MATROSKA.get(name)
    else:
        types = {one["type"] for one in video.get("side_data_list", []) if one["side_data_type"] == "Stereo 3D"}
        assert types == ({BOX[name]} if name in BOX else set())
