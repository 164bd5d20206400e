"""How pictures are turned and mirrored to stand upright, as a film's display matrix says (ISO/IEC 14496-12 8.2.2)."""

from typing import Any, NamedTuple

import numpy as np

from restereo.image import Picture


class Orientation(NamedTuple):
    """One of the eight ways to lay a rectangle on itself.

    Attributes:
        transpose: Whether rows become columns; before all else.
        flip_rows: Whether the lowest row becomes the uppermost one.
        flip_columns: Whether the rightmost column becomes the leftmost one.
    """

    transpose: bool = False
    flip_rows: bool = False
    flip_columns: bool = False


def orientation_of(frame: Any) -> Orientation:
    """Returns the orientation of a decoded frame (`av.VideoFrame`), to the nearest quarter of a turn.

    Example:
        >>> import av
        >>> orientation_of(av.VideoFrame(4, 4, "rgb24"))
        Orientation(transpose=False, flip_rows=False, flip_columns=False)
    """
    try:
        data = frame.side_data.get("DISPLAYMATRIX")
    except ValueError:  # `av` knows not all kinds of side data, and then gives none
        return of_rotation(frame.rotation)
    return Orientation() if data is None else of_matrix(*np.frombuffer(bytes(data), np.int32)[[0, 1, 3, 4]].tolist())


def of_matrix(a: int, b: int, c: int, d: int) -> Orientation:
    """Returns the orientation of a matrix that shows column p and row q at column ap + cq and row bp + dq.

    Example:
        >>> of_matrix(0, 1, 1, 0), of_matrix(-1, 0, 0, 1)  # mirrored at the diagonal, and at the vertical
        (Orientation(transpose=True, flip_rows=False, flip_columns=False), \
Orientation(transpose=False, flip_rows=False, flip_columns=True))
    """
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(False, d < 0, a < 0)
    return Orientation(True, b < 0, c < 0)


def of_rotation(degrees: float) -> Orientation:
    """Returns the orientation of pictures to be turned anticlockwise.

    Example:
        >>> of_rotation(90) == of_matrix(0, -1, 1, 0)
        True
    """
    turns = round(degrees / 90) % 4
    return Orientation(turns % 2 == 1, turns in {1, 2}, turns in {2, 3})


def upright(picture: Picture, orientation: Orientation) -> Picture:
    """Returns the picture `(H, W, C)`, turned and mirrored.

    Example:
        >>> upright(np.array([[[1], [2]], [[3], [4]]], np.uint8), of_rotation(90))[..., 0].tolist()
        [[2, 4], [1, 3]]
    """
    if orientation == Orientation():
        return picture
    turned = picture.swapaxes(0, 1) if orientation.transpose else picture
    rows, columns = (slice(None, None, -1 if flip else 1) for flip in orientation[1:])
    return np.ascontiguousarray(turned[rows, columns])
