"""The commands of the sibling tasks, with networks that were hardly trained."""

import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage
import torch
from PIL import Image
from typer.testing import CliRunner

from restereo import catalog, recover
from restereo.cli import app
from restereo.cli.errors import message
from restereo.errors import UserError
from restereo.image import Picture
from restereo.imaging.color import luma
from restereo.io.convert import read_views
from restereo.io.layouts import LAYOUTS
from restereo.io.read import read_picture
from restereo.io.write import write_layout
from restereo.tasks import Task, build_model
from restereo.training import run_folder
from tests.conftest import smooth_picture


def run_of(folder: Path, kind: str, model: str, **options: object) -> Path:
    """A run folder as training leaves it, of a network with random weights."""
    task: Task = catalog.build("task", kind, **options)
    torch.manual_seed(0)
    network = build_model(task, model, {"size": "tiny"})
    row = {"task": kind, "model": model, "model_options": {"size": "tiny"}}
    config = {"task_kind": kind, "task_options": options, "row": row, "licences": ["CC0-1.0"]}
    run_folder.write(folder, config, {}, [], {}, task.default_calibration(), network.state_dict())
    return folder


@pytest.fixture
def picture(tmp_path) -> Path:
    return written(tmp_path / "old.png", luma(smooth_picture(3, 41, 50)).repeat(3, axis=2))


def written(file: Path, picture: Picture) -> Path:
    cv2.imwrite(str(file), picture[..., ::-1])
    return file


def call(*arguments: object) -> str:
    done = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def refused(wording: str, *arguments: object) -> None:
    with pytest.raises(UserError) as caught:
        CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert re.search(wording, message(caught.value))


def test_a_coloured_picture_has_the_size_and_the_grey_of_the_first(tmp_path, picture):
    run = run_of(tmp_path / "run", "colorization", "autoencoder")
    assert "old_color.png: coloured by" in call("colorize", picture, "--model", run, "--device", "cpu")
    answer, asked = read_picture(tmp_path / "old_color.png"), read_picture(picture)
    assert answer.shape == asked.shape
    assert np.abs(luma(answer).astype(int) - luma(asked)).max() <= 2


def test_a_repaired_picture_has_the_size_of_the_first(tmp_path, picture):
    run = run_of(tmp_path / "run", "old_photo", "unet")
    call("repair", picture, "-o", tmp_path / "new.png", "--model", run)
    assert read_picture(tmp_path / "new.png").shape == (41, 50, 3)


