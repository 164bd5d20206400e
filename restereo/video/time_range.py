"""Which part of a film is wanted."""

from dataclasses import dataclass
from fractions import Fraction

from restereo.errors import UserError


@dataclass(frozen=True)
class Span:
    """The part of a film from `start` up to, not including, `end`, in seconds from its beginning; None = its end."""

    start: Fraction = Fraction(0)
    end: Fraction | None = None


WHOLE = Span()
LONGEST = 40
"""Characters of a number; exponents are none of its, since 1e400 seconds are more than any clock counts."""


def seconds_of(text: str) -> Fraction:
    """Returns the seconds of a time written as seconds, minutes:seconds or hours:minutes:seconds.

    Raises:
        UserError: It is none of these.

    Example:
        >>> float(seconds_of("1:02:03.5")), float(seconds_of("90"))
        (3723.5, 90.0)
    """
    parts = text.split(":")
    try:
        numbers = [Fraction(part) for part in parts if len(part) <= LONGEST and "e" not in part.lower()]
    except (ValueError, ZeroDivisionError):
        numbers = []
    if not 1 <= len(numbers) == len(parts) <= 3 or min(numbers) < 0 or max(numbers) >= 10**9:
        raise UserError(f"'{text}' is no time; write seconds, minutes:seconds or hours:minutes:seconds.")
    return sum((number * 60**place for place, number in enumerate(reversed(numbers))), Fraction(0))
