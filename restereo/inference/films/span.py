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
        numbers = [Fraction(part) for part in parts]
    except (ValueError, ZeroDivisionError):
        numbers = []
    if not 1 <= len(numbers) <= 3 or min(numbers) < 0:
        raise UserError(f"'{text}' is no time; write seconds, minutes:seconds or hours:minutes:seconds.")
    return sum((number * 60**place for place, number in enumerate(reversed(numbers))), Fraction(0))
