"""Pictures and folders recovered by a tiny network: what is kept, refused, skipped and said."""

import json
import threading
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from restereo import recover as recover_in_memory
from restereo.errors import UserError
from restereo.image import Image, Metadata
from restereo.imaging.anaglyph import form
from restereo.imaging.detection import Detection, packing_of
from restereo.inference import batch
from restereo.inference import recover as recovering
from restereo.inference.batch import Room
from restereo.inference.recover import RecoverOptions, recover_file, recover_image
from restereo.inference.result import Result
from restereo.io.layouts import LAYOUTS
from restereo.io.read import read_image
from restereo.io.write import encode, write_picture
from restereo.methods import METHODS, parse
from tests.fuzz.trial import restorer

SIZE = 64, 96
SBS = (LAYOUTS["sbs"],)


@pytest.fixture(scope="module")
def network():
    return restorer()


def views(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A textured scene seen 9 px apart; its channels show the same edges, as photographs' do."""
    rng = np.random.default_rng(seed)
    light = rng.integers(20, 256, (16, 30, 1))
    coarse = np.clip(light * [1.0, 0.8, 0.6] + rng.integers(-15, 16, (16, 30, 3)), 0, 255).astype(np.uint8)
    wide = np.asarray(PIL.Image.fromarray(coarse).resize((SIZE[1] + 9, SIZE[0]), PIL.Image.Resampling.BICUBIC))
    return np.ascontiguousarray(wide[:, 9:]), np.ascontiguousarray(wide[:, :-9])


def anaglyph(folder: Path, name: str = "a.png", method: str = "red-cyan-color", seed: int = 0) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    write_picture(file, form(*views(seed), METHODS[method]))
    return file


def test_what_was_observed_is_kept_in_16_bits(network, tmp_path):
    left, right = (view.astype(np.uint16) * 257 + np.uint16(3) for view in views())
    made = np.stack([left[..., 0], right[..., 1], right[..., 2]], axis=-1)
    write_picture(tmp_path / "a.png", made, Metadata(exif=((271, "Maker"),), icc=b""))
    result = recover_file(
        tmp_path / "a.png", [tmp_path / "b.png"], network, RecoverOptions(layouts=SBS, method=parse("red-cyan"))
    )
    assert result.details["bits"] == 16 and (result.details["width"], result.details["height"]) == (96, 64)
    photo = read_image(tmp_path / "b.png")
    assert photo.pixels.dtype == np.uint16 and dict(photo.metadata.exif)[271] == "Maker"
    inside = np.ones(made.shape[:2], bool)
    for channel, there in ((0, photo.pixels[:, :96, 0]), (1, photo.pixels[:, 96:, 1]), (2, photo.pixels[:, 96:, 2])):
        off = np.abs(there.astype(int) - made[..., channel])[inside]
        assert off.max() <= 40  # of 65,535: 1/6 of an 8-bit step


def test_a_grey_anaglyph_stays_grey_unless_asked(tmp_path):
    torch.manual_seed(0)
    network = restorer()
    with torch.no_grad():  # its last layer is zero, and would invent nothing
        for weight in network.model.parameters():
            weight.add_(0.03 * torch.randn_like(weight))
    file = anaglyph(tmp_path, method="red-cyan-grey")
    photo = read_image(file)
    plain, found = recover_image(photo, network, RecoverOptions())
    assert found is not None and found.method == plain.method == parse("red-cyan-grey")
    assert (plain.left == plain.left[..., :1]).all() and (plain.right == plain.right[..., :1]).all()
    for view, observed in ((plain.left, photo.pixels[..., 0]), (plain.right, photo.pixels[..., 1])):
        off = np.abs(view[..., 0].astype(int) - observed)
        assert (off <= 1).mean() > 0.95  # the rest: this network's wild colours, clipped at black or white
    colour, _ = recover_image(photo, network, RecoverOptions(invent_color=True))
    assert np.ptp(colour.left.astype(int), axis=-1).max() > 5


def test_swap_gives_the_first_colour_to_the_right_eye(network, tmp_path):
    photo = read_image(anaglyph(tmp_path))
    swapped, _ = recover_image(photo, network, RecoverOptions(swap=True))
    assert swapped.method == parse("red-cyan-color-swapped")
    np.testing.assert_allclose(swapped.right[..., 0].astype(int), photo.pixels[..., 0], atol=1)
    np.testing.assert_allclose(swapped.left[..., 1:].astype(int), photo.pixels[..., 1:], atol=1)


def test_pictures_that_are_no_anaglyph_are_refused_for_their_reason(network, tmp_path):
    left, right = views()
    refused = {
        "plain.png": (encode([left], ".png", Metadata()), "a plain picture, not an anaglyph"),
        "sbs.png": (encode([np.hstack([left, right])], ".png", Metadata()), "holds both views side by side"),
        "tb.png": (encode([np.vstack([left, right])], ".png", Metadata()), "holds both views one above the other"),
        "stereo.mpo": (encode([left, right], ".mpo", Metadata()), "(MPO) that holds both views"),
        "stereo.jps": (encode([np.hstack([right, left])], ".jps", Metadata()), "holds both views side by side"),
    }
    for name, (content, reason) in refused.items():
        file = tmp_path / name
        file.write_bytes(content)
        with pytest.raises(UserError, match="force") as caught:
            recover_file(file, [tmp_path / "out.png"], network, RecoverOptions())
        assert reason in str(caught.value) and name in str(caught.value)
        assert not (tmp_path / "out.png").exists()
        forced = recover_file(file, [tmp_path / "out.png"], network, RecoverOptions(force=True))
        assert forced.outputs[0].exists()
        forced.outputs[0].unlink()


def test_a_single_view_is_not_taken_for_two():
    assert packing_of(views()[0]) is None and packing_of(np.zeros((90, 90, 3), np.uint8)) is None


def test_a_named_method_other_than_what_is_seen_is_followed_and_noted(network, tmp_path):
    file = anaglyph(tmp_path)
    result = recover_file(file, [tmp_path / "out.png"], network, RecoverOptions(method=parse("green-magenta")))
    assert result.method == parse("green-magenta-color") and "looks like red-cyan" in result.notes[0]


CPU_IS_FULL = RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory")
GPU_IS_FULL = torch.OutOfMemoryError("CUDA out of memory")


@pytest.mark.parametrize("full", [CPU_IS_FULL, GPU_IS_FULL])
def test_bands_of_a_small_memory_give_the_same_views(network, tmp_path, monkeypatch, full):
    picture = read_image(anaglyph(tmp_path)).pixels
    whole = network.restore(Image(picture), parse("red-cyan"))
    calls, done = [], []
    bands = network._bands

    def short_of_memory(picture, operator, band_pixels):
        calls.append(band_pixels)
        yield from bands(picture, operator, 96 * 32)
        if len(calls) == 1:
            raise full

    monkeypatch.setattr(network, "_bands", short_of_memory)
    again = network.restore(Image(picture), parse("red-cyan"), on_progress=done.append)
    assert calls[1] == calls[0] // 2 and sum(done) == picture.shape[0] * picture.shape[1]
    assert np.abs(again.left.astype(int) - whole.left).max() <= 1

    def never(*_):
        raise full
        yield

    monkeypatch.setattr(network, "_bands", never)
    with pytest.raises(UserError, match=r"a\.png: too large for the memory of cpu; close other programs"):
        network.restore(Image(picture, "a.png"), parse("red-cyan"))


def folder_of(tmp_path: Path) -> Path:
    """Three anaglyphs at two levels, a plain picture, a damaged one, and files that are none."""
    folder = tmp_path / "in"
    for seed, name in enumerate(("a.png", "deep/er/b.png", "deep/c.png")):
        anaglyph(folder, name, seed=seed)
    write_picture(folder / "plain.png", views(4)[0])
    (folder / "deep" / "damaged.png").write_bytes((folder / "a.png").read_bytes()[:200])
    (folder / "notes.txt").write_text("hello")
    (folder / ".hidden.png").write_bytes(b"")
    return folder


@pytest.mark.parametrize("workers", [1, 3])
def test_a_folder_keeps_its_shape_and_errors_can_be_skipped(network, tmp_path, workers):
    folder, out = folder_of(tmp_path), tmp_path / "out"
    options = RecoverOptions(layouts=(LAYOUTS["sbs"], LAYOUTS["mpo"]))
    description: list[Result] = []
    jobs = batch.plan([folder], options, out)
    assert len(jobs) == 5
    outcomes = batch.run(jobs, network, options, description.append, workers=workers, skip_errors=True)
    assert outcomes == description
    ended = {str(one.file.relative_to(folder)): one.status for one in outcomes}
    assert ended == dict.fromkeys(["a.png", "deep/er/b.png", "deep/c.png"], "done") | dict.fromkeys(
        ["plain.png", "deep/damaged.png"], "failed"
    )
    stems = [out / "a", out / "deep/c", out / "deep/er/b"]
    expected = sorted(file.with_name(file.name + end) for file in stems for end in (".mpo", "_LRF_Full_SBS.png"))
    assert sorted(file for file in out.rglob("*") if file.is_file()) == expected
    for one in outcomes:
        assert json.loads(json.dumps(one.facts()))["status"] == one.status


def test_without_skipping_the_first_error_ends_it(network, tmp_path):
    folder = folder_of(tmp_path)
    (folder / "a.png").write_bytes(b"broken")
    jobs = batch.plan([folder], RecoverOptions(), tmp_path / "out")
    outcomes = batch.run(jobs, network, RecoverOptions(), lambda _: None, workers=1)
    assert [one.status for one in outcomes] == ["failed"] and "a.png" in str(outcomes[0].error)


def test_an_interruption_is_said_at_once(tmp_path):
    jobs = batch.plan([anaglyph(tmp_path, f"{n}.png") for n in "ab"], RecoverOptions())
    said: list[str] = []

    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch.run(jobs, restorer(), RecoverOptions(), interrupt, workers=1, on_interrupt=lambda: said.append("now"))
    assert said == ["now"]


def test_resume_leaves_what_is_finished_and_redoes_what_changed(network, tmp_path):
    folder = tmp_path / "in"
    for seed, name in enumerate(("a.png", "b.png")):
        anaglyph(folder, name, seed=seed)

    def go() -> dict[str, str]:
        jobs = batch.plan([folder], RecoverOptions())  # results lie beside: they are not taken for new pictures
        return {
            one.file.name: one.status for one in batch.run(jobs, network, RecoverOptions(), lambda _: None, resume=True)
        }

    assert go() == {"a.png": "done", "b.png": "done"}
    assert go() == {"a.png": "skipped", "b.png": "skipped"}
    (folder / "a_LRF_Full_SBS.png").unlink()
    assert go() == {"a.png": "done", "b.png": "skipped"}
    time.sleep(0.01)
    anaglyph(folder, "b.png", seed=7)
    assert go() == {"a.png": "skipped", "b.png": "done"}


def test_planning_refuses_what_cannot_be(tmp_path):
    folder = tmp_path / "in"
    a, other = anaglyph(folder, "a.png"), anaglyph(tmp_path / "other", "a.png")
    cases = [
        ([folder], RecoverOptions(), tmp_path / "x.png", None, "one file cannot hold"),
        ([folder, other], RecoverOptions(), tmp_path / "x.png", None, "one file cannot hold"),
        ([a, other], RecoverOptions(), tmp_path / "out", ".png", "would become it"),
        ([tmp_path / "none"], RecoverOptions(), None, None, "no such file"),
        ([a], RecoverOptions(), a, None, "overwrite its own source"),
        ([a], RecoverOptions(), None, ".heic", "is no format to write"),
    ]
    for paths, options, out, ending, message in cases:
        with pytest.raises(UserError, match=message):
            batch.plan(paths, options, out, ending)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no pictures"):
        batch.plan([tmp_path / "empty"], RecoverOptions())


def test_a_large_picture_is_worked_on_alone():
    room, inside, most = Room(10), [0], [0]
    lock = threading.Lock()

    def work(pixels: int) -> None:
        with room.for_pixels(pixels):
            with lock:
                inside[0] += pixels
                most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            with lock:
                inside[0] -= pixels

    threads = [threading.Thread(target=work, args=(size,)) for size in (4, 25, 4, 4, 25, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert most[0] == 25 and inside[0] == 0


def test_from_restereo_import_recover(network, tmp_path, monkeypatch):
    monkeypatch.setattr(recovering, "loaded_model", lambda *_: network)
    file = anaglyph(tmp_path)
    by_name = recover_in_memory(str(file))
    picture = np.array(PIL.Image.open(file))
    for given in (file, picture, PIL.Image.open(file)):
        np.testing.assert_array_equal(recover_in_memory(given).left, by_name.left)
    assert by_name.left.shape == picture.shape and by_name.method == parse("red-cyan-color")
    with pytest.raises(UserError, match="plain picture"):
        recover_in_memory(views()[0])
    with pytest.raises(UserError, match="neither a file's name"):
        recover_in_memory([1, 2])


def test_a_picture_of_16_bits_that_is_cut_to_8_says_so(network, tmp_path):
    left, right = (view.astype(np.uint16) * 257 for view in views())
    write_picture(tmp_path / "a.png", np.stack([left[..., 0], right[..., 1], right[..., 2]], axis=-1))

    def notes(name: str, file: str) -> list[str]:
        options = RecoverOptions(layouts=(LAYOUTS[name],), method=parse("red-cyan"))
        return list(recover_file(tmp_path / "a.png", [tmp_path / file], network, options).notes)

    for name, file in (("sbs", "b.jpg"), ("jps", "b.jps"), ("anaglyph", "c.png"), ("wiggle", "d.png")):
        assert notes(name, file) == [f"{file}: cut to 8 bits a channel, its source has 16"]
    assert notes("sbs", "b.png") == []


def test_a_named_method_suffices_for_what_looks_plain_and_little_matched_is_noted(network, tmp_path):
    write_picture(tmp_path / "plain.png", views()[0])
    result = recover_file(tmp_path / "plain.png", [tmp_path / "out.png"], network, RecoverOptions(parse("red-cyan")))
    assert result.notes[0] == "it looks like a plain picture"
    assert recovering.doubts(parse("red-cyan"), None, True, 0.54)[0].startswith("only 54% of it could be matched")
    assert recovering.doubts(parse("red-cyan"), None, True, 0.9) == []


def test_a_method_that_is_nearly_as_likely_is_named_unless_a_person_named_one():
    found = Detection(METHODS["red-cyan-color"], 0.5, False, {}, METHODS["red-cyan-half"])
    assert "red-cyan-half" in recovering.doubts(found.method, found, False)[0]
    assert recovering.doubts(found.method, found, True) == []
