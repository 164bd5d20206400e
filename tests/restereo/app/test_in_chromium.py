"""The page as a person uses it, in headless Chromium: drop an anaglyph, look at its views, download them."""

import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import skimage
from PIL import Image

from restereo.imaging.anaglyph import form
from restereo.methods import METHODS

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PATIENCE = 120_000
"""Milliseconds for a picture to be recovered on a busy machine."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where the page is served, by a process of its own as a person starts it."""
    pytest.importorskip("gradio", reason="the page needs gradio; pip install 'restereo[app]'")
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    command = [sys.executable, "-m", "restereo.cli", "app", "--no-browser", "--port", str(port)]
    with (tmp_path / "app.log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            end = time.monotonic() + 120
            while process.poll() is None and time.monotonic() < end:
                with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=2):
                    break
                time.sleep(0.5)
            else:
                raise AssertionError((tmp_path / "app.log").read_text())
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    driver = pytest.importorskip("playwright.sync_api", reason="pip install 'restereo[dev]'")
    if BROWSER is None:
        pytest.skip("no Chromium here; apt-get install chromium")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=QUIET)
        opened = browser.new_page()
        opened.goto(address)
        yield opened
        browser.close()


def test_an_anaglyph_is_dropped_recovered_and_downloaded(page: Any, tmp_path: Path) -> None:
    left, right, _ = skimage.data.stereo_motorcycle()
    anaglyph = Image.fromarray(form(left, right, METHODS["red-cyan-color"])).resize((370, 250))
    anaglyph.save(tmp_path / "found.png")
    page.locator("#upload input[type=file]").set_input_files(tmp_path / "found.png")
    page.get_by_text("found").first.wait_for(timeout=PATIENCE)
    page.locator("#recover").click()
    page.get_by_text("Taken for red-cyan-color").wait_for(timeout=PATIENCE)
    with page.expect_download(timeout=PATIENCE) as download:
        page.locator("#download a").first.click()
    download.value.save_as(tmp_path / "views.png")
    with Image.open(tmp_path / "views.png") as views:
        assert views.size == (2 * 370, 250)


def test_a_plain_photo_is_refused_in_a_sentence(page: Any, tmp_path: Path) -> None:
    Image.fromarray(skimage.data.astronaut()).save(tmp_path / "plain.png")
    page.locator("#upload input[type=file]").set_input_files(tmp_path / "plain.png")
    page.get_by_text("plain").first.wait_for(timeout=PATIENCE)
    page.locator("#recover").click()
    page.get_by_text("not an anaglyph").first.wait_for(timeout=PATIENCE)
