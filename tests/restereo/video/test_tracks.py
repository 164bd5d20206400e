"""Sound and subtitles that Matroska does not hold as they are."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from restereo.errors import UserError
from restereo.video.clock import fraction
from restereo.video.conversion import VideoOptions
from restereo.video.reader import TimeRange, open_film
from restereo.video.writer import check_streams
from tests.restereo.video import clips
from tests.restereo.video.test_conversion import converted

STYLE = b"\x00\x00\x00\x16styl\x00\x01\x00\x00\x00\x02\x00\x01\x01\x12\xff\xff\xff\xff"


def with_subtitles(file: Path) -> Path:
    """Writes a film with MP4's subtitles, one of them in style, with empty ones between them."""
    pictures = clips.make(file.with_stem("pictures"), sound=False)
    with av.open(str(pictures)) as source, av.open(str(file), "w") as out:
        video, text = out.add_stream_from_template(source.streams.video[0]), out.add_mux_stream("mov_text")
        text.time_base = Fraction(1, 1000)
        text.metadata["language"] = "deu"
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = video
                out.mux(packet)
        for start, length, content in [
            (0, 200, b"\0\0"),
            (200, 300, b"\0\x08Good day" + STYLE),
            (500, 100, b"\0\0"),
            (600, 200, b"\0\x07b\xc3\xb6se\ra"),
        ]:
            packet = av.Packet(content)
            packet.stream, packet.time_base = text, Fraction(1, 1000)
            packet.pts = packet.dts = start
            packet.duration = length
            out.mux(packet)
    return file


def texts(file: Path) -> list[tuple[float, float, bytes]]:
    with av.open(str(file)) as film:
        (stream,) = film.streams.subtitles
        assert (stream.codec_context.codec.canonical_name, stream.language) == ("subrip", "deu")
        return [
            (float(one.pts * one.time_base), float(one.duration * one.time_base), bytes(one))
            for one in film.demux(stream)
            if one.size
        ]


def test_subtitles_of_mp4_become_subrip_in_matroska(tmp_path):
    source = with_subtitles(tmp_path / "a.mp4")
    assert check_streams(open_film(source), tmp_path / "b.mkv") == [
        "subtitles are written as SubRip, without their fonts"
    ]
    assert check_streams(open_film(source), tmp_path / "b.mp4") == []
    out = converted(source, tmp_path / "b.mkv")
    assert texts(out) == [(0.2, 0.3, b"Good day"), (0.6, 0.2, "böse\na".encode())]
    part = converted(source, tmp_path / "c.mkv", VideoOptions(time_range=TimeRange(Fraction("0.5"))))
    assert texts(part) == [(0.1, 0.2, "böse\na".encode())]


