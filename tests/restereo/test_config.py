from pathlib import Path

import pytest

from restereo.config import load_params
from restereo.errors import UserError
from tests.conftest import ROOT

GOOD = """
sources: {builtin: {}}
tasks: {anaglyph: {sources: [builtin]}}
recipes: {first: {task: anaglyph, model: unet, objective: pixel, train: {steps: 7}}}
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    return file


def test_the_projects_own_parameters_are_valid():
    params = load_params(ROOT / "params.yaml")
    assert params.kinds["anaglyph"] == "anaglyph" and params.kinds["stereo_sr_x4"] == "stereo_sr"
    assert {name for name, row in params.recipes.items() if not row.kind} == set(), "dvc.yaml needs it"


def test_a_recipe_lays_its_values_over_the_common_section(tmp_path):
    params = load_params(written(tmp_path, GOOD))
    assert params.train_of("first").steps == 7
    assert params.train_of("first").batch == params.train.batch


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("sources:", "sorces: {}\nsources:", "unknown key 'sorces': did you mean 'sources'?"),
        ("model: unet", "model: unte", "recipe 'first': unknown model 'unte': did you mean 'unet'?"),
        ("task: anaglyph", "task: anaglyf", "recipe 'first': unknown task 'anaglyf': did you mean 'anaglyph'?"),
        ("objective: pixel", "objective: pxel", "unknown objective 'pxel': did you mean 'pixel'?"),
        ("sources: [builtin]", "sources: [bultin]", "unknown source 'bultin': did you mean 'builtin'?"),
        ("{builtin: {}}", "{builtin: {}, flicker: {}}", "unknown source 'flicker'"),
        ("{builtin: {}}", "{builtin: {}, mine: {kind: foldr}}", "source 'mine': unknown source 'foldr': did you mean"),
        ("steps: 7", "stepps: 7", "unknown key 'recipes.first.train.stepps': did you mean 'steps'?"),
        ("steps: 7", "steps: 0", "'steps': Input should be greater than or equal to 1"),
        ("model: unet", "modle: unet", "did you mean 'model'?"),
        (
            "model: unet",
            "kind: grey, model: unet",
            "'grey', but its task 'anaglyph' is of kind 'anaglyph'; write kind:",
        ),
        ("sources: {builtin", "sources: {{builtin", "not YAML"),
        ("sources: {builtin", "train: {lerning_rate: 1}\nsources: {builtin", "did you mean 'learning_rate'?"),
        ("sources: {builtin", "promotion: {guards: {jepg: 1}}\nsources: {builtin", "did you mean 'jpeg'?"),
        (
            "sources: {builtin",
            "promotion: {slices: {a: {trait: hue}}}\nsources: {builtin",
            "'brightness'",
        ),
        (
            "sources: {builtin",
            "promotion: {slices: {a: {trail: brightness}}}\nsources: {builtin",
            "did you mean 'trait'",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_file_rule_and_fix(tmp_path, old, new, said):
    file = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load_params(file)
    message = str(caught.value)
    assert said in message
    assert message.startswith(str(file)) and "\n" not in message


def test_a_source_may_be_named_after_its_kind_or_not(tmp_path):
    sources = "sources: {builtin: {}, mine: {kind: folder, path: a}, yours: {kind: folder, path: b}}"
    params = load_params(written(tmp_path, GOOD.replace("sources: {builtin: {}}", sources)))
    assert (params.source("builtin").kind, params.source("builtin").options) == ("builtin", {})
    assert (params.source("yours").kind, params.source("yours").options) == ("folder", {"path": "b"})
    with pytest.raises(UserError, match="unknown source 'yurs': did you mean 'yours'"):
        params.source("yurs")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"params\.yaml: no such file; run the command where"):
        load_params(tmp_path / "params.yaml")


def test_an_unknown_recipe_gets_the_nearest(tmp_path):
    with pytest.raises(UserError, match="did you mean 'first'"):
        load_params(written(tmp_path, GOOD)).recipe("frist")
