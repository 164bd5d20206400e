"""The page itself, made with Gradio: what stands where, and what its buttons do. `serving.py` imports it."""

from pathlib import Path
from typing import Any

import gradio

from restereo.app.commands import tab
from restereo.app.errors import message
from restereo.app.sessions import Sessions
from restereo.app.showing import MAX_PIXELS, downloads, recover_upload, shown
from restereo.errors import UserError
from restereo.inference.engine import Restorer
from restereo.inference.recover import RecoverOptions
from restereo.inference.restore import COMMANDS
from restereo.io.defaults import GLASSES
from restereo.io.layouts import LAYOUTS
from restereo.methods import METHODS, parse, parse_or_detect

EYES = ["first colour = left eye", "first colour = right eye"]
FORCE = "Take a plain picture for an anaglyph"
ABOUT = f"""# restereo
Everything stays on this computer, and is deleted when the page is closed. Pictures up to {MAX_PIXELS // 1_000_000}
megapixels here; larger ones and films: `restereo --help`."""
RECOVER = "Drop a 3D anaglyph; get both views in colour."


class Handlers:
    """What the buttons do, for every open page."""

    def __init__(self, restorer: Restorer, sessions: Sessions) -> None:
        """Starts with no open page.

        Args:
            restorer: The network.
            sessions: Keeps track of what each page has.
        """
        self.restorer, self.sessions = restorer, sessions

    def recover(
        self,
        upload: str | None,
        method: str,
        eyes: str,
        layout: str,
        glasses: str,
        force: bool,
        request: gradio.Request,
    ) -> list[Any]:
        """Returns the values of all results, for an uploaded picture."""
        if upload is None:
            raise gradio.Error("Drop a picture first.")
        session, file = str(request.session_hash), Path(upload)
        self.sessions.uploaded(session, file)
        try:
            options = RecoverOptions(parse_or_detect(method), swap=eyes == EYES[1], force=force)
            recovered = recover_upload(file, self.restorer, options, self.sessions.room(session))
            self.sessions.keep(session, recovered)
            files = {name: str(path) for name, path in shown(recovered, parse(glasses)).items()}
            offered = [str(path) for path in downloads(recovered, layout, parse(glasses))]
        except UserError as error:
            raise gradio.Error(message(error, [file], FORCE), duration=None) from None
        text = "\n\n".join([f"Taken for {recovered.description}.", *(f"Note: {note}." for note in recovered.notes)])
        both = files["left"], files["right"]
        return [text, *both, both, files["wiggle"], files["anaglyph"], files.get("confidence"), offered]

    def again(self, layout: str, glasses: str, request: gradio.Request) -> list[Any]:
        """Returns the files to download and the anaglyph, for another layout or other glasses; nothing is recovered."""
        recovered = self.sessions.last(str(request.session_hash))
        if recovered is None:
            return [None, None]
        try:
            offered = [str(path) for path in downloads(recovered, layout, parse(glasses))]
        except UserError as error:
            raise gradio.Error(message(error), duration=None) from None
        return [offered, str(shown(recovered, parse(glasses))["anaglyph"])]

    def closed(self, request: gradio.Request) -> None:
        """Deletes what a page had."""
        self.sessions.forget(str(request.session_hash))


def build(restorer: Restorer, sessions: Sessions) -> gradio.Blocks:
    """Returns the page.

    Args:
        restorer: The network.
        sessions: Keeps track of what each page has.
    """
    handlers = Handlers(restorer, sessions)
    page: gradio.Blocks
    with gradio.Blocks(title="restereo", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gradio.Markdown(ABOUT)
        with gradio.Tab("recover", elem_id="tab-recover"):
            _recovering(handlers)
        for command in COMMANDS:
            tab(command, sessions, str(restorer.device))
        page.unload(handlers.closed)
    return page


def _recovering(handlers: Handlers) -> None:
    """The tab of anaglyphs."""
    gradio.Markdown(RECOVER)
    with gradio.Row():
        with gradio.Column(scale=1):
            asked = _questions()
            start = gradio.Button("Recover", variant="primary", elem_id="recover")
            offered = gradio.Files(label="Download", interactive=False, elem_id="download")
        with gradio.Column(scale=3):
            results = _results()
    start.click(handlers.recover, asked, [*results, offered], api_visibility="private")
    layout, glasses = asked[3:5]
    for choice in (layout, glasses):
        choice.change(handlers.again, [layout, glasses], [offered, results[5]], api_visibility="private")


def _questions() -> list[Any]:
    """In the order in which `Handlers.recover` takes their answers."""
    layouts = [(f"{name}: {one.about}", name) for name, one in LAYOUTS.items()]
    return [
        gradio.File(label="Anaglyph", file_types=["image"], type="filepath", elem_id="upload"),
        gradio.Dropdown(["auto", *sorted(METHODS)], value="auto", label="Method", elem_id="method"),
        gradio.Radio(EYES, value=EYES[0], label="Eyes", elem_id="eyes"),
        gradio.Dropdown(layouts, value="sbs", label="Layout of the download", elem_id="layout"),
        gradio.Dropdown(sorted(METHODS), value=GLASSES, label="Glasses of 'Anaglyph again'", elem_id="glasses"),
        gradio.Checkbox(False, label=FORCE, elem_id="force"),
    ]


def _results() -> list[Any]:
    """In the order in which `Handlers.recover` gives their values; the download follows."""
    text = gradio.Markdown(elem_id="message")
    with gradio.Tab("Left and right"), gradio.Row():
        both = [_picture("left"), _picture("right")]
    with gradio.Tab("Slider"):
        slider = gradio.ImageSlider(label="left | right", type="filepath", interactive=False, elem_id="slider")
    singles = []
    for title, name in (("Wiggle", "wiggle"), ("Anaglyph again", "anaglyph"), ("What is matched", "confidence")):
        with gradio.Tab(title):
            singles.append(_picture(name))
    return [text, *both, slider, *singles]


def _picture(name: str) -> Any:
    return gradio.Image(label=name, type="filepath", interactive=False, elem_id=name, buttons=["fullscreen"])
