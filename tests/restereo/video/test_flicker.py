"""What is measured of a film's flicker: that of its own change, and of what a network adds to it."""

import torch
from typer.testing import CliRunner

from restereo import catalog, methods
from restereo.cli import app
from restereo.inference import lookup
from restereo.sample import Prediction
from restereo.video.reader import open_film
from restereo.video.temporal import measure
from tests.restereo.inference.test_bands import shaken
from tests.restereo.video import clips


def restorer(task, model):
    return clips.Untrained(
        task=task, model=model, calibration=task.default_calibration(), device=torch.device("cpu"), sha256=""
    )


class Blinking(torch.nn.Module):
    """Colours every frame, in turn, reddish and bluish; each is shown to it twice."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        turn, self.calls = 1 - self.calls // 2 % 2 * 2, self.calls + 1
        tint = torch.tensor([0.1, 0.0, -0.1]).reshape(1, 3, 1, 1)
        return Prediction(x.expand(-1, 3, -1, -1) + turn * tint)


def test_colours_that_blink_are_measured_and_held(tmp_path, monkeypatch):
    monkeypatch.setattr("restereo.tasks.COPIES", (1,))  # it counts how often it is asked
    grey, colour = (clips.make(tmp_path / f"{show.__name__}.mp4", show=show) for show in (clips.grey, clips.view))
    task = catalog.build("task", "colorization", working_size=16)
    task.flips = ((),)
    rows = measure(restorer(task, Blinking()), None, open_film(grey), count=8, truth=open_film(colour))
    assert rows["frame by frame"].color > 10 > rows["truth"].color
    assert rows["steady"].color < rows["frame by frame"].color
    assert rows["steady"].disparity is None and rows["steady"].psnr > 10 and rows["truth"].psnr is None


def test_both_views_of_an_anaglyph_are_measured(tmp_path):
    film = clips.make(tmp_path / "film.mp4", clips.TIMES[:4])
    recovers = restorer(catalog.build("task", "anaglyph"), shaken("parallax"))
    rows = measure(recovers, methods.parse("red-cyan"), open_film(film), count=2)
    assert set(rows) == {"frame by frame", "steady"}
    assert rows["steady"].disparity is not None and rows["steady"].psnr is None


def test_a_film_of_cuts_alone_is_not_taken_for_a_steady_one(tmp_path, monkeypatch):
    film = clips.make(tmp_path / "film.mp4", show=clips.grey)
    task = catalog.build("task", "colorization", working_size=16)
    task.flips = ((),)
    fake = restorer(task, Blinking())
    fake.config = {"task_kind": "colorization"}
    monkeypatch.setattr(lookup, "find_model", lambda *_, **__: fake)
    monkeypatch.setattr("restereo.video.temporal.motion_between", lambda *_: None)
    assert {row.color for row in measure(fake, None, open_film(film), count=3).values()} == {None}
    message = CliRunner().invoke(app, ["flicker", str(film), "--frames", "3", "--model", "x"], catch_exceptions=False)
    assert "0.000" not in message.output and "no frame could be compared" in message.output
