"""What became of a file that was to be restored, a picture or a film: for programs and for people."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from restereo.errors import UserError
from restereo.methods import AnaglyphMethod


@dataclass(frozen=True)
class Result:
    """How the work on one file ended.

    Attributes:
        file: What was read.
        outputs: The files written; of what was skipped, those that are there.
        status: `skipped` if it was finished before.
        error: Why it failed, or None.
        method: What an anaglyph was taken for; None of other tasks.
        description: What it was taken for, or how much was made, in words.
        details: What else is known of it, for JSON.
        seconds: From reading to having written.
        notes: What a person may want to know.
    """

    file: Path
    outputs: Sequence[Path] = ()
    status: Literal["done", "skipped", "failed"] = "done"
    error: UserError | None = None
    method: AnaglyphMethod | None = None
    description: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    notes: Sequence[str] = ()

    def facts(self, word: Callable[[UserError], str] = str) -> dict[str, Any]:
        """Returns what is known of it, for JSON; `word` says an error."""
        facts: dict[str, Any] = {"file": str(self.file), "status": self.status}
        if self.error is not None:
            return facts | {"error": word(self.error)}
        facts["outputs"] = [str(file) for file in self.outputs]
        if self.status == "skipped":
            return facts
        if self.method is not None:
            facts |= {"method": self.method.name, "first_eye": self.method.first_eye}
        return facts | {**self.details, "seconds": round(self.seconds, 3), "notes": list(self.notes)}

    def message(self, word: Callable[[UserError], str] = str) -> str:
        """Returns it in words; `word` says an error."""
        if self.error is not None:
            return word(self.error)
        if self.status == "skipped":
            return f"{self.file}: skipped, its results are there"
        return "\n  note: ".join([f"{', '.join(map(str, self.outputs))}: {self.description}", *self.notes])
