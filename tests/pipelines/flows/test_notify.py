"""A notification reaches the log always, and the web hook if there is one; the hook's address stays secret."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from pipelines import paths
from pipelines.flows import notify
from restereo.errors import UserError


class Hook(BaseHTTPRequestHandler):
    """Keeps what it is told, and answers with what the path asks for."""

    said: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.said.append(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"])
        self.send_response(int(self.path.rpartition("/")[2]))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.chdir(tmp_path)
    Hook.said.clear()
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/secret"
        server.shutdown()
        thread.join()


def test_it_is_told_and_logged(hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(notify.HOOK, f"{hook}/200")
    assert "127.0.0.1" in notify.notify("Retraining done:\n2 ran.")
    assert Hook.said == ["Retraining done:\n2 ran."]
    assert paths.NOTICES.read_text().endswith(" Retraining done: 2 ran.\n")


def test_without_a_hook_the_log_is_all(hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(notify.HOOK, raising=False)
    assert "RESTEREO_WEBHOOK is not set" in notify.notify("done")
    assert Hook.said == []


@pytest.mark.parametrize(("status", "passing"), [(404, False), (429, True), (503, True)])
def test_a_refusal_is_a_sentence_without_the_secret(
    hook: str, monkeypatch: pytest.MonkeyPatch, status: int, passing: bool
) -> None:
    monkeypatch.setenv(notify.HOOK, f"{hook}/{status}")
    with pytest.raises(UserError, match=f"answers {status}") as caught:
        notify.notify("done")
    assert caught.value.passing == passing and "secret" not in str(caught.value)


def test_a_hook_that_is_not_there_may_come_back(hook: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(notify.HOOK, "http://127.0.0.1:9/secret")
    with pytest.raises(UserError, match=r"127.0.0.1:9 cannot be reached .* the line is in") as caught:
        notify.notify("done")
    assert caught.value.passing and "secret" not in str(caught.value)
    monkeypatch.setenv(notify.HOOK, "secret")
    with pytest.raises(UserError, match="not an address of http"):
        notify.notify("done")
