"""What is printed while a bar stands on the terminal."""

import io
import sys

from restereo.progress import ProgressBar


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_sentence_has_a_line_of_its_own(monkeypatch):
    screen = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", screen)
    with ProgressBar("recovering", 2, "files") as advance:
        advance(1)
        with advance.cleared():
            begin = screen.tell()
            screen.write("a.png: done\n")
        before = screen.getvalue()[:begin]
        advance(1)
    assert "recovering" in before
    assert before.endswith("\x1b[1A\x1b[2K")  # up, and the bar's line is empty
