"""A notification reaches the log always, and the web hook if there is one; the hook's address stays secret."""

import json
from pathlib import Path

import pytest

from pipelines import paths
from pipelines.flows.retraining import HOOK, notify
from restereo.errors import UserError


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_it_is_posted_and_logged(listener: str, posted: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOOK, f"{listener}/200/secret")
    assert "127.0.0.1" in notify("Retraining done:\n2 ran.")
    assert json.loads(*posted) == {"text": "Retraining done:\n2 ran."}
    assert paths.NOTICES.read_text().endswith(" Retraining done: 2 ran.\n")


def test_without_a_hook_the_log_is_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(HOOK, raising=False)
    assert notify("done") == "data/logs/notices.log (RESTEREO_WEBHOOK is not set)"


@pytest.mark.parametrize(("status", "passing"), [(404, False), (429, True), (503, True)])
def test_a_refusal_is_told_without_the_secret(
    listener: str, monkeypatch: pytest.MonkeyPatch, status: int, passing: bool
) -> None:
    monkeypatch.setenv(HOOK, f"{listener}/{status}/secret")
    with pytest.raises(UserError, match=f"answers {status}") as caught:
        notify("done")
    assert caught.value.passing == passing and "secret" not in str(caught.value)


def test_a_hook_that_is_not_there_may_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOOK, "http://127.0.0.1:9/secret")
    with pytest.raises(UserError, match=r"127.0.0.1:9 cannot be reached .* the line is in") as caught:
        notify("done")
    assert caught.value.passing and "secret" not in str(caught.value)
    monkeypatch.setenv(HOOK, "secret")
    with pytest.raises(UserError, match="not an address of http"):
        notify("done")
