"""When workers that share chunks will be done."""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class TimedChunk:
    """A chunk of a plan with its seconds, and the chunks that must be done before it."""

    name: str
    seconds: float
    needs: frozenset[str] = frozenset()


def seconds_until_done(chunks: Sequence[TimedChunk], workers: int, at_once: float = math.inf) -> float:
    """Return how long so many workers take, each of which takes the first chunk that is free, in the plan's order.

    Where more of them are at work than the machine has place for `at_once`, all of these are slower by as much.
    """
    order = {chunk.name: place for place, chunk in enumerate(chunks)}
    waits = {place: len(chunk.needs & order.keys()) for place, chunk in enumerate(chunks)}
    after: Mapping[str, list[int]] = defaultdict(list)
    for place, chunk in enumerate(chunks):
        for needed in chunk.needs & order.keys():
            after[needed].append(place)
    free = [place for place, count in waits.items() if not count]
    heapq.heapify(free)
    busy: list[tuple[float, int]] = []
    now = worked = 0.0  # seconds that have passed, and those of a chunk that whoever is at work has done in them
    while free or busy:
        while free and len(busy) < workers:
            place = heapq.heappop(free)
            heapq.heappush(busy, (worked + chunks[place].seconds, place))
        slower = max(1.0, len(busy) / at_once)
        ends, done = heapq.heappop(busy)
        now, worked = now + slower * (ends - worked), ends
        for place in after[chunks[done].name]:
            waits[place] -= 1
            if not waits[place]:
                heapq.heappush(free, place)
    return now
