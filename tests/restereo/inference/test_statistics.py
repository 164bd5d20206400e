"""Figures of recovered pictures are written down only where someone asked, and nothing but figures."""

import json
from pathlib import Path

import pytest

from restereo import catalog
from restereo.errors import UserError
from restereo.evaluation.protocol import judge
from restereo.image import Image
from restereo.inference import statistics
from restereo.inference.engine import Restorer
from restereo.inference.lookup import find_model
from restereo.inference.recover import RecoverOptions, recover_file
from restereo.io.write import write_picture
from restereo.methods import parse
from tests.conftest import small_scene, smooth_picture

FIELDS = {
    "day", "model", "type", "jpeg", "megapixels", "brightness", "contrast", "residual", "match_share",
    "match_correlation", "confidence",
}  # fmt: skip


@pytest.fixture(scope="module")
def restorer() -> Restorer:
    return find_model("anaglyph_parallax")


def test_nothing_is_written_unless_asked(tmp_path: Path, restorer: Restorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(statistics.VARIABLE, raising=False)
    write_picture(tmp_path / "secret.png", smooth_picture(0, 64, 96))
    recover_file(
        tmp_path / "secret.png", [tmp_path / "out.png"], restorer, RecoverOptions(parse("red-cyan"), force=True)
    )
    assert {file.name for file in tmp_path.iterdir()} == {"secret.png", "out.png"}


def test_one_line_of_figures_for_each_picture(
    tmp_path: Path, restorer: Restorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log.jsonl"
    monkeypatch.setenv(statistics.VARIABLE, str(log))
    for number, ending in enumerate(("png", "jpg")):
        file = tmp_path / f"secret.{ending}"
        write_picture(file, smooth_picture(number, 64, 96))
        recover_file(file, [tmp_path / "out.png"], restorer, RecoverOptions(parse("red-cyan"), force=True))
    first, second = map(json.loads, log.read_text().splitlines())
    assert set(first) == FIELDS
    assert (first["type"], first["jpeg"], second["jpeg"]) == ("red-cyan-color", False, True)
    assert first["megapixels"] == pytest.approx(64 * 96 / 1e6, abs=1e-5)
    assert first["model"] == restorer.sha256
    assert 0 < first["brightness"] < 255 and 0 < first["contrast"] < 128
    assert "secret" not in log.read_text() and str(tmp_path) not in log.read_text()


def test_figures_are_those_of_the_protocol(restorer: Restorer) -> None:
    """What drift compares with the test pictures was measured in the same way there."""
    task = catalog.build("task", "anaglyph")
    scene = small_scene(1, 64, 96)
    observation = task.observe(scene.truth)
    judged = judge(restorer, scene, observation, task).figures
    views = restorer.restore(Image(observation.picture), observation.method)
    found = statistics.statistics_of(
        observation.picture, views.left, views.method, False, "", views.residual, views.disparity, views.confidence
    )
    for name in ("residual", "match_share", "match_correlation"):
        assert found[name] == pytest.approx(judged[name], abs=1e-4)


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere/log: cannot be written \(No such file or directory\); correct RESTE"):
        statistics.note(tmp_path / "nowhere" / "log", {})
