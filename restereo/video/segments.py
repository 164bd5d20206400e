"""The unfinished film beside the finished one: encoded segments, and what the next segment needs to know.

A segment's file holds packets; the state after it is written first, so where a segment stands, its state stands too.
"""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from restereo.errors import UserError
from restereo.io.atomic import replacing
from restereo.video.reader import Film
from restereo.video.writer import EncodedPacket

SEGMENT_PIXELS = 48_000_000
"""About what a kill costs at most; the longest segment has 48 frames, the shortest 12."""
State = dict[str, NDArray[Any]]


class Segments:
    """The folder `.<name>.parts` beside a film that is being made."""

    def __init__(self, out: Path, origin: Mapping[str, Any]) -> None:
        """Opens the folder of an unfinished film, or begins a new one if it was of another origin.

        Args:
            out: The film to be.
            origin: All that decides its bytes; JSON.

        Raises:
            UserError: It cannot be written there; so in all that keeps something.
        """
        self.folder = out.with_name(f".{out.name}.parts")
        text = json.dumps(origin, indent=2, sort_keys=True)
        note = self.folder / "origin.json"
        if not (note.is_file() and note.read_text(encoding="utf-8") == text):
            shutil.rmtree(self.folder, ignore_errors=True)
            try:
                self.folder.mkdir(exist_ok=True)
            except OSError as error:
                what = f"cannot be written ({error.strerror} beside it)"
                raise UserError(what, where=out, remedy="free space or name another place") from error
            try:
                _write(note, text.encode())
            except UserError:
                self.remove()
                raise

    def note(self, name: str) -> dict[str, Any] | None:
        """Returns what `keep_note` kept, or None."""
        file = self.folder / f"{name}.json"
        content: dict[str, Any] | None = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
        return content

    def keep_note(self, name: str, content: Mapping[str, Any]) -> None:
        """Keeps something that need not be found out again."""
        _write(self.folder / f"{name}.json", json.dumps(content).encode())

    def finished(self) -> int:
        """Returns how many segments are finished and followed by a state to go on from."""
        number = 0
        while _load(self._file(number)) is not None:
            number += 1
        while number and _load(self._state_file(number - 1)) is None:
            number -= 1
        return number

    def state(self, number: int) -> State:
        """Returns the state after segment `number`.

        Raises:
            UserError: It cannot be read.
        """
        return _read(self._state_file(number))

    def save(self, number: int, packets: list[EncodedPacket], state: State) -> None:
        """Keeps a finished segment, and the state after it."""
        content: State = {
            "data": np.frombuffer(b"".join(one.data for one in packets), np.uint8),
            "sizes": np.array([len(one.data) for one in packets], np.int64),
            "times": np.array([(one.pts, one.duration, one.key) for one in packets], np.int64).reshape(-1, 3),
        }
        _write(self._state_file(number), _packed({**state, "empty": np.zeros(1, np.uint8)}))
        _write(self._file(number), _packed(content))
        if number > 1:
            self._state_file(number - 2).unlink(missing_ok=True)

    def packets(self, count: int) -> Iterator[EncodedPacket]:
        """Yields the packets of the first `count` segments, in decoding order, timed as one film.

        Raises:
            UserError: A segment cannot be read.
        """
        contents = (_read(self._file(number)) for number in range(count))
        decoding = iter(decoding_times(np.concatenate([content["times"][:, 0] for content in contents])))
        for number in range(count):
            content = _read(self._file(number))
            ends, data = np.cumsum(content["sizes"]), content["data"].tobytes()
            for end, size, (pts, duration, key) in zip(ends, content["sizes"], content["times"], strict=True):
                yield EncodedPacket(data[end - size : end], int(pts), next(decoding), int(duration), bool(key))

    def remove(self) -> None:
        """Deletes the folder: the film is finished, or not begun."""
        shutil.rmtree(self.folder, ignore_errors=True)  # what cannot be deleted is no reason to lose the film

    def _file(self, number: int) -> Path:
        return self.folder / f"segment-{number:06d}.safetensors"

    def _state_file(self, number: int) -> Path:
        return self.folder / f"state-{number:06d}.safetensors"


