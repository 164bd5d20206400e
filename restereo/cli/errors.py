"""Errors of the library in the command line's own terms: parameters are flags, a training is a command."""

from typing import Final

from restereo.errors import Parameter, Training, UserError

FLAGS: Final = {"out": "-o", "ending": "--format", "layouts": "--layout", "source_layout": "--from"}
"""Of parameters whose flags have other names."""


def message(error: UserError) -> str:
    """Returns the sentence to print.

    Example:
        >>> message(UserError("a plain picture", where="a.png", remedy=("use ", Parameter("force", True))))
        'a.png: a plain picture; use --force.'
        >>> message(UserError("no network", remedy=(Training("colorization_lab"), " or name ", Parameter("model"))))
        'no network; run `dvc --wait-for-lock repro train@colorization_lab` or name --model.'
    """
    return error.message(_worded)


def _worded(part: Parameter | Training) -> str:
    if isinstance(part, Training):
        return f"run `dvc --wait-for-lock repro train@{part.recipe}`"
    flag = FLAGS.get(part.name, f"--{part.name.replace('_', '-')}")
    return flag if part.value is None or part.value is True else f"{flag} {part.value}"