@pytest.mark.parametrize("codec", ["hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "dts"])
def test_what_matroska_holds_under_other_names_is_copied(tmp_path, codec):
    pictures, source = clips.make(tmp_path / "pictures.mkv", clips.TIMES[:4], sound=False), tmp_path / "a.mkv"
    content = [b"\x16\0\x0b" + bytes([number]) * 11 + b"\x80\0\0" for number in range(4)]  # two segments of PGS
    with av.open(str(pictures)) as film, av.open(str(source), "w") as made:
        video = made.add_stream_from_template(film.streams.video[0])
        track = made.add_mux_stream(codec, **({} if codec.endswith("subtitle") else {"rate": 48000}))
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream = video
                made.mux(packet)
        for number, data in enumerate(content):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.duration = track, Fraction(1, 1000), 30
            packet.pts = packet.dts = 40 * number
            made.mux(packet)
    assert check_streams(open_film(source), tmp_path / "b.mkv") == []
    kind = "subtitle" if codec.endswith("subtitle") else "audio"
    assert clips.payloads(converted(source, tmp_path / "b.mkv"), kind) == content


def test_sound_of_old_telephones_is_copied(tmp_path):
    tone = np.sin(np.arange(8000) / 9).astype(np.float32)[None]
    pictures, source = clips.make(tmp_path / "pictures.mov", clips.TIMES[:4], sound=False), tmp_path / "a.mov"
    with av.open(str(pictures)) as film, av.open(str(source), "w") as made:
        video, sound = made.add_stream_from_template(film.streams.video[0]), made.add_stream("amr_nb", rate=8000)
        sound.layout = "mono"
        for packet in film.demux(video=0):
            if packet.size:
                packet.stream = video
                made.mux(packet)
        for start in range(0, 8000, 160):
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(tone[:, start : start + 160]), "flt", "mono")
            block.sample_rate, block.pts, block.time_base = 8000, start, Fraction(1, 8000)
            made.mux(sound.encode(block))
        made.mux(sound.encode(None))
    out = converted(source, tmp_path / "b.mov")
    assert clips.payloads(out, "audio") == clips.payloads(source, "audio") != []


def test_sound_that_a_container_does_not_hold_is_named_with_the_remedy(tmp_path):
    source = clips.encoded(tmp_path / "a.mkv", sound="flac")
    with pytest.raises(UserError, match=r"^\S+b.mov: .mov does not hold sound of type 'flac'; end the name in .mkv.$"):
        check_streams(open_film(source), tmp_path / "b.mov")


@pytest.mark.parametrize(("codec", "ending"), [("pcm_bluray", ".m2ts"), ("pcm_dvd", ".vob")])
def test_sound_of_discs_becomes_plain_pcm(tmp_path, codec, ending):
    tone = (8000 * np.sin(np.arange(48000) / 20)).astype(np.int16).repeat(2)[None]
    file = tmp_path / f"a{ending}"
    with av.open(str(file), "w", format="vob" if ending == ".vob" else "mpegts") as out:
        video = out.add_stream("mpeg2video", rate=25)
        video.width, video.height, video.pix_fmt = *clips.SIZE, "yuv420p"
        sound = out.add_stream(codec, rate=48000, layout="stereo", format="s16")
        step = 1920
        for number in range(25):
            picture = av.VideoFrame.from_ndarray(clips.anaglyph(number % 12), "rgb24")
            picture.pts = number
            out.mux(video.encode(picture))
            piece = np.ascontiguousarray(tone[:, 2 * step * number : 2 * step * (number + 1)])
            block = av.AudioFrame.from_ndarray(piece, "s16", "stereo")
            block.sample_rate, block.pts, block.time_base = 48000, step * number, Fraction(1, 48000)
            out.mux(sound.encode(block))
        out.mux(video.encode(None))
        out.mux(sound.encode(None))
    assert check_streams(open_film(file), tmp_path / "b.mkv") == [f"sound of type '{codec}' became pcm_s16le"]
    out_file = converted(file, tmp_path / "b.mkv")
    assert clips.payloads(out_file, "audio") and b"".join(clips.payloads(out_file, "audio")) == heard(file)
    assert len(clips.times_of(out_file)) == 25


def heard(file: Path) -> bytes:
    with av.open(str(file)) as film:
        return b"".join(frame.to_ndarray().tobytes() for frame in film.decode(audio=0))


def test_tags_that_are_no_utf8_are_carried_over_as_text(tmp_path):
    source, out = tmp_path / "a.mkv", tmp_path / "b.mkv"
    with av.open(str(clips.make(tmp_path / "pictures.mkv"))) as pictures, av.open(str(source), "w") as film:
        stream = film.add_stream_from_template(pictures.streams.video[0])
        film.metadata["title"], stream.metadata["title"] = "film-XX-", "stream-XX-"
        film.set_chapters(
            [{"id": 1, "start": 0, "end": 5, "time_base": Fraction(1, 10), "metadata": {"title": "part-XX-"}}]
        )
        for packet in pictures.demux(video=0):
            if packet.size:
                packet.stream = stream
                film.mux(packet)
    source.write_bytes(source.read_bytes().replace(b"-XX-", b"-\xe9\xff-"))
    converted(source, out)
    with av.open(str(out)) as made:
        titles = (
            made.metadata["title"],
            made.streams.video[0].metadata["title"],
            made.chapters()[0]["metadata"]["title"],
        )
    assert titles == ("film-\ufffd\ufffd-", "stream-\ufffd\ufffd-", "part-\ufffd\ufffd-")


def test_rates_that_are_not_known_are_none_in_every_av():
    unknown = getattr(av, "AVRational", Fraction)(0, 1)
    assert fraction(unknown) is None
    assert fraction(None) is None
    known = fraction(getattr(av, "AVRational", Fraction)(30000, 1001))
    assert (known, type(known)) == (Fraction(30000, 1001), Fraction)
