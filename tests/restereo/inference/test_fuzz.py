"""Damaged files are recovered or refused with a sentence, and nothing else; `python -m tests.fuzz` tries 2,000."""

import pytest

from tests.fuzz import films
from tests.fuzz.damage import case, seeds
from tests.fuzz.trial import restorer, try_file
from tests.restereo.video import clips


@pytest.fixture(scope="module")
def network():
    return restorer()


@pytest.fixture(scope="module")
def files():
    return seeds()


@pytest.mark.parametrize("first", range(0, 60, 10))
def test_damaged_files(first, files, network, tmp_path):
    for number in range(first, first + 10):
        name, content = case(number, files)
        verdict, message = try_file(name, content, number, tmp_path, network)
        assert verdict in {"recovered", "refused"}, (number, name, verdict, message)


def test_every_whole_seed_is_recovered_or_refused_for_its_reason(files, network, tmp_path):
    refused = {}
    for name, content in files.items():
        verdict, message = try_file(name, content, 5, tmp_path, network)  # an odd number does not force
        assert verdict in {"recovered", "refused"}, (name, verdict, message)
        if verdict == "refused":
            refused[name] = message
    assert "holds both views" in refused["stereo.mpo"] and "holds both views" in refused["stereo.jps"]
    assert "plain picture" in refused["plain.png"] and "16x16 px are needed" in refused["tiny.png"]
    for name in (
        "colour.png",
        "deep.png",
        "deep.tif",
        "colour.jpg",
        "420.jpg",
        "colour.webp",
        "gain-map.mpo",
        "moving.png",
    ):
        assert name not in refused, refused[name]


def test_damaged_films(network, tmp_path):
    whole = films.seeds()
    for number in range(12):
        name, content = films.case(number, whole)
        verdict, message = try_file(name, content, number, tmp_path, network)
        assert verdict in {"recovered", "refused"}, (number, name, verdict, message)


def test_a_film_refused_after_a_look_leaves_nothing_beside_it(network, tmp_path):
    content = clips.make(tmp_path / "a.mp4", [0, 40], sound=False, show=clips.grey).read_bytes()
    verdict, message = try_file("a.mp4", content, 5, tmp_path, network)
    assert verdict == "refused" and "no anaglyph film" in message
