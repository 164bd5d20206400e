"""How films are shown: the shape of pixels, interlaced frames, and what of them cannot be kept."""

from dataclasses import replace
from fractions import Fraction

import av
import numpy as np
import pytest

from restereo.video import conversion as films
from restereo.video.containers import elements
from restereo.video.conversion import FilmJob, VideoOptions, produce
from restereo.video.reader import frames, open_film
from restereo.video.segments import Segments
from tests.restereo.video import clips
from tests.restereo.video.test_conversion import Doubled

PAL = Fraction(64, 45)


def display_size(data, begin, end, path=(b"\x18S\x80g", b"\x16T\xaek", b"\xae", b"\xe0")):
    if not path:
        found = {name: int.from_bytes(data.getvalue()[at:to], "big") for name, at, to in elements(data, begin, end)}
        return found[b"\x54\xb0"], found[b"\x54\xba"]
    _, at, to = next(one for one in elements(data, begin, end) if one[0] == path[0])
    return display_size(data, at, to, path[1:])


@pytest.mark.parametrize("mode", [1, 3, 11])
@pytest.mark.parametrize("halved", [False, True])
@pytest.mark.parametrize("aspect", [PAL, Fraction(1), Fraction(8, 9)])
def test_matroska_states_the_shape_of_one_view(tmp_path, mode, halved, aspect):
    from io import BytesIO

    film = replace(open_film(clips.encoded(tmp_path / "a.mp4", count=2)), aspect=aspect)
    out, options = tmp_path / "b.mkv", VideoOptions(stereo_mode=mode, halved=halved)
    films.convert(film, out, Doubled(), Segments(out, {}), options, 2)
    width, height = 2 * clips.SIZE[0], clips.SIZE[1]
    if not halved:
        width, height = (width, height // 2) if mode == 3 else (width // 2, height)
    data = BytesIO(out.read_bytes())
    shown = display_size(data, 0, len(data.getvalue()))
    assert shown[0] / shown[1] == pytest.approx(width / height * aspect, rel=0.03)
    with av.open(str(out)) as made:  # ffmpeg reads the display size of one view as the shape of pixels
        (video,) = made.streams.video
        split = Fraction(1) if not halved else Fraction(1, 2) if mode == 3 else Fraction(2)
        assert float(video.sample_aspect_ratio) == pytest.approx(float(aspect * split), rel=0.03)
        assert len(list(made.decode(video))) == 2


def combed(number):
    """A picture of two times: its odd rows are of half a frame later, 8 px further."""
    picture = clips.view(4 * number).copy()
    picture[1::2] = clips.view(4 * number + 4)[1::2]
    return picture


def combing(picture):
    rows = picture.astype(int)
    return np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean()


def test_interlaced_frames_are_deinterlaced_unless_told_otherwise(tmp_path):
    flags = {"codec": "mpeg2video", "flags": "+ildct+ilme", "b": "4M"}
    source = clips.encoded(tmp_path / "a.mkv", show=combed, count=6, **flags)
    film = open_film(source)
    assert film.interlaced
    kept = list(frames(film))
    single = list(frames(replace(film, deinterlaced=True)))
    assert [one.ticks for one in single] == [one.ticks for one in kept]
    for one, other in zip(single, kept, strict=True):
        assert combing(one.image()) < 0.6 * combing(other.image())
    for wanted, said in ((True, "separated (bwdif)"), (False, "taken for one")):
        options = VideoOptions(sample=True, deinterlace=wanted)
        made = produce(film, tmp_path / "a.png", FilmJob(options, {}, lambda _: {}, lambda _: Doubled()))
        assert any(said in note for note in made.notes)


def test_frames_that_are_not_interlaced_stay_as_they_are(tmp_path):
    film = open_film(clips.encoded(tmp_path / "a.mkv", count=4))
    for one, other in zip(frames(film), frames(replace(film, deinterlaced=True)), strict=True):
        np.testing.assert_array_equal(one.image(), other.image())
