"""Names of files that are no text do not stop what is done with them."""

import os
import subprocess
import sys

from restereo.imaging.anaglyph import form
from restereo.io.write import write_picture
from restereo.methods import METHODS
from tests.conftest import ROOT
from tests.restereo.inference.test_recover import views


def test_a_name_that_is_not_utf_8_is_printed_escaped(tmp_path):
    good = tmp_path / "good.png"
    write_picture(good, form(*views(), METHODS["red-cyan-color"]))
    bad = tmp_path / os.fsdecode(b"bad\xff.png")
    try:
        good.rename(bad)
    except OSError:  # file systems of macOS take only text
        return
    environment = os.environ | {"PYTHONIOENCODING": "utf-8:strict"}
    command = [sys.executable, "-m", "restereo.cli", "detect"]
    for name, status in ((bad, 0), (bad.with_name(os.fsdecode(b"none\xff.png")), 2)):
        done = subprocess.run([*command, name], capture_output=True, env=environment, cwd=ROOT, check=False)
        assert done.returncode == status, done.stderr
        assert b"\\udcff.png: " in (done.stderr if status else done.stdout)
        assert b"Traceback" not in done.stderr
