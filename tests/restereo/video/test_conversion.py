"""Films in and out: every frame, its time, its colours, all the rest of the file, and a killed run taken up again."""

import os
import resource
import subprocess
import sys
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from restereo.cli.options import seconds_of
from restereo.errors import UserError
from restereo.io.paths import is_film
from restereo.video import conversion as films
from restereo.video import reader, segments
from restereo.video.color import FULL, LIMITED, Colour, from_rgb, to_rgb
from restereo.video.conversion import VideoOptions
from restereo.video.reader import TimeRange, frames, open_film
from restereo.video.segments import Segments
from restereo.video.writer import check_ending
from tests.restereo.video import clips


class Doubled:
    """Puts a picture beside itself, and counts: what a maker with a memory does."""

    def __init__(self, stop: int | None = None) -> None:
        self.count, self.stop = 0, stop

    def __call__(self, picture):
        if self.count == self.stop:
            raise KeyboardInterrupt
        self.count += 1
        marked = picture.copy()
        marked[:4, : self.count] = 255
        return np.concatenate([picture, marked], axis=1)

    def state(self):
        return {"count": np.array([self.count])}

    def resume(self, state):
        self.count = int(state["count"][0])


def converted(file: Path, out: Path, wanted: VideoOptions = VideoOptions(), make: Doubled | None = None) -> Path:  # noqa: B008
    film = open_film(file)
    unfinished = Segments(out, segments.origin_of(film, asdict(wanted), {}))
    films.convert(film, out, make or Doubled(), unfinished, wanted, films.survey(film, wanted)[0])
    return out


ENCODED = """
import hashlib
from fractions import Fraction

import numpy as np

from restereo.video.color import LIMITED, Colour
from restereo.video.writer import EncoderSettings, encode

blocks = np.kron(np.random.default_rng(0).integers(0, 256, (20, 60), np.uint8), np.ones((8, 8), np.uint8))
pictures = [(np.roll(blocks, number, 1)[..., None].repeat(3, 2), number, 1) for number in range(8)]
for codec in ("h264", "hevc"):
    tick = Fraction(1, 25)
    settings = EncoderSettings(codec, 16, 480, 160, tick, 1 / tick, Fraction(1), Colour(6, LIMITED), 1)
    print(hashlib.sha256(b"".join(packet.data for packet in encode(pictures, settings))).hexdigest())
"""


def test_the_same_pictures_get_the_same_bytes_whatever_memory_held_before():
    """glibc fills memory that it hands out with what MALLOC_PERTURB_ says."""
    made = [
        subprocess.run(
            [sys.executable, "-c", ENCODED],
            env=os.environ | {"MALLOC_PERTURB_": fill},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for fill in ("1", "85", "170")
    ]
    assert len(set(made)) == 1


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".mov"])
def test_every_frame_keeps_its_time_and_the_sound_its_bytes(tmp_path, ending):
    source = clips.make(tmp_path / f"a{ending}", subtitles=ending == ".mkv", stereo_mode="anaglyph_cyan_red")
    out = converted(source, tmp_path / f"b{ending}", VideoOptions(stereo_mode=1))
    assert clips.times_of(out) == clips.times_of(source) == [time / 1000 for time in clips.TIMES]
    assert clips.payloads(out, "audio") == clips.payloads(source, "audio") != []
    assert clips.payloads(out, "subtitle") == clips.payloads(source, "subtitle")
    with av.open(str(source)) as before, av.open(str(out)) as after:
        # Microseconds. Matroska does not say how long the last frame is shown.
        assert abs(before.duration - after.duration) <= (10_000 if ending == ".mkv" else 1000)
        assert after.streams.video[0].width == 2 * before.streams.video[0].width
        assert [s.language for s in before.streams] == [s.language for s in after.streams]
        if ending == ".mkv":
            assert before.streams.video[0].metadata["stereo_mode"] == "anaglyph_cyan_red"
            assert after.streams.video[0].metadata["stereo_mode"] == "left_right"
    assert not list(tmp_path.glob(".b*"))


@pytest.mark.parametrize("stop", [0, 5, 13, 21])
def test_a_killed_run_goes_on_to_the_same_bytes(tmp_path, monkeypatch, stop):
    monkeypatch.setattr(films, "segment_length", lambda film: 4)
    source = clips.make(tmp_path / "a.mp4")
    whole = converted(source, tmp_path / "whole.mp4")
    with pytest.raises(KeyboardInterrupt):
        converted(source, tmp_path / "killed.mp4", make=Doubled(stop))
    assert not (tmp_path / "killed.mp4").exists()
    again = Doubled()
    converted(source, tmp_path / "killed.mp4", make=again)
    assert (tmp_path / "killed.mp4").read_bytes() == whole.read_bytes()
    assert len(clips.times_of(whole)) == again.count == len(clips.TIMES)


