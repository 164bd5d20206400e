import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from restereo.cli import main
from restereo.imaging.anaglyph import form
from restereo.methods import METHODS
from restereo.training.trainer import train_recipe
from tests.conftest import smooth_picture
from tests.restereo.training.test_loop import params


@pytest.fixture
def cli(capsys, monkeypatch):
    """The command line in this process: its exit status, and what it printed."""

    def call(*arguments: object) -> SimpleNamespace:
        monkeypatch.setattr(sys, "argv", ["restereo", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=ended.value.code, stdout=printed.out, stderr=printed.err)

    return call


@pytest.fixture(scope="module")
def run(scenes, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    train_recipe(params(), "tiny", scenes, folder / "run", folder / "live", quiet=True)
    return folder / "run"


@pytest.fixture
def pair(tmp_path) -> Path:
    folder = tmp_path / "pairs" / "scene"
    folder.mkdir(parents=True)
    for seed, eye in enumerate(("left", "right")):
        cv2.imwrite(str(folder / f"{eye}.png"), smooth_picture(seed, 40, 48)[..., ::-1])
    return folder


HELP = """
import sys
from typer.testing import CliRunner
from restereo.cli import COMMANDS, app
for command in ([], *([name] for name in COMMANDS)):
    done = CliRunner().invoke(app, [*command, "--help"])
    assert done.exit_code == 0 and (not command or "Example" in done.output), (command, done.output)
print("torch" in sys.modules)
"""


def test_help_shows_an_example_and_loads_no_torch():
    done = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True, check=False)
    assert done.stdout == "False\n", done.stderr


def test_list_names_what_there_is(cli):
    done = cli("list")
    assert "anaglyph_unet" in done.stdout and "sgbm" in done.stdout and "green-magenta-half" in done.stdout


def test_anaglyph_writes_what_form_makes(cli, pair, tmp_path):
    done = cli(
        "anaglyph", pair / "left.png", pair / "right.png", "-o", tmp_path / "a.png", "--method", "amber-blue-half"
    )
    assert done.returncode == 0, done.stderr
    expected = form(smooth_picture(0, 40, 48), smooth_picture(1, 40, 48), METHODS["amber-blue-half"])
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png"))[..., ::-1], expected)


def test_recover_writes_both_views_side_by_side(cli, pair, tmp_path, run):
    cli("anaglyph", pair / "left.png", pair / "right.png", "-o", tmp_path / "a.png")
    options = ["--method", "red-cyan", "--force", "--model", run, "--device", "cpu"]
    done = cli("recover", tmp_path / "a.png", "-o", tmp_path / "sbs.png", *options)
    assert done.returncode == 0, done.stderr
    sbs = cv2.imread(str(tmp_path / "sbs.png"))[..., ::-1]
    assert sbs.shape == (40, 96, 3)
    np.testing.assert_allclose(sbs[:, :48, 0], smooth_picture(0, 40, 48)[..., 0], atol=1)
    np.testing.assert_allclose(sbs[:, 48:, 1:], smooth_picture(1, 40, 48)[..., 1:], atol=1)
    swapped = cli("recover", tmp_path / "a.png", *options, "--swap", "--layout", "pair", "--json")
    assert swapped.returncode == 0, swapped.stderr
    facts = json.loads(swapped.stdout)
    assert facts["method"] == "red-cyan-color-swapped" and facts["first_eye"] == "right"
    assert facts["outputs"] == [str(tmp_path / "a_L.png"), str(tmp_path / "a_R.png")]
    left, right = (cv2.imread(file)[..., ::-1] for file in facts["outputs"])
    np.testing.assert_allclose(right[..., 0], smooth_picture(0, 40, 48)[..., 0], atol=1)
    np.testing.assert_allclose(left[..., 1:], smooth_picture(1, 40, 48)[..., 1:], atol=1)


def test_evaluate_writes_figures_per_scene_and_mean(cli, pair, tmp_path, run):
    done = cli("evaluate", run, "--pairs", pair.parent, "--json", tmp_path / "f.json", "--jpeg", 85)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "f.json").read_text())
    assert figures["what"] == str(run) and figures["jpeg_quality"] == 85
    assert set(figures["scenes"]) == {"scene"}
    for key in ("missing_psnr", "psnr_left", "ssim_right", "ciede2000", "seconds_per_megapixel"):
        assert isinstance(figures["mean"][key], float)
    assert figures["sha256"] in done.stdout


