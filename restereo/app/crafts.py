"""The tabs of the sibling tasks, all made alike: one for each row of `restored.COMMANDS`."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio

from restereo.app.sessions import Sessions
from restereo.app.showing import restore_uploads
from restereo.errors import FORCE, Parameter, Training, UserError
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


class Bench:
    """What the button of a tab does, for every open page."""

    def __init__(self, command: Command, sessions: Sessions, device: str) -> None:
        """Starts with no network loaded.

        Args:
            command: What the tab is for.
            sessions: Keeps track of what each page has.
            device: Where the network runs.
        """
        self.command, self.sessions, self.device = command, sessions, device

    def restore(self, anyway: bool, first: str | None, second: str | None, request: gradio.Request) -> list[Any]:
        """Returns what is said, a slider's two files for each picture, and the files to download."""
        uploads = [Path(one) for one in (first, second)[: len(self.command.asks)] if one is not None]
        if len(uploads) < len(self.command.asks):
            raise gradio.Error(f"Drop {' and '.join(self.command.asks).lower()} first.")
        session = str(request.session_hash)
        for upload in uploads:
            self.sessions.uploaded(session, upload)
        try:
            restorer, name = loaded(self.command, self.device)
            room = self.sessions.room(session, self.command.title.replace(" ", "-"))
            improved = restore_uploads(uploads, restorer, self.command, anyway, room)
        except UserError as error:
            raise gradio.Error(sentence(error, uploads, ANYWAY), duration=None) from None
        said = f"{self.command.text(self.command.done, restorer).capitalize()} by {name}. {'; '.join(improved.notes)}"
        sliders = [tuple(str(file) for file in pair) for pair in improved.shown]
        return [said, *sliders, [str(file) for file in improved.files]]


def tab(command: Command, sessions: Sessions, device: str) -> None:
    """Adds the tab of a command to the page that is being built; without a network, it says how to train one."""
    mark = command.title.replace(" ", "-")
    with gradio.Tab(command.title, elem_id=f"tab-{mark}"):
        gradio.Markdown(command.about)
        if network_for(command) is None:
            gradio.Markdown(sentence(no_network(command), [], ANYWAY), elem_id=f"{mark}-train")
            return
        with gradio.Row():
            with gradio.Column(scale=1):
                uploads: list[Any] = [_upload(asked, f"{mark}-upload-{n}") for n, asked in enumerate(command.asks)]
                anyway = gradio.Checkbox(False, label=ANYWAY, elem_id=f"{mark}-anyway", visible=command.strict)
                start = gradio.Button(command.name.capitalize(), variant="primary", elem_id=mark)
                offered = gradio.Files(label="Download", interactive=False, elem_id=f"{mark}-download")
            with gradio.Column(scale=3):
                said = gradio.Markdown(elem_id=f"{mark}-said")
                sliders = [_slider(asked, f"{mark}-slider-{n}") for n, asked in enumerate(command.asks)]
        second = uploads[1] if len(uploads) > 1 else gradio.State(None)
        bench = Bench(command, sessions, device)
        asked = [anyway, uploads[0], second]
        start.click(bench.restore, asked, [said, *sliders, offered], api_visibility="private")


def sentence(error: UserError, files: list[Path], box: str) -> str:
    """Returns the sentence as the page has it: without the folders in which uploads lie, and with its own box.

    Example:
        >>> error = UserError("grey", where="uploads/a.png", remedy=("use ", FORCE))
        >>> sentence(error, [Path("uploads/a.png")], "Anyway")
        "a.png: grey; use the box 'Anyway'."
    """

    def word(part: Parameter | Training) -> str:
        if isinstance(part, Training):
            return f"run `dvc --wait-for-lock repro train@{part.recipe}`, open this page again"
        return f"the box '{box}'" if part == FORCE else f"`restereo app --{part.name}`"

    message = error.message(word)
    for file in files:
        message = message.replace(str(file), file.name)
    return message


def _upload(asked: str, mark: str) -> Any:
    return gradio.File(label=asked, file_types=["image"], type="filepath", elem_id=mark)


def _slider(asked: str, mark: str) -> Any:
    return gradio.ImageSlider(label=f"{asked}: before | after", type="filepath", interactive=False, elem_id=mark)
