"""The tabs of the sibling tasks, all made alike: one for each row of `inference.restore.COMMANDS`."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio

from restereo.app.errors import message
from restereo.app.sessions import Sessions
from restereo.app.showing import restore_uploads
from restereo.errors import UserError
from restereo.inference.engine import Restorer
from restereo.inference.restore import COMMANDS, Command, model_for, network_for, no_network

ANYWAY = "Go on anyway"


@lru_cache(maxsize=len(COMMANDS))
def loaded(command: Command, device: str) -> tuple[Restorer, str]:
    """Returns the network of a command and its name; it is loaded when it is first asked for.

    Raises:
        UserError: There is none, or its files are damaged.
    """
    return model_for(command, None, device)


def handler(command: Command, sessions: Sessions, device: str) -> Callable[..., list[Any]]:
    """Returns what the button of a tab does, for every open page.

    Args:
        command: What the tab is for.
        sessions: Keeps track of what each page has.
        device: Where the network runs; it is loaded at the first click.
    """

    def restore(anyway: bool, first: str | None, second: str | None, request: gradio.Request) -> list[Any]:
        """Returns the message, a slider's two files for each picture, and the files to download."""
        uploads = [Path(one) for one in (first, second)[: len(command.asks)] if one is not None]
        if len(uploads) < len(command.asks):
            raise gradio.Error(f"Drop {' and '.join(command.asks).lower()} first.")
        session = str(request.session_hash)
        for upload in uploads:
            sessions.uploaded(session, upload)
        try:
            restorer, name = loaded(command, device)
            room = sessions.room(session, command.title.replace(" ", "-"))
            improved = restore_uploads(uploads, restorer, command, anyway, room)
        except UserError as error:
            raise gradio.Error(message(error, uploads, ANYWAY), duration=None) from None
        done = f"{command.text(command.done, restorer).capitalize()} by {name}. {'; '.join(improved.notes)}"
        sliders = [tuple(str(file) for file in pair) for pair in improved.shown]
        return [done, *sliders, [str(file) for file in improved.files]]

    return restore


def tab(command: Command, sessions: Sessions, device: str) -> None:
    """Adds the tab of a command to the page that is being built; without a network, it says how to train one."""
    mark = command.title.replace(" ", "-")
    with gradio.Tab(command.title, elem_id=f"tab-{mark}"):
        gradio.Markdown(command.about)
        if network_for(command) is None:
            gradio.Markdown(message(no_network(command), [], ANYWAY), elem_id=f"{mark}-train")
            return
        with gradio.Row():
            with gradio.Column(scale=1):
                uploads: list[Any] = [_upload(asked, f"{mark}-upload-{n}") for n, asked in enumerate(command.asks)]
                anyway = gradio.Checkbox(False, label=ANYWAY, elem_id=f"{mark}-anyway", visible=command.strict)
                start = gradio.Button(command.name.capitalize(), variant="primary", elem_id=mark)
                offered = gradio.Files(label="Download", interactive=False, elem_id=f"{mark}-download")
            with gradio.Column(scale=3):
                done = gradio.Markdown(elem_id=f"{mark}-message")
                sliders = [_slider(asked, f"{mark}-slider-{n}") for n, asked in enumerate(command.asks)]
        second = uploads[1] if len(uploads) > 1 else gradio.State(None)
        asked = [anyway, uploads[0], second]
        answered = [done, *sliders, offered]
        start.click(handler(command, sessions, device), asked, answered, api_visibility="private")


def _upload(asked: str, mark: str) -> Any:
    return gradio.File(label=asked, file_types=["image"], type="filepath", elem_id=mark)


def _slider(asked: str, mark: str) -> Any:
    return gradio.ImageSlider(label=f"{asked}: before | after", type="filepath", interactive=False, elem_id=mark)
