"""What a page had is gone when it is closed, and only that."""

import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from restereo.app.sessions import Recovered, Sessions
from restereo.app.showing import downloads, shown
from restereo.image import Image
from restereo.inference.engine import Views
from restereo.io.layouts import LAYOUTS
from restereo.methods import METHODS, parse
from tests.conftest import ROOT, smooth_picture


def recovered(folder):
    left, right = smooth_picture(0, 40, 60), smooth_picture(1, 40, 60)
    maps = np.ones((2, 2, 40, 60), np.float32)
    return Recovered("cat", Image(left), Views(np.stack([left, right]), METHODS["red-cyan-color"], *maps), folder)


def test_a_closed_page_leaves_nothing(tmp_path):
    sessions = Sessions(tmp_path)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cat.png").write_bytes(b"x")
        sessions.uploaded(name, tmp_path / name / "cat.png")
        sessions.keep(name, recovered(sessions.room(name)))
        assert downloads(sessions.last(name), "pair", parse("red-cyan"))
    sessions.forget("one")
    assert sessions.last("one") is None and sessions.last("two") is not None
    assert not (tmp_path / "one").exists() and not (tmp_path / "results" / "one").exists()
    assert (tmp_path / "two" / "cat.png").exists() and list((tmp_path / "results" / "two").iterdir())


def test_an_upload_that_two_pages_share_stays_for_the_other(tmp_path):
    sessions, file = Sessions(tmp_path), tmp_path / "hash" / "cat.png"
    file.parent.mkdir()
    file.write_bytes(b"x")
    sessions.uploaded("one", file)
    sessions.uploaded("two", file)
    sessions.forget("one")
    assert file.exists()
    sessions.forget("two")
    assert not file.parent.exists()


def test_every_layout_can_be_downloaded_and_every_view_shown(tmp_path):
    one = recovered(tmp_path)
    assert set(shown(one, parse("red-cyan-dubois"))) == {"left", "right", "wiggle", "anaglyph", "confidence"}
    for name in LAYOUTS:
        files = downloads(one, name, parse("red-cyan-dubois"))
        assert all(file.stat().st_size and file.name.startswith("cat") for file in files)


PAGE = """
from types import SimpleNamespace
from pathlib import Path
import gradio
import numpy as np
from PIL import Image
from restereo.app import commands
from restereo.inference import restore as restored
from restereo.inference.restore import COMMANDS
from tests.restereo.test_restoring import run_of
from restereo.app.page import build
from restereo.app.serving import HOST
from restereo.app.sessions import Sessions
commands.network_for = lambda command: None
page = build(SimpleNamespace(device="cpu"), Sessions(Path("nowhere")))
assert page.analytics_enabled is False and HOST == "127.0.0.1"
assert [one for one in page.fns.values() if one.targets and one.targets[0][1] == "unload"]
for command in COMMANDS:
    marks = [b.elem_id for b in page.blocks.values() if str(b.elem_id).startswith(command.title.replace(" ", "-"))]
    assert marks == [command.title.replace(" ", "-") + "-train"], marks  # it says how to train one

restored.network_for = commands.network_for = lambda command: str(run_of(Path("run"), "old_photo", "unet"))
page = build(SimpleNamespace(device="cpu"), Sessions(Path("nowhere")))
marks = {block.elem_id for block in page.blocks.values()}
assert {"repair", "repair-upload-0", "repair-slider-0", "upscale-x2-upload-1"} <= marks
Image.fromarray(np.tile(np.arange(0, 180, 3, np.uint8), (40, 1))).save("old.png")
restore = commands.handler(restored.REPAIR, Sessions(Path("made")), "cpu")
done, slider, files = restore(False, "old.png", None, SimpleNamespace(session_hash="one"))
assert done.startswith("Repaired by") and files == ["made/results/one/repair/0/old_repaired.png"], (done, files)
assert [Image.open(one).size for one in (*slider, *files)] == [(60, 40)] * 3
try:
    restore(False, None, None, SimpleNamespace(session_hash="one"))
except gradio.Error as error:
    assert "Drop old photograph first" in str(error)
print("fine")
"""


def test_the_page_asks_nobody_forgets_and_has_a_tab_for_every_command(tmp_path):
    if find_spec("gradio") is None:
        pytest.skip("the extra [app] is not installed")
    # In a process of its own: gradio leaves an event loop open, which pytest counts as an error.
    ours = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PAGE], capture_output=True, text=True, cwd=tmp_path, env=ours, check=False
    )
    assert done.stdout == "fine\n", done.stderr
