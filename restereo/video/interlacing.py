"""Frames that hold two half pictures of different times become pictures of one time."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any


def deinterlaced(shown: Iterator[tuple[int, Any]], time_base: Fraction) -> Iterator[tuple[int, Any]]:
    """Yields as many frames at the same times; of those that say that they are interlaced, the first half picture.

    ffmpeg's filter `bwdif` fills its missing rows from those around, and from the frames before and after. What comes
    before the first interlaced one does not pass through it.

    Args:
        shown: Ticks and decoded frames (`av.VideoFrame`).
        time_base: Seconds of a tick.
    """
    graph: Any = None
    for ticks, frame in shown:
        if graph is None and not frame.interlaced_frame:
            yield ticks, frame
            continue
        graph = graph or _graph(frame, time_base)
        frame.pts, frame.time_base = ticks, time_base
        graph.push(frame)
        yield from _pulled(graph, time_base)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph, time_base)


def _graph(frame: Any, time_base: Fraction) -> Any:
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=time_base)
    filters = source, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
    graph.link_nodes(*filters).configure()
    return graph


def _pulled(graph: Any, time_base: Fraction) -> Iterator[tuple[int, Any]]:
    import av

    while True:
        try:
            frame = graph.pull()
        except (BlockingIOError, av.error.EOFError):
            return
        yield round(frame.pts * frame.time_base / time_base), frame