def test_other_options_do_not_go_on_with_an_old_film(tmp_path, monkeypatch):
    monkeypatch.setattr(films, "segment_length", lambda film: 4)
    source = clips.make(tmp_path / "a.mp4", sound=False)
    with pytest.raises(KeyboardInterrupt):
        converted(source, tmp_path / "b.mp4", make=Doubled(9))
    better = VideoOptions(crf=5.0)
    converted(source, tmp_path / "b.mp4", better)
    converted(source, tmp_path / "c.mp4", better)
    assert (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()


def test_a_damaged_segment_is_made_again(tmp_path, monkeypatch):
    monkeypatch.setattr(films, "segment_length", lambda film: 4)
    source = clips.make(tmp_path / "a.mp4", sound=False)
    whole = converted(source, tmp_path / "whole.mp4")
    with pytest.raises(KeyboardInterrupt):
        converted(source, tmp_path / "b.mp4", make=Doubled(14))
    last = max((tmp_path / ".b.mp4.parts").glob("segment-*"))
    last.write_bytes(last.read_bytes()[:50])
    converted(source, tmp_path / "b.mp4")
    assert (tmp_path / "b.mp4").read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("state-000001", 2),  # `finished` has read it, and now the maker is to go on from it
        ("segment-000005", 1),  # the last one: without it the film is shorter
        ("segment-000002", 1),
    ],
)
def test_a_finished_part_that_cannot_be_read_is_not_left_out(tmp_path, monkeypatch, name, read):
    monkeypatch.setattr(films, "segment_length", lambda film: 4)
    source = clips.make(tmp_path / "a.mp4", sound=False)
    whole = converted(source, tmp_path / "whole.mp4")
    with pytest.raises(KeyboardInterrupt):
        converted(source, tmp_path / "b.mp4", make=Doubled(9))
    load, reads = segments._load, []

    def failing_once(file):
        content = load(file)
        reads.extend([file.stem] if content is not None else [])  # what is not there yet does not count
        return None if file.stem == name and reads.count(name) == read else content

    monkeypatch.setattr(segments, "_load", failing_once)
    with pytest.raises(UserError, match=f"{name}.*: cannot be read; run the same command again"):
        converted(source, tmp_path / "b.mp4")
    assert not (tmp_path / "b.mp4").exists()
    converted(source, tmp_path / "b.mp4")
    assert (tmp_path / "b.mp4").read_bytes() == whole.read_bytes()


def test_a_film_that_can_no_longer_be_decoded_does_not_become_a_shorter_one(tmp_path, monkeypatch):
    monkeypatch.setattr(films, "segment_length", lambda film: 4)
    source = clips.make(tmp_path / "a.mp4", sound=False)
    whole = converted(source, tmp_path / "whole.mp4")
    film, wanted, out = open_film(source), VideoOptions(), tmp_path / "b.mp4"
    unfinished, total = Segments(out, segments.origin_of(film, asdict(wanted), {})), films.survey(film, wanted)[0]
    decode, packets = reader._decoded, []

    def failing_once(packet):
        packets.append(packet)
        return None if len(packets) == 14 else decode(packet)

    monkeypatch.setattr(reader, "_decoded", failing_once)
    with pytest.raises(UserError, match=r"a.mp4: cannot be decoded at 0\.\d\d s, where it could be before"):
        films.convert(film, out, Doubled(), unfinished, wanted, total)
    assert unfinished.finished() and not out.exists()
    films.convert(film, out, Doubled(), unfinished, wanted, total)
    assert out.read_bytes() == whole.read_bytes()


def test_a_part_begins_at_zero_with_its_sound(tmp_path):
    source = clips.make(tmp_path / "a.mp4")
    out = converted(source, tmp_path / "b.mp4", VideoOptions(time_range=TimeRange(Fraction("0.23"), Fraction("0.7"))))
    kept = [time for time in clips.TIMES if 230 <= time < 700]
    assert clips.times_of(out) == [(time - 230) / 1000 for time in kept]
    sound = clips.payloads(out, "audio")
    assert 0 < len(sound) < len(clips.payloads(source, "audio"))
    assert set(sound) <= set(clips.payloads(source, "audio"))
    with av.open(str(out)) as film:
        assert abs(film.duration / 1e6 - 0.47) < 0.05


