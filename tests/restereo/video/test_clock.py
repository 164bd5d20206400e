"""When frames and sound are shown: as the original says it, on a clock that never restarts."""

from fractions import Fraction

import numpy as np
import pytest

from restereo.errors import UserError
from restereo.video.conversion import VideoOptions, survey
from restereo.video.reader import TimeRange, frames, open_film
from restereo.video.writer import check_streams
from tests.restereo.video import clips
from tests.restereo.video.test_conversion import converted

DISC = {"codec": "mpeg2video", "sound": "mp2", "form": "vob"}
BROADCAST = {"codec": "libx264", "sound": "aac", "b_frames": 2}


@pytest.mark.parametrize(("ending", "made"), [(".vob", DISC), (".ts", BROADCAST)])
def test_a_clock_that_restarts_goes_on_with_pictures_and_sound(tmp_path, ending, made):
    one = clips.encoded(tmp_path / f"one{ending}", **made)
    alone = converted(one, tmp_path / "one.mkv")
    both = tmp_path / f"both{ending}"
    both.write_bytes(one.read_bytes() * 2)
    out = converted(both, tmp_path / "both.mkv")
    pictures, sound = clips.times_of(out), clips.sound_times(out)
    assert len(pictures) == 50 and pictures[:25] == clips.times_of(alone)
    steps = np.diff(pictures)
    assert steps.min() > 0.02 and steps.max() < 0.06, "no two frames at one instant, and no gap"
    before, after = clips.sound_times(alone), sound[len(sound) // 2 :]
    assert len(sound) == 2 * len(before) and np.diff(sound).max() < 0.03
    # What is heard with a picture is heard with it in the second part, too.
    assert after[0] - pictures[25] == pytest.approx(before[0] - pictures[0], abs=0.005)
    part = VideoOptions(time_range=TimeRange(Fraction("1.5")))
    assert survey(open_film(both), part)[0] == sum(time >= 1.5 for time in pictures)


@pytest.mark.parametrize(
    ("ending", "made"),
    [
        (".ts", BROADCAST | {"gop": 100}),  # one group of pictures: all depend on the first
        (".ts", BROADCAST),
        (".vob", DISC),
        (".flv", {"codec": "flv", "sound": "libmp3lame", "sound_rate": 44100}),  # no searching
        (".mkv", {"gop": 100}),
        (".mp4", {"b_frames": 2}),
        (".avi", {"codec": "mpeg4", "b_frames": 2}),
    ],
)
def test_a_part_has_every_frame_that_the_whole_has_there(tmp_path, ending, made):
    film = open_film(clips.encoded(tmp_path / f"a{ending}", **made))
    whole = {frame.ticks: frame.image() for frame in frames(film)}
    assert len(whole) == 25
    for start in ("0.02", "0.5", "0.9"):
        first = film.begin + Fraction(start)
        part = {frame.ticks: frame.image() for frame in frames(film, TimeRange(Fraction(start)))}
        assert list(part) == [ticks for ticks in whole if ticks * film.time_base >= first] != []
        for ticks, picture in part.items():
            np.testing.assert_array_equal(picture, whole[ticks])


def test_a_beginning_that_the_container_rounds_up_loses_no_frame(tmp_path):
    film = open_film(clips.encoded(tmp_path / "a.ts", rate=30, first=2, count=10))
    assert len(list(frames(film))) == len(list(frames(film, TimeRange(Fraction(0), Fraction(9))))) == 10
    assert film.begin == next(frames(film)).ticks * film.time_base


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_frames_of_avi_that_wait_for_later_ones_come_evenly(tmp_path, codec):
    source = clips.encoded(tmp_path / "a.avi", codec, "libmp3lame", b_frames=2)
    assert clips.times_of(converted(source, tmp_path / "b.mkv")) == [number / 25 for number in range(25)]


def test_sound_whose_packets_have_no_times_at_the_end(tmp_path):
    source = clips.encoded(tmp_path / "a.wmv", "wmv2", "wmav2")
    sound = clips.sound_times(converted(source, tmp_path / "b.mkv"))
    assert np.diff(sound).min() > 0.03 and sound[-1] < 1.1


def test_packets_shorter_than_a_tick_do_not_drift(tmp_path):
    # As TrueHD's, of which Matroska's milliseconds hold more than one.
    source = clips.encoded(tmp_path / "a.mkv", sound="pcm_s16le", block=40)
    out = converted(source, tmp_path / "b.mkv")
    assert clips.payloads(out, "audio") == clips.payloads(source, "audio")
    assert clips.sound_times(out) == clips.sound_times(source)


def test_sound_that_a_container_refuses_with_its_packets_is_refused_before_the_work(tmp_path):
    source = clips.encoded(tmp_path / "a.mkv", sound="pcm_s16le", block=40)
    with pytest.raises(UserError, match=r"mp4 does not take its sound .* \(Invalid argument\); end the name in .mkv"):
        check_streams(open_film(source), tmp_path / "b.mp4")