def decoding_times(shown: NDArray[np.int64]) -> list[int]:
    """Returns when each packet is to be decoded: ascending, never after it is shown.

    Each segment's encoder counts from before its first frame, so segments overlap; over the whole film, packets are
    decoded at the times at which frames are shown, so many frames earlier as their order differs. The first is as long
    before its showing as the last one, because MP4 takes the length of a film from these times.

    Args:
        shown: `(N,)` ticks at which the packets are shown, in decoding order.

    Example:
        >>> decoding_times(np.array([0, 30, 10, 20]))
        [-10, 0, 10, 20]
    """
    ascending = np.sort(shown)
    ahead = int((np.arange(len(shown)) - np.searchsorted(ascending, shown)).max(initial=0))
    lead = max(ahead, int(ascending[-1] - ascending[-1 - ahead])) if len(shown) else 0
    before = [int(ascending[0]) - lead * (ahead - place) // ahead for place in range(ahead)]
    return [*before, *(int(at) for at in ascending[: len(shown) - ahead])]


def _load(file: Path) -> dict[str, NDArray[Any]] | None:
    try:
        content: dict[str, NDArray[Any]] = load_file(file)
    except (OSError, SafetensorError):
        return None
    return content


def _read(file: Path) -> dict[str, NDArray[Any]]:
    """Returns what is in a file that was there a moment ago: without it the film would be another, and nobody told."""
    content = _load(file)
    if content is None:
        fix = "run the same command again, it makes anew what is missing"
        raise UserError("cannot be read", where=file, remedy=fix)
    return content


def _packed(arrays: State) -> bytes:
    """Returns the bytes of a safetensors file: its writer (0.8) stores memory as it lies, whatever the strides."""
    packed: bytes = save({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    return packed


def _write(file: Path, content: bytes) -> None:
    try:
        with replacing(file) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        fix = "free space and run the same command again, or name another place"
        raise UserError(f"cannot be written ({error.strerror})", where=file, remedy=fix) from error


def segment_length(film: Film) -> int:
    """Returns how many frames a segment has: a function of the film alone."""
    return min(48, max(12, round(SEGMENT_PIXELS / (film.width * film.height))))


def origin_of(film: Film, options: Mapping[str, Any], maker: Mapping[str, Any]) -> dict[str, Any]:
    """Returns all that decides the bytes of the film to be made; JSON.

    Args:
        film: The original: its file, size, time and ends tell it from others.
        options: What is wanted of it.
        maker: What decides the pictures, the code that makes them included; JSON.
    """
    import av
    import cv2
    import torch

    facts = film.file.stat()
    with film.file.open("rb") as stream:
        ends = stream.read(1 << 20)
        stream.seek(max(0, facts.st_size - (1 << 20)))
        ends += stream.read()
    return {
        "file": str(film.file.resolve()),
        "size": facts.st_size,
        "changed": facts.st_mtime_ns,
        "sha256_of_ends": hashlib.sha256(ends).hexdigest(),
        "options": {name: str(value) for name, value in options.items()},
        "maker": dict(maker),
        "segment": segment_length(film),
        **{module.__name__: module.__version__ for module in (av, cv2, np, torch)},
    }


@contextlib.contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keeps other processes of this machine from making the same film, for as long as the block runs.

    Raises:
        UserError: Another process makes it.
    """
    name = hashlib.sha256(os.fsencode(out.resolve())).hexdigest()[:16]
    try:
        with FileLock(str(Path(tempfile.gettempdir()) / f"restereo-{name}.lock"), blocking=False):
            yield
    except Timeout:
        raise UserError("another run is making this film", where=out, remedy="wait for it, or name another") from None
