"""Both views of an anaglyph film, frame by frame, and the pictures in which they are shown."""

import numpy as np
from numpy.typing import NDArray

from restereo.image import Picture
from restereo.inference.answer import Views, without_color
from restereo.inference.engine import Restorer
from restereo.io.defaults import GLASSES
from restereo.io.layouts import Layout, arrange
from restereo.methods import METHODS, AnaglyphMethod
from restereo.video.frames import Frames, as_it_is
from restereo.video.segments import State


def anaglyph_frames(
    restorer: Restorer, method: AnaglyphMethod, steady: bool = True, invent_color: bool = False
) -> Frames:
    """Returns what recovers the six channels of each frame; of a grey anaglyph in grey, unless colours are wanted."""
    finish = without_color if method.is_grey and not invent_color else as_it_is
    return Frames(restorer, method, steady, finish)


class FilmViews:
    """Recovers one frame after the other; remembers the last one.

    Attributes:
        frames: What does it.
    """

    def __init__(
        self, restorer: Restorer, method: AnaglyphMethod, steady: bool = True, invent_color: bool = False
    ) -> None:
        """Starts at the beginning of a scene.

        Args:
            restorer: The network.
            method: The film's anaglyph method.
            steady: Whether to hold disparities and colours steady; without, every frame is a picture of its own.
            invent_color: Whether the views of a grey anaglyph get colours.
        """
        self.method, self.frames = method, anaglyph_frames(restorer, method, steady, invent_color)

    def __call__(self, picture: Picture) -> Views:
        """Returns both views of the next frame `(H, W, 3)` uint8."""
        views, answer = self.frames.restore(picture)
        disparity, confidence = (
            None if one is None else one[0].numpy(force=True) for one in (answer.disparity, answer.confidence)
        )
        return Views(views[..., :3], views[..., 3:], self.method, disparity, confidence)


class LaidOut:
    """Recovers frames and lays the views out: a `FrameMaker`."""

    def __init__(self, views: FilmViews, layout: Layout, glasses: AnaglyphMethod = METHODS[GLASSES]) -> None:
        """Starts at the beginning of a scene.

        Args:
            views: Recovers the frames.
            layout: How the views are shown.
            glasses: Method of the anaglyph, for that layout.
        """
        self.views, self.layout, self.glasses = views, layout, glasses

    def __call__(self, picture: Picture) -> Picture:
        """Returns the picture of the next frame."""
        views = self.views(picture)
        maps = views.disparity, views.confidence
        return _plain(arrange(self.layout, views.left, views.right, *maps, glasses=self.glasses)[0])

    def state(self) -> State:
        """Returns what it remembers."""
        return self.views.frames.state()

    def resume(self, state: State) -> None:
        """Makes it remember this."""
        self.views.frames.resume(state)


def _plain(picture: NDArray[np.generic]) -> Picture:
    return np.ascontiguousarray(picture, dtype=np.uint8)