@pytest.mark.parametrize("matrix", [1, 6, 9])
@pytest.mark.parametrize("scope", [LIMITED, FULL])
def test_colours_come_back_and_the_file_says_how(tmp_path, matrix, scope):
    colour = Colour(matrix, scope, 1, 1)
    patches = np.zeros((32, 64, 3), np.uint8)
    patches[:, :32], patches[:, 32:] = (200, 50, 20), (20, 90, 240)
    np.testing.assert_allclose(to_rgb(from_rgb(patches, "yuv444p", colour), colour), patches, atol=3)
    source = clips.make(tmp_path / "a.mp4", clips.TIMES[:3], sound=False)
    film = replace(open_film(source), colour=colour)
    films.convert(film, tmp_path / "b.mp4", Doubled(), Segments(tmp_path / "b.mp4", {}), VideoOptions(crf=4), 3)
    with av.open(str(tmp_path / "b.mp4")) as made:
        first = next(made.decode(video=0))
        assert (int(first.colorspace), int(first.color_range), int(first.color_primaries)) == (matrix, scope, 1)


def test_reference_colours_of_bt709_and_bt601():
    # ITU-R BT.709 and BT.601: Y = Kr R + Kg G + Kb B, studio range 16..235.
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 255
    for matrix, share in ((1, 0.2126), (6, 0.299)):
        assert (
            abs(int(from_rgb(red, "yuv444p", Colour(matrix, LIMITED)).to_ndarray()[0, 0, 0]) - (16 + 219 * share)) < 2
        )


def test_odd_sizes_stay(tmp_path):
    class Odd(Doubled):
        def __call__(self, picture):
            return picture[:63, :95]

    out = converted(clips.make(tmp_path / "a.mp4", clips.TIMES[:5]), tmp_path / "b.mp4", make=Odd())
    with av.open(str(out)) as film:
        assert (film.streams.video[0].width, film.streams.video[0].height) == (95, 63)
        assert len(list(film.decode(video=0))) == 5


def test_hevc(tmp_path):
    out = converted(clips.make(tmp_path / "a.mp4", clips.TIMES[:6]), tmp_path / "b.mp4", VideoOptions(codec="hevc"))
    with av.open(str(out)) as film:
        assert film.streams.video[0].codec_context.name == "hevc"
        assert len(list(film.decode(video=0))) == 6


def test_damaged_films_get_a_sentence_and_no_file(tmp_path):
    good = clips.make(tmp_path / "good.mkv").read_bytes()
    whole = clips.make(tmp_path / "good.mp4").read_bytes()
    rng = np.random.default_rng(0)
    before = None
    for number in range(24):
        data = bytearray(good if number % 2 else whole)
        if number % 3 == 0:
            data = data[: int(rng.integers(0, len(data)))]
        else:
            for place in rng.integers(0, len(data), 1 + 20 * (number % 5)):
                data[place] = int(rng.integers(256))
        file = tmp_path / f"bad{'.mkv' if number % 2 else '.mp4'}"
        file.write_bytes(bytes(data))
        before = sorted(path.name for path in tmp_path.iterdir())
        try:
            film = open_film(file)
            films.survey(film)
        except UserError as error:
            assert str(error).startswith(str(file)) and str(error).count("\n") == 0
        assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_film_cut_short_is_refused_unless_forced(tmp_path):
    whole = clips.make(tmp_path / "a.mkv", sound=False)
    short = tmp_path / "short.mkv"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(UserError, match=r"damaged or cut short at .* force=True"):
        films.survey(open_film(short))
    count = films.survey(open_film(short), VideoOptions(force=True))[0]
    assert 0 < count < len(clips.TIMES)
    assert len(clips.times_of(converted(short, tmp_path / "b.mkv", VideoOptions(force=True)))) == count


