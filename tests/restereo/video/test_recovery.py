"""What an anaglyph film is taken for, what speaks against it, and what a person is told."""

from dataclasses import replace

import av
import numpy as np
import pytest

from restereo.cli import reporting_interruption
from restereo.cli.options import video_options
from restereo.errors import UserError
from restereo.imaging.anaglyph import form
from restereo.imaging.color import luma
from restereo.inference.engine import load_run
from restereo.inference.recover import RecoverOptions
from restereo.inference.restore import COLORIZE
from restereo.io.layouts import LAYOUTS
from restereo.io.read import read_picture
from restereo.methods import FFMPEG, METHODS, parse
from restereo.video import conversion as films
from restereo.video import segments
from restereo.video.conversion import FilmJob, VideoOptions, produce
from restereo.video.reader import open_film
from restereo.video.recovery import describe, film_targets, judged, restore_film
from restereo.video.temporal import FrameRestorer
from tests.restereo.inference.test_recover import views
from tests.restereo.test_restoring import call, refused, run_of
from tests.restereo.video import clips
from tests.restereo.video.test_conversion import Doubled

RED_CYAN = [form(*views(seed), METHODS["red-cyan-color"]) for seed in range(4)]


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return open_film(clips.make(tmp_path_factory.mktemp("film") / "a.mkv", clips.TIMES[:10]))


def description(facts: dict) -> str:
    return describe(parse(facts["method"]), facts["share"], facts["why"])


def test_a_named_method_is_doubted(film):
    assert judged(film, RED_CYAN, RecoverOptions(parse("red-cyan")))["notes"] == []
    (note,) = judged(film, RED_CYAN, RecoverOptions(parse("green-magenta")))["notes"]
    assert note.startswith("taken for green-magenta-color as asked, but most frames look like red-cyan")
    plain = [views(seed)[0] for seed in range(4)]
    assert judged(film, plain, RecoverOptions(parse("red-cyan")))["notes"] == ["most frames look like plain pictures"]


def test_bars_beside_the_picture_say_nothing_of_it(film):
    barred = [np.pad(one, ((0, 0), (40, 40), (0, 0)), constant_values=16) for one in RED_CYAN]
    assert judged(film, barred, RecoverOptions())["method"] == judged(film, RED_CYAN, RecoverOptions())["method"]


def test_a_plain_title_does_not_decide_and_notes_do_not_contradict(film):
    plain = [views(seed)[0] for seed in range(6)]
    facts = judged(film, [*RED_CYAN, *plain], RecoverOptions())
    assert facts["method"].startswith("red-cyan") and facts["share"] <= 0.4
    assert facts["notes"] == ["most frames look like plain pictures"]
    with pytest.raises(UserError, match="10 of 10 frames looked at are plain"):
        judged(film, [views(seed)[0] for seed in range(10)], RecoverOptions())


@pytest.mark.parametrize("axis", [0, 1])
def test_a_film_that_holds_both_views_is_refused_as_that(film, axis):
    where = "side by side" if axis else "one above the other"
    pairs = [np.concatenate(views(seed), axis=axis) for seed in range(4)]
    with pytest.raises(UserError, match=f"a film that holds both views {where}, not an anaglyph"):
        judged(film, pairs, RecoverOptions())
    with pytest.raises(UserError, match="a film that holds both views as layers"):
        judged(replace(film, packing="as layers of one stream (MV-HEVC)"), RED_CYAN, RecoverOptions())


@pytest.mark.parametrize("name", [*FFMPEG, *METHODS])
def test_either_eye_may_be_named_and_exchanged(film, name):
    named, other = parse(name), parse(f"{name}-swapped")
    for method, swap, taken in ((named, True, other), (other, True, named), (other, False, other)):
        facts = judged(film, RED_CYAN[:1], RecoverOptions(method, swap=swap))
        assert facts["method"] == taken.name
        assert f"first colour taken for the {taken.first_eye} eye's" in description(facts)
        assert all(note.startswith(f"taken for {taken.name} as asked") for note in facts["notes"])


def test_a_wrong_tag_is_believed_and_noted(film):
    tagged = replace(film, stereo_mode="anaglyph_green_magenta")
    facts = judged(tagged, RED_CYAN, RecoverOptions())
    assert facts["method"] == "green-magenta-color" and facts["share"] is None
    assert description(facts).startswith("green-magenta-color (by the file's StereoMode); first")
    assert "taken for green-magenta-color by the file's StereoMode, but most frames look like red-" in facts["notes"][0]
    right = judged(replace(film, stereo_mode="anaglyph_cyan_red"), RED_CYAN, RecoverOptions())
    assert right["notes"] == [] and "detected in" in description(right)


def test_a_sample_of_matroska_tells_how_long_the_whole_takes(film, tmp_path):
    assert film.announced == 0
    made = produce(film, tmp_path / "a.png", FilmJob(VideoOptions(sample=True), {}, lambda _: {}, lambda _: Doubled()))
    (note,) = made.notes
    assert "0.0 h" not in note and " s for the " in note and "the 0 frames" not in note


@pytest.mark.parametrize("name", ["disparity", "confidence", "pair"])
def test_a_layout_for_pictures_is_refused_in_a_sentence(name, tmp_path):
    options = RecoverOptions(layouts=[LAYOUTS[name]])
    with pytest.raises(
        UserError, match=f"a.mkv: a film, and layout '{name}' is for pictures; take one of sbs"
    ) as caught:
        film_targets(tmp_path / "a.mkv", options, None)
    assert name not in str(caught.value).partition("take one of")[2]


