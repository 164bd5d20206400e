"""The one exception that a person is meant to read: what is wrong, where, and the remedy, as data."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True)
class Parameter:
    """A parameter of the called function that a remedy speaks of; command line and page call it by their own names.

    Attributes:
        name: Of the function's parameter, such as `force`.
        value: What to set it to; None = that is for the caller to say.

    Example:
        >>> str(Parameter("force", True)), str(Parameter("model"))
        ('force=True', 'model')
    """

    name: str
    value: object = None

    def __str__(self) -> str:
        """Returns how a programmer would write it."""
        return self.name if self.value is None else f"{self.name}={self.value!r}"


@dataclass(frozen=True)
class Training:
    """The training of a recipe, as a remedy; who has a pipeline words the command that does it."""

    recipe: str

    def __str__(self) -> str:
        """Returns it in words."""
        return f"train recipe '{self.recipe}'"


Remedy = str | Parameter | Training
"""A part of the sentence that says what helps."""
FORCE = Parameter("force", True)
OUT = Parameter("out")
MODEL = Parameter("model")


class UserError(ValueError):
    """An error that its message alone explains: it names the file or the key, the rule and the fix.

    The command lines print the message without a traceback and exit with status 2.

    Attributes:
        what: What is wrong; the whole message, if it has no other part.
        where: File, key or picture, or nothing.
        remedy: What helps: words, and the parameters to set.
        passing: Whether it may pass by itself, so that the same command may succeed later: a server that does not
            answer, a lock that another process holds. A stage then exits with status 75 (EX_TEMPFAIL of sysexits.h).

    Example:
        >>> error = UserError("a plain picture", where="a.png", remedy=("if it is an anaglyph, use ", FORCE))
        >>> str(error)
        'a.png: a plain picture; if it is an anaglyph, use force=True.'
        >>> error.message(lambda part: f"the box '{part.name}'")
        "a.png: a plain picture; if it is an anaglyph, use the box 'force'."
    """

    def __init__(
        self, what: str, *, where: object = "", remedy: Remedy | tuple[Remedy, ...] = (), passing: bool = False
    ) -> None:
        self.what, self.where, self.passing = what, str(where), passing
        self.remedy = remedy if isinstance(remedy, tuple) else (remedy,)
        super().__init__(self.message())

    def message(self, word: Callable[[Parameter | Training], str] = str) -> str:
        """Returns one sentence, in which `word` says how parameters and trainings are called."""
        place = f"{self.where}: " if self.where else ""
        remedy = "".join(part if isinstance(part, str) else word(part) for part in self.remedy)
        return f"{place}{self.what}" + (f"; {remedy}." if remedy else "")


def nearest(name: str, known: Iterable[str]) -> str:
    """Returns the end of an error sentence that helps with a misspelt name.

    Example:
        >>> nearest("unte", ["parallax", "unet"])
        "did you mean 'unet'? Known: parallax, unet"
        >>> nearest("zzz", ["parallax", "unet"])
        'known: parallax, unet'
    """
    choices = sorted(known)
    close = similar(name, choices)
    listing = ", ".join(choices) if choices else "(none)"
    return f"did you mean '{close}'? Known: {listing}" if close else f"known: {listing}"


def similar(name: str, known: Iterable[str]) -> str | None:
    """Returns the known name that is most like this one, None if none is.

    Example:
        >>> similar("unte", ["parallax", "unet"])
        'unet'
    """
    close = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return close[0] if close else None