def test_a_memory_too_small_for_a_picture_is_a_sentence(tmp_path, picture, monkeypatch):
    def full(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr("restereo.inference.bands.restore", full)
    run = run_of(tmp_path / "run", "old_photo", "unet")
    refused(r"old\.png: too large for the memory of cpu; close other programs", "repair", picture, "--model", run)


def test_both_views_are_enlarged(tmp_path, picture):
    run = run_of(tmp_path / "run", "stereo_sr", "feedback_sr", scale=2)
    right = picture.with_name("right.png")
    right.write_bytes(picture.read_bytes())
    call("upscale", picture, right, "--scale", 2, "--model", run, "-o", tmp_path / "out")
    for name in ("old_x2.png", "right_x2.png"):
        assert read_picture(tmp_path / "out" / name).shape == (82, 100, 3)


def test_a_stereo_picture_is_enlarged_into_any_layout(tmp_path):
    left, right, _ = (view[::4, ::4] for view in skimage.data.stereo_motorcycle())
    write_layout([tmp_path / "a.mpo"], LAYOUTS["mpo"], [left, right])
    run = run_of(tmp_path / "run", "stereo_sr", "feedback_sr", scale=2)
    call("upscale", tmp_path / "a.mpo", "--scale", 2, "--model", run)
    assert read_picture(tmp_path / "a_x2_LRF_Full_SBS.png").shape == (250, 744, 3)
    call("upscale", tmp_path / "a.mpo", "--scale", 2, "--model", run, "-o", tmp_path / "b.mpo")
    assert [view.pixels.shape for view in read_views(tmp_path / "b.mpo")] == [(250, 372, 3)] * 2
    refused("the views look swapped", "upscale", tmp_path / "a.mpo", "--scale", 2, "--model", run, "--swap")


def test_one_view_of_a_file_that_holds_two_is_named(tmp_path):
    grey = [luma(smooth_picture(seed, 41, 50)).repeat(3, axis=2) for seed in (3, 4)]
    write_layout([tmp_path / "a.mpo"], LAYOUTS["mpo"], grey)
    for command, kind, model in (("colorize", "colorization", "autoencoder"), ("repair", "old_photo", "unet")):
        run = run_of(tmp_path / command, kind, model)
        said = call(command, tmp_path / "a.mpo", "--model", run)
        assert "a stereo picture (MPO) that holds both views; only one was taken" in said


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_sixteen_bits_are_said_to_be_cut(tmp_path, ending):
    deep = luma(smooth_picture(3, 41, 50)).repeat(3, axis=2).astype(np.uint16) * 257
    file = tmp_path / f"old{ending}"
    cv2.imwrite(str(file), deep)
    said = call("repair", file, "--model", run_of(tmp_path / "run", "old_photo", "unet"))
    assert f"old_repaired{ending}: cut to 8 bits a channel, its source has 16" in said


def test_a_network_of_another_scale_is_refused(tmp_path, picture):
    run = run_of(tmp_path / "run", "stereo_sr", "feedback_sr", scale=2)
    refused("run: enlarges 2 times, not 4; .* or give --scale 2", "upscale", picture, picture, "--model", run)


def test_a_picture_that_has_colours_is_refused_or_noted(tmp_path):
    coloured = written(tmp_path / "new.png", smooth_picture(3, 41, 50))
    run = run_of(tmp_path / "run", "colorization", "autoencoder")
    wording = r"new.png: it has colours of its own, .*; give a grey picture, or go on with --force"
    refused(wording, "colorize", coloured, "--model", run)
    assert not (tmp_path / "new_color.png").exists()
    assert "note: it has colours of its own" in call("colorize", coloured, "--force", "--model", run)
    assert (tmp_path / "new_color.png").exists()
    old = run_of(tmp_path / "old_run", "old_photo", "unet")
    assert "note: it has colours of its own" in call("repair", coloured, "--model", old)


def test_views_that_are_no_pair_are_refused(tmp_path):
    left, right, _ = (view[::2, ::2] for view in skimage.data.stereo_motorcycle())
    files = {name: written(tmp_path / f"{name}.png", view) for name, view in (("left", left), ("right", right))}
    lower = written(tmp_path / "lower.png", np.roll(right, 9, axis=0))
    other = written(tmp_path / "other.png", np.ascontiguousarray(right[::-1]))
    smaller = written(tmp_path / "smaller.png", right[:-2])
    run = run_of(tmp_path / "run", "stereo_sr", "feedback_sr", scale=2)
    for second, wording in (
        (smaller, r"smaller.png: 371x248, but .*left.png is 371x250; both eyes need the same size"),
        (lower, r"left.png and .*lower.png: rows of the two views disagree by .9\.. px; rectify them"),
        (other, r"the views show different scenes \(\d+% of them match\); give the two views of one, or .* --force"),
    ):
        refused(wording, "upscale", files["left"], second, "--scale", 2, "--model", run)
    refused(
        "the views look swapped; give the left eye's first",
        "upscale",
        *reversed(files.values()),
        "--scale",
        2,
        "--model",
        run,
    )
    assert not list(tmp_path.glob("*_x2.png"))


def test_a_result_does_not_overwrite_its_source(tmp_path, picture):
    run = run_of(tmp_path / "run", "colorization", "autoencoder")
    refused("it would overwrite its own source", "colorize", picture, "-o", picture, "--model", run)


def test_the_other_view_is_not_written_over(tmp_path, picture):
    run = run_of(tmp_path / "run", "stereo_sr", "feedback_sr", scale=2)
    second = written(tmp_path / "old_x2.png", smooth_picture(4, 41, 50))
    before = second.read_bytes()
    refused("it would overwrite its own source", "upscale", picture, second, "--scale", 2, "--model", run)
    assert second.read_bytes() == before


@pytest.mark.parametrize("ending", [".mpo", ".ppm", ".avif"])
def test_what_cannot_be_written_becomes_png(tmp_path, ending):
    old = luma(smooth_picture(3, 41, 50)).repeat(3, axis=2)
    more = {"save_all": True, "append_images": [Image.fromarray(old)]} if ending == ".mpo" else {}
    Image.fromarray(old).save(tmp_path / f"two{ending}", **more)
    run = run_of(tmp_path / "run", "old_photo", "unet")
    assert "two_repaired.png" in call("repair", tmp_path / f"two{ending}", "--model", run)


@pytest.mark.parametrize("name", ["y.jps", "y.mpo", "y.pfm"])
def test_a_stereo_file_takes_no_single_picture(tmp_path, picture, name):
    run = run_of(tmp_path / "run", "colorization", "autoencoder")
    wording = f"{name}: '{name[1:]}' is no format for this picture; end the name in"
    refused(wording, "colorize", picture, "-o", tmp_path / name, "--model", run)
    refused(wording, "anaglyph", picture, picture, "-o", tmp_path / name)


def test_networks_of_other_tasks_and_baselines_recover_nothing(tmp_path, picture):
    run = run_of(tmp_path / "run", "colorization", "autoencoder")
    refused("run: trained for task 'colorization', not 'anaglyph'", "recover", picture, "--model", run)
    refused("run: trained for task 'colorization', not 'anaglyph'", "app", "--model", run)
    refused("sgbm: a baseline, which can only be evaluated", "recover", picture, "--model", "sgbm")
    with pytest.raises(UserError, match="trained for task 'colorization', not 'anaglyph'"):
        recover(str(picture), model=str(run))


def test_an_anaglyph_does_not_overwrite_a_view(tmp_path, picture):
    right = written(tmp_path / "r.png", smooth_picture(4, 41, 50))
    before = picture.read_bytes(), right.read_bytes()
    for out in (picture, right):
        refused("it would overwrite its own source", "anaglyph", picture, right, "-o", out)
    assert (picture.read_bytes(), right.read_bytes()) == before


def test_pipes_are_refused_by_every_command(tmp_path, picture):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    run = run_of(tmp_path / "run", "colorization", "autoencoder")
    for command in (["detect"], ["anaglyph", picture, "-o", tmp_path / "a.png"], ["colorize", "--model", run]):
        refused("pipe.png: no regular file", *command, pipe)


def test_a_place_where_no_export_can_be_is_a_sentence(tmp_path, monkeypatch):
    run = run_of(tmp_path / "run", "colorization", "autoencoder")
    (tmp_path / "file").touch()
    refused("file: no folder can be made here", "export", run, "-o", tmp_path / "file")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("restereo.inference.onnx.export", full)
    refused("out: cannot be written .No space left on device.", "export", run, "-o", tmp_path / "out")


def test_what_is_asked_of_films_is_not_ignored_for_a_picture(tmp_path, picture):
    run = run_of(tmp_path / "run", "colorization", "autoencoder")
    refused(
        "--start, --end, --sample, --codec and --crf are for films", "colorize", picture, "--sample", "--model", run
    )


def test_without_a_network_a_sentence_says_how_to_get_one(tmp_path, picture, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("restereo.inference.restore.released", list)
    for command in (["colorize", picture], ["repair", picture], ["upscale", picture, picture]):
        refused(r"no trained network for task .*dvc --wait-for-lock repro train@", *command)
    run = run_of(tmp_path / "run", "colorization", "unet")
    refused("trained for task 'colorization', not 'old_photo'", "repair", picture, "--model", run)


def test_photos_are_measured_by_the_protocol(tmp_path, picture):
    done = call("evaluate", "grey_copy", "--task", "colorization", "--photos", tmp_path)
    assert "old" in done and "mean" in done
    with pytest.raises(UserError, match="measured on photos"):
        CliRunner().invoke(app, ["evaluate", "grey_copy", "--task", "colorization"], catch_exceptions=False)


@pytest.mark.parametrize(
    ("options", "printed"),
    [
        (["--method", "all"], "observes in one way only"),
        (["--jpeg", "80"], "never saved as JPEG; leave it out"),
        (["--json", "nowhere/figures.json"], "nowhere/figures.json: no such folder; make 'nowhere' first"),
    ],
)
def test_what_a_measurement_cannot_do_is_refused_before_it_begins(tmp_path, picture, options, printed):
    asked = ["evaluate", "grey_copy", "--task", "colorization", "--photos", str(tmp_path), *options]
    with pytest.raises(UserError, match=printed):
        CliRunner().invoke(app, asked, catch_exceptions=False)
