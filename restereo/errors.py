"""The one exception that a person is meant to read."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """An error that its message alone explains: it names the file or the key, the rule and the fix.

    The command lines print the message without a traceback and exit with status 2.

    Attributes:
        passing: Whether it may pass by itself, so that the same command may succeed later: a server that does not
            answer, a lock that another process holds. A stage then exits with status 75 (EX_TEMPFAIL of sysexits.h).
    """

    def __init__(self, sentence: str, *, passing: bool = False) -> None:
        super().__init__(sentence)
        self.passing = passing


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
