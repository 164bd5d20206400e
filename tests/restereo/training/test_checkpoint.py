"""The live checkpoint: whole or not at all, and no one else's."""

import pytest
import torch

from restereo.training.checkpoint import Live

STATE = {"step": 3, "players": {"generator": torch.zeros(1000)}}


def refused(live: Live) -> str:
    message: list[str] = []
    assert live.load(message.append) is None
    return "".join(message)


def test_what_was_saved_last_is_taken_up_without_a_word(tmp_path):
    live, message = Live(tmp_path / "live", "one"), []
    live.save({"step": 2})
    live.save(STATE)
    state = live.load(message.append)
    assert state["step"] == 3 and torch.equal(state["players"]["generator"], torch.zeros(1000))
    assert message == [] and [file.name for file in live.folder.iterdir()] == ["checkpoint.pt"]


def test_none_is_no_news(tmp_path):
    assert refused(Live(tmp_path, "one")) == ""


def test_the_checkpoint_of_another_configuration_is_not_taken_up(tmp_path):
    Live(tmp_path, "one").save(STATE)
    assert refused(Live(tmp_path, "other")) == (
        f"{tmp_path}/checkpoint.pt: of other parameters, data, code or packages; the training starts anew."
    )


def test_a_file_that_is_no_checkpoint_of_ours_is_not_taken_up(tmp_path):
    torch.save({"step": 3}, tmp_path / "checkpoint.pt")
    assert "of other parameters" in refused(Live(tmp_path, "one"))


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_truncated_checkpoint_is_not_taken_up(tmp_path, length):
    live = Live(tmp_path, "one")
    live.save(STATE)
    live.file.write_bytes(live.file.read_bytes()[:length])
    assert refused(live) == f"{live.file}: damaged; the training starts anew."


def test_one_wrong_bit_in_a_weight_is_noticed(tmp_path):
    """`torch.load` reads such a file without a word."""
    live = Live(tmp_path, "one")
    live.save(STATE)
    content = bytearray(live.file.read_bytes())
    content[content.find(bytes(2000)) + 1000] ^= 1
    live.file.write_bytes(content)
    assert refused(live) == f"{live.file}: damaged; the training starts anew."


@pytest.mark.parametrize("place", [*range(0, 80, 7), *range(-600, 0, 7)])
def test_one_wrong_bit_in_the_archive_itself_is_told_or_harmless(tmp_path, place):
    """What zipfile and torch raise then has no common kind."""
    live = Live(tmp_path, "one")
    live.save(STATE)
    content = bytearray(live.file.read_bytes())
    content[place] ^= 1
    live.file.write_bytes(content)
    message: list[str] = []
    state = live.load(message.append)
    if state is None:
        assert message == [f"{live.file}: damaged; the training starts anew."]
    else:
        assert state["step"] == 3 and torch.equal(state["players"]["generator"], STATE["players"]["generator"])


def test_a_kill_while_it_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    live = Live(tmp_path, "one")
    live.save({"step": 2})

    def breaks(state, stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(torch, "save", breaks)
        live.save(STATE)
    assert live.load(pytest.fail) == {"step": 2} and [file.name for file in tmp_path.iterdir()] == ["checkpoint.pt"]
    live.remove()
    assert not live.folder.exists()
