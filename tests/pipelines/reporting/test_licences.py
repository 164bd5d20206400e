"""Which class a licence is of, and that the strictest wins; `test_register.py` follows it to the model."""

import pytest

from pipelines.licences import ORDER, licence_class, strictest

CLASSES = {
    "public domain": ["CC0", "CC0-1.0", "cc0 1.0 universal", "Unlicense", "no known copyright restrictions"],
    "attribution": ["CC-BY-4.0", "CCBY", "cc_by_4.0", "MIT", "BSD-3-Clause", "Apache-2.0", "ODC-By-1.0", "CC0 + MIT"],
    "share alike": ["CC-BY-SA-4.0", "CCBYSA", "GPL-3.0", "LGPL-2.1", "ODbL", "CC-BY-4.0 + CC-BY-SA-4.0"],
    "no derivatives": ["CC-BY-ND-4.0", "Attribution-NoDerivs"],
    "non-commercial": [
        "CC-BY-NC-4.0", "cc_by_nc_4.0", "CCBYNC", "CC-BY-NC-SA-3.0", "Attribution-NonCommercial", "no commercial use",
        "Not for commercial use", "SUN: research", "BSDS: non-commercial research", "CC0 + CC-BY-NC-4.0",
    ],
    "unknown": [
        "", "  ", "mine", "shot by Bob", "provided by Bob", "unlicensed", "All rights reserved", "use not permitted",
        "CC-BY-NC-4.0, redistribution prohibited", "CC0 + ask Bob", "CC0;",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("meaning", "licence"), [(m, name) for m, names in CLASSES.items() for name in names])
def test_the_class_of_a_licence(meaning: str, licence: str) -> None:
    assert licence_class(licence) == meaning


def test_a_stricter_class_always_wins() -> None:
    assert tuple(CLASSES) == ORDER
    for place, meaning in enumerate(ORDER):
        for freer in ORDER[:place]:
            for pair in ([CLASSES[meaning][0], CLASSES[freer][0]], [CLASSES[freer][0], CLASSES[meaning][0]]):
                assert strictest(pair) == f"{CLASSES[meaning][0] or 'not stated'} ({meaning})"
    assert strictest([]) == strictest(["", "CC-BY-NC-4.0"]) == "not stated (unknown)"
