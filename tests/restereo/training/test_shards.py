import numpy as np
import pytest

from restereo import catalog
from restereo.errors import UserError
from restereo.training.shards import Record, Shards, finished, write_split
from tests.conftest import small_scene


def test_what_is_written_is_read_back(scenes):
    shards = Shards(scenes)
    row = shards.rows("validation")[0]
    expected = small_scene(100)
    scene = shards.scene(row)
    assert scene.name == row["name"] == "small-100"
    np.testing.assert_array_equal(scene.truth, expected.truth)
    np.testing.assert_array_equal(scene.disparity, expected.disparity)
    assert scene.occlusion.dtype == np.bool_
    assert shards.observation(row, "jpeg85").jpeg_quality == 85


def test_a_window_is_that_part_of_the_whole(scenes):
    shards = Shards(scenes)
    row = shards.rows("train")[1]
    window = slice(3, 19), slice(5, 37)
    part, whole = shards.scene(row, window), shards.scene(row)
    np.testing.assert_array_equal(part.truth, whole.truth[window])
    np.testing.assert_array_equal(part.disparity, whole.disparity[:, *window])


def test_a_new_shard_begins_at_the_limit(tmp_path):
    records = [Record(small_scene(n), {}, {}) for n in range(5)]
    size = sum(a.nbytes for a in (records[0].scene.truth, records[0].scene.disparity, records[0].scene.occlusion))
    rows = write_split(tmp_path, "train", records, 2 * size)
    assert [row["shard"][-15:-12] for row in rows] == ["000", "000", "001", "001", "002"]


def test_the_same_scenes_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_split(tmp_path / name, "train", [Record(small_scene(n), {}, {}) for n in range(3)], 2**20)
    first, second = (next((tmp_path / name).glob("*.safetensors")).read_bytes() for name in ("a", "b"))
    assert first == second


def test_writing_that_broke_off_goes_on_after_the_last_whole_shard(tmp_path):
    records = [Record(small_scene(n), {}, {"number": n}) for n in range(5)]
    limit = 2 * sum(a.nbytes for a in (records[0].scene.truth, records[0].scene.disparity, records[0].scene.occlusion))
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    rows = write_split(whole, "train", records, limit)

    def breaks():
        yield from records[:3]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_split(broken, "train", breaks(), limit)
    assert finished(broken, "train") == rows[:2]
    assert finished(broken, "validation") == []
    assert write_split(broken, "train", records[2:], limit) == rows
    assert write_split(broken, "train", [], limit) == rows
    assert {f.name: f.read_bytes() for f in broken.iterdir()} == {f.name: f.read_bytes() for f in whole.iterdir()}


def test_a_kill_while_a_shard_is_written_leaves_none(tmp_path, monkeypatch):
    def breaks(arrays, file, metadata):
        file.write_bytes(b"half")
        raise KeyboardInterrupt

    records = [Record(small_scene(n), {}, {}) for n in range(2)]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("restereo.training.shards.save_file", breaks)
        write_split(tmp_path, "train", records, 2**20)
    assert finished(tmp_path, "train") == []
    write_split(tmp_path, "train", records, 2**20)
    assert [file.name for file in tmp_path.iterdir()] == ["train-000.safetensors"]


def test_a_folder_without_index_is_named(tmp_path):
    with pytest.raises(UserError, match=r"index\.json: no such file; give the folder that stage 'synthesize' writes"):
        Shards(tmp_path)


def test_a_scene_smaller_than_the_crop_is_named(scenes):
    from restereo.training.data import Examples

    with pytest.raises(UserError, match=r"scene 'small-0' is 48x40, smaller than train\.crop = 64x64"):
        Examples(Shards(scenes), catalog.build("task", "anaglyph"), (64, 64), 0)
