"""Errors of the library in the page's own terms: parameters are what a person clicks on."""

from collections.abc import Sequence
from pathlib import Path

from restereo.errors import FORCE, Parameter, Training, UserError


def message(error: UserError, files: Sequence[Path] = (), box: str = "") -> str:
    """Returns the message as the page has it: without the folders in which uploads lie.

    Args:
        error: What the library raised.
        files: Uploads.
        box: Label of the box that goes on in spite of a doubt.

    Example:
        >>> error = UserError("grey", where="uploads/a.png", remedy=("use ", FORCE))
        >>> message(error, [Path("uploads/a.png")], "Anyway")
        "a.png: grey; use the box 'Anyway'."
    """

    def word(part: Parameter | Training) -> str:
        if isinstance(part, Training):
            return f"run `dvc --wait-for-lock repro train@{part.recipe}`, open this page again"
        return f"the box '{box}'" if part == FORCE else f"`restereo app --{part.name}`"

    text = error.message(word)
    for file in files:
        text = text.replace(str(file), file.name)
    return text
