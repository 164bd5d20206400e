"""How much work may be done at the same time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Room:
    """Lets in work up to a number of pixels; more than that only alone."""

    def __init__(self, pixels: int) -> None:
        self._limit, self._used, self._changed = pixels, 0, threading.Condition()

    @contextmanager
    def for_pixels(self, pixels: int) -> Iterator[None]:
        """Waits until there is room, and takes it for as long as the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: not self._used or self._used + pixels <= self._limit)
            self._used += pixels
        try:
            yield
        finally:
            with self._changed:
                self._used -= pixels
                self._changed.notify_all()
