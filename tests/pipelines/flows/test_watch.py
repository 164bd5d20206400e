"""A watched folder is brought in again when its pictures are others, and only then."""

import os
import time
from pathlib import Path

import pytest

from pipelines import paths
from pipelines.flows import watch
from restereo.config import Params, parse_params
from restereo.errors import UserError
from tests.pipelines.stages.test_stages import TINY

STAGES = ["download@mine", "download@builtin", "validate"]


@pytest.fixture
def params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A project that watches `pictures/`, with one old picture in it."""
    monkeypatch.chdir(tmp_path)
    Path("pictures/film").mkdir(parents=True)
    write("pictures/film/a.png")
    paths.raw("mine").mkdir(parents=True)
    (paths.raw("mine") / "index.json").touch()
    sources = {"builtin": {}, "mine": {"kind": "folder", "path": "pictures"}}
    return parse_params(TINY | {"sources": sources})


def write(file: str, text: str = "a") -> None:
    Path(file).write_text(text)


def test_a_folder_counts_once_until_it_changes(params: Params) -> None:
    first = watch.look(params, STAGES, settled=0)
    assert list(first) == ["mine"], "the embedded pictures never change"
    assert watch.look(params, STAGES, settled=0) == first, "not noted: it was not brought in"
    watch.remember(first)
    assert watch.look(params, STAGES, settled=0) == {}
    write("pictures/.hidden")
    assert watch.look(params, STAGES, settled=0) == {}
    assert watch.look(params, ["validate"], settled=0) == {}


@pytest.mark.parametrize("change", ["new", "gone", "other", "moved"])
def test_every_change_is_seen(params: Params, change: str) -> None:
    watch.remember(watch.look(params, STAGES, settled=0))
    picture = Path("pictures/film/a.png")
    if change == "new":
        write("pictures/b.png")
    elif change == "gone":
        picture.unlink()
    elif change == "other":
        picture.write_text("b")
        os.utime(picture, ns=(1, 1))
    else:
        picture.rename("pictures/a.png")
    assert list(watch.look(params, STAGES, settled=0)) == ["mine"]


def test_a_link_that_leads_nowhere_does_not_count(params: Params) -> None:
    before = watch.fingerprint(Path("pictures"))
    Path("pictures/lost.png").symlink_to("nowhere.png")
    Path("pictures/circle.png").symlink_to("circle.png")
    assert watch.fingerprint(Path("pictures")) == before
    Path("pictures/found.png").symlink_to("film/a.png")
    assert watch.fingerprint(Path("pictures")) != before


def test_pictures_that_were_deleted_here_are_brought_in_again(params: Params) -> None:
    watch.remember(watch.look(params, STAGES, settled=0))
    (paths.raw("mine") / "index.json").unlink()
    assert list(watch.look(params, STAGES, settled=0)) == ["mine"]


def test_a_picture_on_its_way_is_waited_for(params: Params) -> None:
    with pytest.raises(UserError, match=r"pictures: a file came \d+ s ago; run again") as caught:
        watch.look(params, STAGES, settled=60)
    assert caught.value.passing
    digest, newest = watch.fingerprint(Path("pictures"))
    assert len(digest) == 64 and abs(newest - time.time()) < 60


def test_a_folder_that_is_not_there_is_named(params: Params) -> None:
    Path("pictures").rename("elsewhere")
    with pytest.raises(UserError, match="pictures: no such folder; check 'path' of the source 'mine'") as caught:
        watch.look(params, STAGES, settled=0)
    assert not caught.value.passing