def test_evaluate_shows_every_method_beside_its_own_grey_copy(cli, pair, tmp_path):
    done = cli("evaluate", "identity", "--pairs", pair.parent, "--method", "all", "--json", tmp_path / "f.json")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "f.json").read_text())["methods"]
    assert sorted(rows) == sorted(METHODS)
    assert rows["red-cyan-dubois"]["grey"] is not None  # of both whole views
    done = cli("evaluate", "grey", "--pairs", pair.parent, "-m", "amber-blue", "--json", tmp_path / "one.json")
    assert done.returncode == 0, done.stderr
    one = json.loads((tmp_path / "one.json").read_text())
    assert rows["amber-blue-color"]["grey"] == pytest.approx(one["mean"]["missing_psnr"])
    assert one["file"].endswith("baselines.py") and one["jpeg_quality"] is None


def truncated(folder: Path) -> Path:
    good = folder / "good.png"
    cv2.imwrite(str(good), smooth_picture(0, 64, 64))
    file = folder / "bad.png"
    file.write_bytes(good.read_bytes()[:300])
    return file


def test_bad_input_is_one_sentence_status_2_and_no_trace(cli, pair, tmp_path, run):
    bad = truncated(tmp_path)
    small = tmp_path / "small.png"
    cv2.imwrite(str(small), np.zeros((1, 1, 3), np.uint8))
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    for file in run.iterdir():
        (pickled / file.name).write_bytes(file.read_bytes())
    (pickled / "weights.safetensors").write_bytes(b"\x80\x04K\x01.")
    (tmp_path / "odd.yaml").write_text("sorces: {}\n")
    left, out = pair / "left.png", tmp_path / "out.png"
    cases = [
        (["anaglyph", left, bad, "-o", out], "bad.png"),
        (["anaglyph", left, small, "-o", out], "small.png: 1x1, but left.png is 48x40"),
        (["anaglyph", left, tmp_path / "none.png", "-o", out], "none.png: no such file"),
        (["anaglyph", left, left, "-o", out, "--method", "red-cian"], "did you mean 'red-cyan'"),
        (["anaglyph", left, left, "-o", out, "--method", "magenta-cyan"], "both let blue through"),
        (["anaglyph", left, left], "name its file with -o"),
        (["convert", left], "and then the file to write"),
        (["convert", left, out, "--from", "pair"], "layout 'pair' joins no views"),
        (["anaglyph", left, left, "-o", tmp_path / "out.xyz"], "is no format to write"),
        (["anaglyph", left, left, "-o", tmp_path / "none" / "out.png"], "no such folder"),
        (["detect", bad], "bad.png"),
        (["detect", small], "small.png"),
        (["recover", small, "-o", out, "--model", run], "small.png"),
        (["recover", left, "-o", out, "--model", run, "--layout", "sbz"], "did you mean 'sbs'"),
        (["recover", left, "-o", out, "--model", run, "--sample"], "--codec and --crf are for films only"),
        (["recover", left, "-o", out, "--model", run, "--device", "gpu"], "unknown device 'gpu'"),
        (["recover", left, "-o", left, "--model", run], "overwrite its own source"),
        (["recover", left, small, "-o", out, "--model", run], "one file cannot hold"),
        (["evaluate", pickled, "--pairs", pair.parent], "a pickle could run code"),
        (["evaluate", "gray", "--pairs", pair.parent], "did you mean 'grey'"),
        (["evaluate", "grey", "--pairs", tmp_path / "nowhere"], "nowhere: no such folder"),
        (["train", "x", "--data", tmp_path, "--out", tmp_path / "r", "--params", tmp_path / "odd.yaml"], "'sources'"),
        (["train", "anaglyph_unte", "--data", tmp_path, "--out", tmp_path / "r"], "did you mean 'anaglyph_unet'"),
        (["train", "anaglyph_unet", "--data", tmp_path / "no", "--out", tmp_path / "r"], "index.json: no such file"),
    ]
    before = sorted(tmp_path.rglob("*"))
    for arguments, message in cases:
        done = cli(*arguments)
        assert done.returncode == 2, (arguments, done.stdout, done.stderr)
        assert message in done.stderr, (arguments, done.stderr)
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1, (arguments, done.stderr)
    assert sorted(tmp_path.rglob("*")) == before
