"""The library speaks to programmers: it names parameters, and only cli and app know of flags, buttons and DVC."""

import ast
import pickle
import re

import pytest

import restereo
from restereo.cli.errors import message
from restereo.errors import FORCE, Parameter, Training, UserError
from tests.conftest import ROOT

TALK_OF_TOOLS = re.compile(r"(?<![\w-])--[a-z]|\bwith -[a-z]\b|\bdvc (repro|-)|`make [a-z]|\'make [a-z]")
LIBRARY = [
    file
    for file in sorted((ROOT / "restereo").rglob("*.py"))
    if not {"cli", "app"} & {*file.relative_to(ROOT / "restereo").parts}
]


def test_no_sentence_of_the_library_names_a_flag_or_a_command():
    for file in LIBRARY:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert not TALK_OF_TOOLS.search(node.value), f"{file}:{node.lineno}: {node.value:.200}"


def test_an_error_is_worded_by_who_shows_it():
    error = UserError("too large", where="a.png", remedy=("use ", Parameter("device", "cpu"), " or ", FORCE))
    assert str(error) == "a.png: too large; use device='cpu' or force=True."
    assert message(error) == "a.png: too large; use --device cpu or --force."
    assert "repro train@unet" in message(UserError("none", remedy=Training("unet")))
    again = pickle.loads(pickle.dumps(error))  # as it comes back from another process
    assert (str(again), again.where, again.remedy) == (str(error), error.where, error.remedy)


@pytest.mark.parametrize("name", restereo.__all__)
def test_every_public_name_is_there_and_says_what_it_is(name):
    assert getattr(restereo, name).__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute"):
        _ = restereo.nothing_of_this_name
