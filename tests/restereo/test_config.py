import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from restereo import catalog
from restereo.config import load_params
from restereo.errors import UserError
from restereo.tasks import build_task
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
    ("old", "new", "printed"),
    [
        ("sources:", "sorces: {}\nsources:", "unknown key 'sorces': did you mean 'sources'?"),
        ("model: unet", "model: unte", "recipe 'first': unknown model 'unte': did you mean 'unet'?"),
        ("task: anaglyph", "task: anaglyf", "recipe 'first': unknown task 'anaglyf': did you mean 'anaglyph'?"),
        ("objective: pixel", "objective: pxel", "unknown objective 'pxel': did you mean 'pixel'?"),
        ("sources: [builtin]", "sources: [bultin]", "unknown source 'bultin': did you mean 'builtin'?"),
        ("{builtin: {}}", "{builtin: {}, flicker: {}}", "unknown source 'flicker'"),
        ("{builtin: {}}", "{builtin: {}, mine: {kind: foldr}}", "source 'mine': unknown source 'foldr': did you mean"),
        ("steps: 7", "stepps: 7", "unknown key 'recipes.first.train.stepps': did you mean 'steps'?"),
        ("steps: 7", "steps: 0", "'recipes.first.train.steps': Input should be greater than or equal to 1 (it is 0)."),
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
def test_a_mistake_is_one_sentence_that_names_file_rule_and_fix(tmp_path, old, new, printed):
    file = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load_params(file)
    message = str(caught.value)
    assert printed in message
    assert message.startswith(str(file)) and "\n" not in message


def row(task: dict[str, Any], **recipe: Any) -> dict[str, Any]:
    """Parameters with one task, `x`, and one recipe, `r`."""
    return {
        "sources": {"builtin": {}},
        "tasks": {"x": {"sources": ["builtin"]} | task},
        "recipes": {"r": {"task": "x", "model": "unet", "objective": "pixel"} | recipe},
    }


def source(**options: Any) -> dict[str, Any]:
    """Parameters with a source `mine` that has these options."""
    return row({"kind": "anaglyph"}) | {"sources": {"builtin": {}, "mine": options}}


NONSENSE = {
    "a size": (
        row({"kind": "anaglyph"}, model_options={"size": "smal"}),
        "'recipes.r.model_options.size': Input should be 'tiny', 'small', 'fine', 'medium' or 'base' (it is 'smal'); "
        "did you mean 'small'?",
    ),
    "an option of a source": (source(kind="builtin", foo=1), "source 'builtin' has no option 'foo'"),
    "an option of a task": (
        row({"kind": "stereo_sr", "scael": 2}),
        "task 'stereo_sr' has no option 'scael': did you mean 'scale'?",
    ),
    "an option of an objective": (
        row({"kind": "anaglyph"}, objective_options={"squared_wait": 1}),
        "objective 'pixel' has no option 'squared_wait': did you mean 'squared_weight'?",
    ),
    "a degradation": (
        row({"kind": "anaglyph"}) | {"synthesize": {"degradations": {"jpg": 1}}},
        "unknown key 'synthesize.degradations.jpg': did you mean 'jpeg'?",
    ),
    "a chance": (
        row({"kind": "anaglyph"}) | {"synthesize": {"degradations": {"jpeg": 2}}},
        "'synthesize.degradations.jpeg': Input should be less than or equal to 1 (it is 2).",
    ),
    "a row's degradation": (
        row({"kind": "stereo_sr", "degradations": {"jpg": 1}}),
        "unknown key 'tasks.x.degradations.jpg': did you mean 'jpeg'?",
    ),
    "degradations of old photos": (
        row({"kind": "old_photo", "degradations": {}}),
        "'tasks.x.degradations': task 'old_photo' has no option 'degradations'",
    ),
    "degradations of grey": (
        row({"kind": "colorization", "degradations": {}}),
        "'tasks.x.degradations': task 'colorization' has no option 'degradations'",
    ),
    "a scale": (row({"kind": "stereo_sr", "scale": 3}), "'tasks.x.scale': Input should be 2 or 4 (it is 3)."),
    "an amount": (
        row({"kind": "old_photo", "grain": "much"}),
        "'tasks.x.grain': Input should be a valid number (it is 'much').",
    ),
    "no number": (
        row({"kind": "old_photo", "grain": float("nan")}),
        "'tasks.x.grain': Input should be a finite number (it is nan).",
    ),
    "a method": (
        row({"kind": "anaglyph", "methods": {"red-cian": 1}}),
        "'tasks.x.methods': unknown anaglyph method 'red-cian': did you mean 'red-cyan'?",
    ),
    "a method twice": (
        row({"kind": "anaglyph", "methods": {"red-cyan": 1, "red-cyan-color": 1}}),
        "'tasks.x.methods': method 'red-cyan-color' is named twice",
    ),
    "no method": (row({"kind": "anaglyph", "methods": {"red-cyan": 0}}), "at least one weight must be above 0"),
    "channels": (
        row({"kind": "colorization"}, model="parallax"),
        "recipe 'r': model 'parallax' takes 12 channels and gives 6, but its task has 1 and asks for 3; models that "
        "fit: autoencoder, ",
    ),
    "nothing to enlarge": (
        row({"kind": "anaglyph"}, model="naf_sr"),
        "recipe 'r': model 'naf_sr' enlarges, task 'x' does not; take another model.",
    ),
    "two scales": (
        row({"kind": "stereo_sr"}, model="naf_sr", model_options={"scale": 2}),
        "'recipes.r.model_options.scale': it is 2, but the task's is 4; leave it out.",
    ),
    "globs": (
        source(kind="folder", path="a", include="*.png"),
        "'sources.mine.include': Input should be a list (it is '*.png'); write ['*.png'].",
    ),
    "globs of a set": (source(kind="kitti2015", include="*"), "'sources.mine.include': Input should be a list"),
    "no path": (source(kind="folder"), "'sources.mine.path': Field required."),
    "a weight": (
        row({"kind": "anaglyph"}, objective_options={"squared_weight": "much"}),
        "'recipes.r.objective_options.squared_weight': Input should be a valid number (it is 'much').",
    ),
    "yes and no": (
        row({"kind": "anaglyph"}, model_options={"mask": "off"}),
        "'recipes.r.model_options.mask': Input should be a valid boolean (it is 'off'); write true or false, ",
    ),
    "no limit": (row({"kind": "anaglyph"}) | {"drift": {"psi": float("inf")}}, "'drift.psi': Input should be a finite"),
    "no bound": (
        row({"kind": "anaglyph"}) | {"validate": {"min_eye_order": float("nan")}},
        "'validate.min_eye_order': Input should be a finite number (it is nan).",
    ),
    "a dot": (
        {**row({"kind": "anaglyph"}), "recipes": {"r.1": {"task": "x", "model": "unet", "objective": "pixel"}}},
        "'recipes.r.1': a row's name is letters, digits, '_' and '-'; write r_1 (it is 'r.1').",
    ),
    "a slash": ({**row({}), "tasks": {"x/y": {"kind": "anaglyph", "sources": ["builtin"]}}}, "write x_y"),
    "sources": (
        row({}) | {"tasks": {"x": {"souces": ["builtin"]}}},
        "unknown key 'tasks.x.souces': did you mean 'sources'?",
    ),
    "a number in quotes": (
        row({"kind": "anaglyph"}, train={"steps": "7"}),
        "'recipes.r.train.steps': Input should be a",
    ),
    "which weights": (row({"kind": "anaglyph"}, train={"keep": "bets"}), "did you mean 'best'?"),
    "nothing": (None, "Input should be a table (it is None)."),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_one_sentence_before_anything_runs(tmp_path, name):
    values, printed = NONSENSE[name]
    file = written(tmp_path, yaml.safe_dump(values))
    with pytest.raises(UserError) as caught:
        load_params(file)
    message = str(caught.value)
    assert message.startswith(f"{file}: ") and printed in message and "\n" not in message


def test_a_number_is_what_dvc_takes_for_one(tmp_path):
    text = GOOD.replace(
        "objective: pixel", "objective: pixel, objective_options: {squared_weight: 1e-5, ssim_weight: 1}"
    )
    options = load_params(written(tmp_path, text)).recipe("first").objective_options
    assert options == {"squared_weight": 1e-5, "ssim_weight": 1}


def test_checking_parameters_imports_no_network():
    code = "import sys; from restereo.config import load_params; load_params(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("card", sorted((ROOT / "restereo" / "weights").glob("*.json")), ids=lambda file: file.stem)
def test_options_of_released_weights_are_still_known(card):
    config = json.loads(card.read_text())["config"]
    task, stored = build_task(config["task_kind"], config["task_options"]), config["row"]
    catalog.check_fit(stored["model"], (task.channels_in, task.channels_out))
    catalog.check_options("model", stored["model"], stored["model_options"])
    catalog.check_options("objective", stored["objective"], stored["objective_options"])


def test_a_source_may_be_named_after_its_kind_or_not(tmp_path):
    sources = "sources: {builtin: {}, mine: {kind: folder, path: a}, yours: {kind: folder, path: b}}"
    params = load_params(written(tmp_path, GOOD.replace("sources: {builtin: {}}", sources)))
    assert (params.source("builtin").kind, params.source("builtin").options) == ("builtin", {})
    assert (params.source("yours").kind, params.source("yours").options) == ("folder", {"path": "b"})
    with pytest.raises(UserError, match="unknown source 'yurs': did you mean 'yours'"):
        params.source("yurs")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"params\.yaml: no such file; run this where"):
        load_params(tmp_path / "params.yaml")


def test_an_unknown_recipe_gets_the_nearest(tmp_path):
    with pytest.raises(UserError, match="did you mean 'first'"):
        load_params(written(tmp_path, GOOD)).recipe("frist")
