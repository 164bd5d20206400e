"""Stages and edges come from DVC alone."""

from pathlib import Path

import pytest

from pipelines.flows import graph
from restereo.errors import UserError

DOT = 'strict digraph {\n"late";\n"first@a";\n"alone";\n"first@a" -> "late";\n}\n'


def test_stages_are_in_an_order_that_can_run() -> None:
    found = graph.parse(DOT)
    assert set(found.stages) == {"late", "first@a", "alone"}
    assert found.stages.index("first@a") < found.stages.index("late")
    assert found.parents == {"late": ("first@a",), "first@a": (), "alone": ()}


def test_a_glob_brings_what_is_upstream_and_leaves_siblings(project: Path) -> None:
    whole = graph.read()
    assert len(whole.stages) == 8
    chosen = graph.select(whole, "*@anaglyph*")
    assert chosen.stages == ("fetch@a", "fetch@b", "join", "train@anaglyph_x", "register@anaglyph_x")
    assert chosen.parents["join"] == ("fetch@a", "fetch@b")
    assert graph.select(whole, "*").stages == whole.stages


def test_a_glob_without_a_stage_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no stage is called 'lte': did you mean 'late'"):
        graph.select(graph.parse(DOT), "lte")
    with pytest.raises(UserError, match="no target"):
        graph.select(graph.parse(DOT), " ")


def test_a_broken_file_is_one_sentence_with_its_reason(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages:\n  a:\n    cmdx: x\n")
    with pytest.raises(UserError, match=r"^dvc\.yaml: DVC refuses the project: .*cmdx.*; correct what it names\.$"):
        graph.read()


def test_no_project_and_no_dvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no such file"):
        graph.read()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="not installed here; pip install"):
        graph.read()
