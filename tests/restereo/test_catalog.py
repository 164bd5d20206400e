import ast

import pytest

from restereo import catalog
from restereo.errors import UserError


@pytest.mark.parametrize("kind", catalog.FOLDERS)
def test_every_entry_can_be_built_by_name(kind):
    assert catalog.names(kind)
    for name in catalog.names(kind):
        assert callable(catalog.load(kind, name).build)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UserError, match=r"unknown model 'unett': did you mean 'unet'\?"):
        catalog.load("model", "unett")


def test_an_unknown_option_gets_the_nearest():
    with pytest.raises(UserError, match=r"model 'unet' has no option 'sise': did you mean 'size'\?"):
        catalog.build("model", "unet", 6, 6, sise="tiny")


def test_a_parser_that_another_thread_disturbed_is_asked_again(monkeypatch):
    parse, calls = ast.parse, []

    def disturbed(source):
        calls.append(source)
        if len(calls) == 1:
            raise SystemError("AST constructor recursion depth mismatch (before=96, after=79)")
        return parse(source)

    monkeypatch.setattr(ast, "parse", disturbed)
    assert catalog.declared.__wrapped__("models/parallax.py", "CHANNELS") == (12, 6)
    assert len(calls) == 2
