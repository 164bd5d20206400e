"""Every layout of a film is read back as what it claims to be."""

import re
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from restereo.inference.recover import RecoverOptions
from restereo.io.layouts import LAYOUTS
from restereo.methods import parse
from restereo.sample import Prediction
from restereo.video.conversion import VideoOptions
from restereo.video.recovery import film_targets, recover_film
from restereo.video.temporal import FrameRestorer
from tests.fuzz.trial import restorer
from tests.restereo.video import clips

FILMS = [name for name, layout in LAYOUTS.items() if layout.film]
WIDE, HIGH = clips.SIZE
SIZES = {"sbs": (2 * WIDE, HIGH), "cross": (2 * WIDE, HIGH), "tb": (WIDE, 2 * HIGH)}
MATROSKA = {"cross": "right_left", "sbs": "left_right", "half-sbs": "left_right", "tb": "top_bottom"}
MATROSKA |= {"half-tb": "top_bottom", "anaglyph": "anaglyph_cyan_red"}
BOX = {"sbs": b"\2", "cross": b"\4", "half-sbs": b"\2", "tb": b"\1", "half-tb": b"\1"}
"""Stereo modes of MP4's box `st3d` (Spherical Video V2 RFC)."""


@pytest.fixture(scope="module")
def network():
    return restorer()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clips.make(tmp_path_factory.mktemp("film") / "a.mp4", clips.TIMES[:3])


@pytest.mark.parametrize(
    ("name", "ending", "codec"),
    [
        *((name, ending, "h264") for name in FILMS for ending in (".mp4", ".mkv")),
        *(("sbs", ending, "hevc") for ending in (".mp4", ".mkv")),
        ("tb", ".mov", "h264"),
    ],
)
def test_a_film_says_what_it_holds(network, source, tmp_path, monkeypatch, name, ending, codec):
    def both(_, picture):  # the file is what is tried here
        return np.concatenate([picture, picture], axis=2), Prediction(torch.empty(0))

    monkeypatch.setattr(FrameRestorer, "restore", both)
    options = RecoverOptions(parse("red-cyan"), layouts=[LAYOUTS[name]], film=VideoOptions(codec=codec))
    (file,) = film_targets(source, options, tmp_path, ending)
    recover_film(source, [file], network, options)
    assert list(tmp_path.iterdir()) == [file]
    with av.open(str(file)) as film:
        (video,), (audio,) = film.streams.video, film.streams.audio
        assert (video.codec_context.codec.canonical_name, audio.codec_context.name) == (codec, "aac")
        assert (video.width, video.height) == SIZES.get(name, clips.SIZE)
        assert len(list(film.decode(video=0))) == 3
        if ending == ".mkv":
            assert video.metadata.get("stereo_mode") == MATROSKA.get(name)
    if ending != ".mkv":
        found = re.findall(rb"\x00\x00\x00\x0dst3d\x00\x00\x00\x00(.)", file.read_bytes())
        assert found == ([BOX[name]] if name in BOX else [])
