"""What is exported answers as torch does, at sizes it was not exported at."""

import json
from types import SimpleNamespace

import pytest

pytest.importorskip("onnxruntime", reason="the extra [onnx] is not installed")
pytest.importorskip("onnxscript", reason="the extra [onnx] is not installed")

from restereo import catalog
from restereo.errors import UserError
from restereo.inference import onnx as onnx_export
from restereo.tasks.anaglyph import Options, build
from tests.restereo.inference.test_bands import shaken


@pytest.mark.filterwarnings("ignore")  # of the exporter's own making
@pytest.mark.parametrize(("name", "files"), [("unet", {"network"}), ("parallax", {"colouring"})])
def test_odd_sizes_agree_with_torch(tmp_path, monkeypatch, name, files):
    monkeypatch.setattr(onnx_export, "SIZES", ((33, 47), (40, 64)))
    restorer = SimpleNamespace(model=shaken(name), task=build(Options()), sha256="0", config={"row": {"model": name}})
    written = onnx_export.export(restorer, tmp_path)
    assert {one.file for one in written} == {f"{file}.onnx" for file in files}
    assert all(one.difference <= onnx_export.TOLERANCE for one in written)
    assert json.loads((tmp_path / "onnx.json").read_text())["flips"] == [[]]


def test_what_is_mirrored_is_told(tmp_path, monkeypatch):
    for name in ("_write", "_compared"):
        monkeypatch.setattr(onnx_export, name, lambda *_: None)
    monkeypatch.setattr(onnx_export, "parts_of", lambda _: [])
    task = catalog.build("task", "old_photo")
    onnx_export.export(SimpleNamespace(task=task, sha256="0", config={"row": {}}), tmp_path)
    assert json.loads((tmp_path / "onnx.json").read_text())["flips"] == [[], [3], [2], [2, 3]]


def test_a_network_that_enlarges_is_refused_before_any_work(tmp_path):
    restorer = SimpleNamespace(task=catalog.build("task", "stereo_sr"), config={"task_kind": "stereo_sr"})
    with pytest.raises(UserError, match="task 'stereo_sr': its networks match while they enlarge"):
        onnx_export.export(restorer, tmp_path / "out")
    assert not (tmp_path / "out").exists()
