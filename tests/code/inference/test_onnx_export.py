"""What is exported answers as torch does, at sizes it was not exported at."""

from types import SimpleNamespace

import pytest

pytest.importorskip("onnxruntime", reason="the extra [onnx] is not installed")
pytest.importorskip("onnxscript", reason="the extra [onnx] is not installed")

from restereo.inference import onnx_export
from restereo.tasks.anaglyph import build
from tests.code.inference.test_bands import shaken


@pytest.mark.filterwarnings("ignore")  # of the exporter's own making
@pytest.mark.parametrize(("name", "files"), [("unet", {"network"}), ("parallax", {"descriptor", "colouring"})])
def test_odd_sizes_agree_with_torch(tmp_path, monkeypatch, name, files):
    monkeypatch.setattr(onnx_export, "SIZES", ((33, 47), (40, 64)))
    restorer = SimpleNamespace(model=shaken(name), task=build(), sha256="0", config={"row": {"model": name}})
    written = onnx_export.export(restorer, tmp_path)
    assert {one.file for one in written} == {f"{file}.onnx" for file in files}
    assert all(one.difference <= onnx_export.TOLERANCE for one in written)
    assert (tmp_path / "onnx.json").exists()
