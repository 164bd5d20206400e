"""A run never destroys what it reads, finds what is to be read, and does not stop for one bad file if asked."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from restereo.cli import app
from restereo.errors import UserError
from restereo.inference import batch, lookup
from restereo.inference.recover import RecoverOptions
from restereo.inference.result import Result
from restereo.io.layouts import LAYOUTS
from restereo.io.paths import is_film
from restereo.io.read import read_image
from tests.fuzz.trial import restorer
from tests.restereo.inference.test_recover import anaglyph, views
from tests.restereo.video import clips


def options(*names: str) -> RecoverOptions:
    return RecoverOptions(layouts=[LAYOUTS[name] for name in names])


def outputs(jobs: list[batch.Job]) -> list[str]:
    return [file.name for job in jobs for file in job.outputs]


def camera_mpo(file: Path) -> Path:
    """As a camera saves it: 4:2:2."""
    left, right = (Image.fromarray(view) for view in views())
    left.save(file, "MPO", save_all=True, append_images=[right], subsampling=1)
    return file


def aged(file: Path, seconds: float) -> Path:
    os.utime(file, (file.stat().st_atime - seconds, file.stat().st_mtime - seconds))
    return file


def test_no_result_is_written_over_another_source(tmp_path):
    a, left = anaglyph(tmp_path, "a.png"), anaglyph(tmp_path, "a_left.png")
    linked = tmp_path / "out" / "a_left.png"
    linked.parent.mkdir()
    linked.symlink_to(left)
    for paths, out in (([a, left], None), ([left, a], None), ([a, left], tmp_path / "out")):
        with pytest.raises(UserError, match=r"a_left\.png: it would overwrite a picture that is to be read"):
            batch.plan(paths, options("left"), out)
    assert outputs(batch.plan([a], options("left"))) == ["a_left.png"]


def test_a_cameras_own_stereo_picture_stays(tmp_path):
    anaglyph(tmp_path, "DSCF1.jpg")
    camera_mpo(tmp_path / "DSCF1.mpo")  # the younger of the two
    with pytest.raises(UserError, match=r"DSCF1\.mpo: saved by another program, so it may be an original"):
        batch.plan([tmp_path], options("mpo"))
    aged(tmp_path / "DSCF1.mpo", 60)
    with pytest.raises(UserError, match=r"DSCF1\.mpo: older than DSCF1\.jpg, so it may be an original"):
        batch.plan([tmp_path], options("mpo"))
    assert outputs(batch.plan([tmp_path], options("mpo"), tmp_path / "out")) == ["DSCF1.mpo"]


def test_an_older_picture_of_a_common_name_is_no_result(tmp_path):
    anaglyph(tmp_path, "sunset.png")
    aged(anaglyph(tmp_path, "sunset_anaglyph.png"), 60)
    with pytest.raises(UserError, match=r"sunset_anaglyph\.png: older than sunset\.png"):
        batch.plan([tmp_path], options("anaglyph"))


def test_a_name_that_lends_its_stem_writes_over_no_original(tmp_path):
    source = anaglyph(tmp_path, "photo_ana.jpg")
    for name in ("photo_L.jpg", "photo_R.jpg"):
        aged(anaglyph(tmp_path, name), 60)
    with pytest.raises(UserError, match=r"photo_L\.jpg: older than photo_ana\.jpg"):
        batch.plan([source], options("pair"), tmp_path / "photo.jpg")


def test_the_same_command_can_be_run_again(tmp_path):
    anaglyph(tmp_path, "a.jpg")
    chosen, network = options("sbs", "mpo", "jps", "anaglyph", "pair"), restorer()
    for _ in range(2):
        jobs = batch.plan([tmp_path], chosen)
        assert [one.status for one in batch.run(jobs, network, chosen, lambda _: None)] == ["done"]


def test_what_a_folder_leaves_out_is_told(tmp_path):
    anaglyph(tmp_path, "a.png")
    for end in ("_left", "_color", "_repaired", "_x2", "_x4", "_LRF_Full_SBS_sample"):
        anaglyph(tmp_path, f"a{end}.png")
    anaglyph(tmp_path, "_LR.png")
    description: list[str] = []
    jobs = batch.plan([tmp_path], options("sbs"), tmp_path / "out", on_note=description.append)
    assert [job.file.name for job in jobs] == ["_LR.png", "a.png"]
    assert (
        len(description) == 1
        and "6 left out as results of earlier runs (a_LRF_Full_SBS_sample.png, a_color.png" in description[0]
    )


def test_results_below_the_folder_are_no_sources_however_it_is_written(tmp_path, monkeypatch):
    anaglyph(tmp_path, "in/a.png")
    anaglyph(tmp_path, "in/out/b.png")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    for path, out in (
        ("in", tmp_path / "in/out"),
        (tmp_path / "in", "in/out"),
        ("in/../in", "in/out"),
        ("link", "in/out"),
    ):
        assert [job.file.name for job in batch.plan([Path(path)], options("sbs"), Path(out))] == ["a.png"]


def test_namesakes_keep_their_endings(tmp_path):
    for name in ("a.gif", "a.png", "a.tif"):
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / name)
    expected = ["a_LRF_Full_SBS.png", "a.png_LRF_Full_SBS.png", "a_LRF_Full_SBS.tif"]
    assert outputs(batch.plan([tmp_path], options("sbs"))) == expected
    for name in expected:
        (tmp_path / name).write_bytes((tmp_path / "a.tif").read_bytes())
    assert outputs(batch.plan([tmp_path], options("sbs"))) == expected
    pngs = batch.plan([tmp_path], options("sbs"), tmp_path / "out", ".png")
    assert outputs(pngs) == ["a_LRF_Full_SBS.png", "a.png_LRF_Full_SBS.png", "a.tif_LRF_Full_SBS.png"]


def test_one_bad_path_is_one_failed_outcome(tmp_path):
    good = anaglyph(tmp_path / "in", "a.png")
    twin = anaglyph(tmp_path / "other", "a.png")
    film = clips.make(tmp_path / "f.mkv", clips.TIMES[:3])
    (tmp_path / "in" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "fifo.png")
    paths = [tmp_path / "none.png", good, tmp_path / "in" / ".." / "in" / "a.png", twin, film, tmp_path / "in"]
    paths += [tmp_path / "empty", tmp_path / "fifo.png", tmp_path / f"{300 * 'a'}.png"]
    both = options("sbs", "mpo")
    jobs = batch.plan(paths, both, tmp_path / "out", skip_errors=True)
    description: list[Result] = []
    batch.run(jobs, restorer(), both, description.append, resume=True, skip_errors=True)
    ended = {one.file.name: str(one.error) for one in description if one.status == "failed"}
    message = {
        "none.png": "no such file",
        "a.png": "would become it",
        "f.mkv": "layout 'mpo' is for pictures",
        "gone.png": "no such file",
        "empty": "no pictures or films in it",
        "fifo.png": "no regular file",
        f"{300 * 'a'}.png": "File name too long",
    }
    assert sorted(ended) == sorted(message) and all(message[name] in error for name, error in ended.items())
    assert [one.file for one in description if one.status == "done"] == [good]
    assert all(json.loads(json.dumps(one.facts()))["status"] == one.status for one in description)
    with pytest.raises(UserError, match=r"none\.png: no such file"):
        batch.plan(paths, both, tmp_path / "out")


def test_a_pipe_is_refused_at_once(tmp_path):
    fifo = tmp_path / "fifo.mp4"
    os.mkfifo(fifo)
    assert is_film(fifo)
    with pytest.raises(UserError, match="no regular file"):
        batch.plan([fifo], options("sbs"))
    with pytest.raises(UserError, match="no regular file"):
        read_image(fifo)


def test_a_place_that_takes_no_results_is_a_sentence(tmp_path):
    photo = anaglyph(tmp_path, "a.png")
    (tmp_path / "plainfile").touch()
    for out in ("plainfile", "plainfile/deeper"):
        with pytest.raises(UserError, match=r"no folder can be made here \(a file is in the way\)"):
            batch.plan([photo], options("sbs"), tmp_path / out)


def test_the_command_tells_of_what_it_skips(tmp_path, monkeypatch):
    monkeypatch.setattr(lookup, "find_model", lambda *_, **__: restorer())
    anaglyph(tmp_path, "a.png")
    anaglyph(tmp_path, "a_left.png")
    command = [
        "recover",
        str(tmp_path),
        str(tmp_path / "none.png"),
        "-o",
        str(tmp_path / "out"),
        "--json",
        "--skip-errors",
    ]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 1 and "1 left out as results of earlier runs (a_left.png)" in done.stderr
    assert {json.loads(line)["status"] for line in done.stdout.splitlines()} == {"done", "failed"}