@pytest.mark.parametrize(("name", "message"), [("h265", "did you mean hevc"), ("vp9", "no such codec; write h264")])
def test_a_wrong_codec_is_told_before_a_film_is_looked_through(name, message):
    with pytest.raises(UserError, match=message):
        video_options("0", None, False, name, None, False)


@pytest.mark.parametrize(
    ("stop", "kept"), [(7, "; the same command goes on after 5 frames"), (2, " before any frames were kept")]
)
def test_an_interruption_says_what_is_kept_and_leaves_nothing_else(film, tmp_path, monkeypatch, stop, kept):
    monkeypatch.setattr(films, "segment_length", lambda film: 5)
    with pytest.raises(KeyboardInterrupt, match=f"b.mkv: interrupted{kept}"):
        produce(film, tmp_path / "b.mkv", FilmJob(VideoOptions(), {}, lambda _: {}, lambda _: Doubled(stop)))
    assert (tmp_path / ".b.mkv.parts").is_dir() == (stop > 5), "what nothing goes on from is not left behind"
    assert (
        produce(film, tmp_path / "b.mkv", FilmJob(VideoOptions(), {}, lambda _: {}, lambda _: Doubled())).frames == 10
    )


def test_the_command_prints_what_an_interruption_says(monkeypatch, capsys):
    def interrupted(**_):
        raise KeyboardInterrupt("b.mkv: interrupted")

    with pytest.raises(KeyboardInterrupt):
        reporting_interruption(interrupted)()
    assert capsys.readouterr().err == "b.mkv: interrupted\n"


def test_a_film_begun_by_other_code_or_packages_begins_anew(film, monkeypatch):
    def origin():
        return segments.origin_of(film, {}, {})

    before = origin()
    assert before == origin()
    assert before != segments.origin_of(film, {}, {"code": "other code"})
    for package in ("cv2", "numpy"):
        monkeypatch.setattr(f"{package}.__version__", "0")
        assert before != origin()
        monkeypatch.undo()


@pytest.fixture(scope="module")
def colorization(tmp_path_factory):
    return run_of(tmp_path_factory.mktemp("colorization") / "run", "colorization", "autoencoder")


def test_a_film_keeps_size_rate_frames_and_sound(tmp_path, colorization):
    film, run = clips.make(tmp_path / "a.mp4", clips.TIMES[:4], show=clips.grey), colorization
    assert "note: 4 frames" in call("colorize", film, "--model", run)
    made = tmp_path / "a_color.mp4"
    assert clips.times_of(made) == clips.times_of(film)
    assert clips.payloads(made, "audio") == clips.payloads(film, "audio") != []
    with av.open(str(film)) as before, av.open(str(made)) as after:
        for one, other in zip(before.decode(video=0), after.decode(video=0), strict=True):
            assert (one.width, one.height) == (other.width, other.height)
            grey, kept = (luma(frame.to_ndarray(format="rgb24")).astype(int) for frame in (one, other))
            assert np.abs(grey - kept).mean() < 3  # two encodings lie between
    call("colorize", film, "--model", run, "--sample", "-o", tmp_path / "one.png", "--start", "0.1")
    assert read_picture(tmp_path / "one.png").shape == (64, 96, 3)


def test_a_killed_colouring_goes_on_to_the_same_bytes(tmp_path, monkeypatch, colorization):
    monkeypatch.setattr(films, "segment_length", lambda film: 2)
    monkeypatch.setattr("restereo.tasks.COPIES", (1,))
    film, restorer = clips.make(tmp_path / "a.mkv", clips.TIMES[:5], show=clips.grey), load_run(colorization)
    restorer.task.flips = ((),)  # one answer a frame instead of many
    kill, calls, asked, answers, restore = 0, 0, [], [], FrameRestorer.restore

    def noted(self, picture):
        nonlocal calls
        calls += 1
        if calls == kill:
            raise KeyboardInterrupt
        answer = restore(self, picture)
        asked.append(picture)
        answers.append(answer[0])
        return answer

    monkeypatch.setattr(FrameRestorer, "restore", noted)
    restore_film(film, tmp_path / "whole.mkv", restorer, COLORIZE, VideoOptions())
    kill, calls = 4, 0
    with pytest.raises(KeyboardInterrupt):
        restore_film(film, tmp_path / "killed.mkv", restorer, COLORIZE, VideoOptions())
    assert not (tmp_path / "killed.mkv").exists()
    restore_film(film, tmp_path / "killed.mkv", restorer, COLORIZE, VideoOptions())
    assert calls == 4 + 3
    # Step by step, so that a failure says which one is not repeatable here: decoder, network, encoder or the joining.
    again = [*range(3), *range(2, 5)]
    assert [n for n, one in zip(again, asked[5:], strict=True) if not np.array_equal(one, asked[n])] == []
    assert [n for n, one in zip(again, answers[5:], strict=True) if not np.array_equal(one, answers[n])] == []
    packets = zip(*(clips.payloads(tmp_path / name, "video") for name in ("whole.mkv", "killed.mkv")), strict=True)
    assert [n for n, (one, other) in enumerate(packets) if one != other] == []
    assert (tmp_path / "killed.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()


def test_a_film_that_has_colours_is_refused(tmp_path, colorization):
    film = clips.make(tmp_path / "a.mp4", clips.TIMES[:3], show=clips.view)
    refused("a.mp4: it has colours of its own", "colorize", film, "--model", colorization)
    assert list(tmp_path.iterdir()) == [film]
    enlarges = run_of(tmp_path / "run", "stereo_sr", "feedback_sr", scale=4)
    refused("a film; `upscale` takes pictures only", "upscale", film, film, "--model", enlarges)
