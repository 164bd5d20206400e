"""Timing that a busy machine distorts little: what is compared runs in turn, and ratios are taken round by round."""

import statistics
import time
from collections.abc import Callable, Mapping

from restereo.progress import shown

Times = dict[str, list[float]]


def take_turns(
    works: Mapping[str, Callable[[], object]],
    rounds: int,
    title: str,
    clock: Callable[[], float] = time.perf_counter,
) -> Times:
    """Returns the seconds of each work in each round.

    Every second round goes backwards, so that nothing always runs after the same other. One round before the first
    is not counted.

    Args:
        works: What to run, by name.
        rounds: How often.
        title: What the bar says.
        clock: `time.process_time` for works of one thread of this process: it does not run while others do.
    """
    times: Times = {name: [] for name in works}
    for turn in shown(range(-1, rounds), title):
        for name in list(works) if turn % 2 else reversed(list(works)):
            start = clock()
            works[name]()
            if turn >= 0:
                times[name].append(clock() - start)
    return times


def ratio(times: Times, one: str, other: str) -> float:
    """Returns how many times longer `one` takes than `other`: the median over the rounds."""
    return statistics.median(a / b for a, b in zip(times[one], times[other], strict=True))


def best(times: Times, name: str) -> float:
    """Returns the shortest time: the one that others disturbed least."""
    return min(times[name])
