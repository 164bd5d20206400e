"""What the licence of a picture asks for, read from its name. A help for reading, no legal advice."""

import re
from collections.abc import Iterable

_CLASSES = {
    "public domain": (
        "free of conditions",
        r"cc ?0|public domain|\bunlicense\b|unrestricted|no known copyright",
    ),
    "attribution": (
        "name the authors",
        r"(cc ?|commons |odc )by|\bmit\b|\bbsd\b|apache|\bisc\b|attribution|permitted|\bcite",
    ),
    "share alike": (
        "results under the same licence",
        r"share ?alike|(by ?|\b)sa\b|gpl\b|\bgpl|odbl|copyleft",
    ),
    "no derivatives": (
        "no changed copies",
        r"no ?deriv|(by ?|\b)nd\b",
    ),
    "non-commercial": (
        "no commercial use",
        r"non ?commercial|(by ?|\b)nc\b|research|academic|educational|personal use|evaluation",
    ),
    "unknown": (
        "terms not recognised: read them before any use",
        r"\b(not|never|reserved|proprietary|confidential|prohibited|forbidden|unlicensed)\b",
    ),
}
"""Class -> what it asks for, and what names it; the freest first. What nobody has said counts as the strictest."""
CONDITIONS = {name: asks for name, (asks, _) in _CLASSES.items()}
ORDER = tuple(_CLASSES)


def licence_class(licence: str) -> str:
    """Returns the class of a licence, one of `ORDER`; of several joined by ` + ` or `;`, the strictest.

    Example:
        >>> [licence_class(name) for name in ("CC_BY-NC-SA-3.0", "CC0-1.0", "CC0-1.0 + MIT", "shot by Bob")]
        ['non-commercial', 'public domain', 'attribution', 'unknown']
    """

    def of(name: str) -> str:
        words = re.sub(r"[\W_]+", " ", name.lower())
        words = re.sub(r"\b(not for|no) commercial\b", "noncommercial", words)
        found = [meaning for meaning, (_, pattern) in _CLASSES.items() if re.search(pattern, words)]
        return max(found, key=ORDER.index, default="unknown")

    return max((of(part) for part in re.split(r" \+ |;", licence)), key=ORDER.index)


def strictest(licences: Iterable[str]) -> str:
    """Returns the licence that limits the use most, with its class; what nobody has said counts as the strictest.

    Example:
        >>> strictest(["CC0-1.0", "CC-BY-SA-4.0"])
        'CC-BY-SA-4.0 (share alike)'
        >>> strictest(["CC-BY-NC-4.0", ""]), strictest([])
        ('not stated (unknown)', 'not stated (unknown)')
    """
    worst = max(set(licences), key=lambda name: (ORDER.index(licence_class(name)), name), default="")
    return f"{worst.strip() or 'not stated'} ({licence_class(worst)})"