@pytest.mark.parametrize(("ending", "codec"), [(".mkv", "libx264"), (".avi", "mpeg4")])
def test_frames_lost_within_a_film_are_missed(tmp_path, ending, codec):
    source = clips.encoded(tmp_path / f"a{ending}", codec, "libmp3lame", count=48, b_frames=1)
    assert films.survey(open_film(source))[::2] == (48, [])
    content = bytearray(source.read_bytes())
    content[len(content) // 3 : len(content) // 3 + 400] = bytes(400)
    source.write_bytes(content)
    if ending == ".mkv":  # from there to the next cluster
        with pytest.raises(
            UserError, match=r"damaged: \d+ of 48 frames are missing, the first at \d\.\d\d s.* force=True"
        ):
            films.survey(open_film(source))
    count, _, (note,) = films.survey(open_film(source), VideoOptions(force=True))
    assert count < 48 and "of 48 frames are missing, the first at" in note


def test_a_frame_lost_is_noted_and_a_varying_rate_is_not(tmp_path):
    times = [40 * number for number in range(30) if number != 20]
    source = clips.make(tmp_path / "a.mkv", times, sound=False)
    assert films.survey(open_film(source))[2] == ["1 of 30 frames are missing, the first at 0.80 s"]
    assert films.survey(open_film(clips.make(tmp_path / "b.mkv", sound=False)))[2] == []


def test_what_a_file_cannot_hold_is_said_before_the_work(tmp_path):
    source = clips.make(tmp_path / "a.mkv", clips.TIMES[:3], subtitles=True)
    with pytest.raises(UserError, match=r"b.mp4: .mp4 does not hold subtitles of type 'subrip'; end the name in .mkv"):
        converted(source, tmp_path / "b.mp4")
    with pytest.raises(UserError, match="is no film to write"):
        check_ending(tmp_path / "b.webm")


def test_a_second_run_on_the_same_film_is_refused(tmp_path):
    refused = pytest.raises(UserError, match="another run is making this film")
    with segments.locked(tmp_path / "a.mp4"), refused, segments.locked(tmp_path / "a.mp4"):
        raise AssertionError("both held it")
    assert not list(tmp_path.iterdir())


def test_films_are_told_by_their_bytes(tmp_path):
    film = clips.make(tmp_path / "a.mp4", clips.TIMES[:2])
    assert is_film(film.rename(tmp_path / "a.jpg"))
    (tmp_path / "b.mp4").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert not is_film(tmp_path / "b.mp4")


def test_frames_of_a_span_are_those_of_the_whole(tmp_path):
    film = open_film(clips.make(tmp_path / "a.mp4", sound=False))
    whole = {frame.ticks: frame.image() for frame in frames(film)}
    part = {frame.ticks: frame.image() for frame in frames(film, TimeRange(Fraction("0.5"), Fraction("0.8")))}
    assert [round(t * film.time_base * 1000) for t in part] == [time for time in clips.TIMES if 500 <= time < 800]
    for ticks, picture in part.items():
        np.testing.assert_array_equal(picture, whole[ticks])


@pytest.mark.parametrize("text", ["x", "1:2:3:4", "-1", "", "1e400", "1e999999999", "0:1e400", "9" * 30])
def test_times_that_are_none(text):
    with pytest.raises(UserError, match="is no time"):
        seconds_of(text)


def limited(size: int) -> tuple[int, int]:
    """Lets this process write no file over so many bytes, as a full disk does; returns what was allowed."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    return before


@pytest.mark.parametrize("size", [100, 3000, 20000])
def test_a_full_disk_gets_a_sentence_and_the_film_goes_on_later(tmp_path, monkeypatch, size):
    monkeypatch.setattr(films, "segment_length", lambda film: 5)
    source = clips.make(tmp_path / "a.mp4")
    whole = converted(source, tmp_path / "b.mp4").read_bytes()
    (tmp_path / "b.mp4").unlink()
    before = limited(size)
    try:
        with pytest.raises(UserError, match=r"b.mp4.*: c\w+ (not )?be written \(.*; free space") as caught:
            converted(source, tmp_path / "b.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(caught.value).count("\n") == 0
    assert not list(tmp_path.rglob("*.tmp")) and (size > 100 or not list(tmp_path.glob("*.parts")))
    assert converted(source, tmp_path / "b.mp4").read_bytes() == whole


def test_a_folder_that_may_not_be_written_gets_a_sentence(tmp_path, monkeypatch):
    def refused(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(UserError, match=r"b.mp4: cannot be written \(Permission denied beside it\); .* another place"):
        Segments(tmp_path / "b.mp4", {})


def test_kept_state_is_what_it_was_however_it_lies_in_memory(tmp_path):
    """safetensors stores the bytes of an array as they lie, and loads other numbers."""
    turned = np.arange(12, dtype=np.float32).reshape(3, 4).T
    unfinished = Segments(tmp_path / "a.mp4", {})
    unfinished.save(0, [], {"turned": turned, "thinned": turned[::2]})
    np.testing.assert_array_equal(unfinished.state(0)["turned"], turned)
    np.testing.assert_array_equal(unfinished.state(0)["thinned"], turned[::2])
