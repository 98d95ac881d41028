"""Which chunk a worker takes next, until all are done.

A worker looks at one group of claims at a time, in an order of its own, and takes the first chunk in the plan's order
that is free and whose needs are done. Of few chunks it looks at all, and takes the one with which the longest way to
the end begins: a long chunk that is begun last keeps one worker busy while the others have nothing to do. Between
chunks it looks at a few that others hold: one that stays silent for a lease is taken over. A worker that finds nothing
free waits, since what is held may come free.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from reportgen.runner.claims.claims import Claim, Claims, Fate, place_of

WATCHED = 8
"""Chunks of others that a worker looks at between two of its own."""

LISTED = 16
"""Groups that a worker without work lists again at a time: hundreds of workers would have a file server list only."""

FEW = 256
"""Chunks of a plan, all of which a worker looks at before it takes one: a report has some sixty."""

_FIRST_WAIT = 0.2


@dataclass(frozen=True)
class QueuedChunk:
    """A chunk of the plan, the chunks that must be done before it, and the seconds that it is expected to take."""

    name: str
    needs: frozenset[str] = frozenset()
    seconds: float = 0.0


class ChunkQueue:
    """Gives one worker chunk after chunk.

    `chunks` are in the plan's order. `wait` is told seconds; `longest_wait` ends the growth of the pauses.
    """

    def __init__(
        self,
        claims: Claims,
        chunks: Sequence[QueuedChunk],
        *,
        wait: Callable[[float], None],
        seed: int,
        longest_wait: float | None = None,
    ) -> None:
        self._claims = claims
        self._wait = wait
        self._longest = claims.rules.lease / 4 if longest_wait is None else longest_wait
        self._random = random.Random(seed)
        self._order = {chunk.name: place for place, chunk in enumerate(chunks)}
        self._needs = {chunk.name: chunk.needs for chunk in chunks if chunk.needs}
        self._needed = frozenset(name for chunk in chunks for name in chunk.needs)
        self._ways = longest_ways(chunks) if len(chunks) <= FEW else None
        self._groups: dict[str, dict[str, str]] = defaultdict(dict)
        for chunk in chunks:
            group, stem = place_of(chunk.name)
            self._groups[group][stem] = chunk.name
        self._open = list(self._groups)
        self._held: dict[str, int] = {}
        self._watched: set[str] = set()
        self._own_failures: set[str] = set()
        self.done: set[str] = set()

    def next(self) -> Claim | None:
        """Return the next chunk for this worker; None when all are done."""
        pause = _FIRST_WAIT
        idle = 0.0
        while True:
            before = len(self.done)
            claim = self._taken_over() or self._free()
            if claim is not None:
                return claim
            if len(self.done) == len(self._order):
                return None
            if len(self.done) > before:
                pause, idle = _FIRST_WAIT, 0.0
                self._reopen(len(self._groups))  # what waited for these may be free now
                continue
            self._wait(pause * self._random.uniform(0.5, 1.0))
            idle += pause
            pause = min(2 * pause, self._longest)
            if idle >= self._longest:
                idle = 0.0
                self._reopen(LISTED)

    def _reopen(self, most: int) -> None:
        """Have groups listed again, at most so many of those in which something is not done yet."""
        groups = [
            group for group, chunks in self._groups.items() if any(name not in self.done for name in chunks.values())
        ]
        self._open = self._random.sample(groups, min(most, len(groups)))

    def finished(self, claim: Claim) -> None:
        """Tell the queue that this worker has done a chunk."""
        self.done.add(claim.chunk)
        self._held.pop(claim.chunk, None)

    def _free(self) -> Claim | None:
        """Return a chunk that nobody has: of few that with the longest way to the end, else one of the first group."""
        if self._ways is not None:
            return self._longest_free(self._ways)
        while self._open:
            # Another group each time: so a worker comes to know what is held everywhere, and can watch it.
            place = self._random.randrange(len(self._open))
            self._open[place], self._open[-1] = self._open[-1], self._open[place]
            group = self._open[-1]
            for name, last in self._looked_at(group):
                claim = self._claims.take(name, last)
                if isinstance(claim, Claim):
                    return claim
            self._open.pop()
        return None

    def _longest_free(self, ways: Mapping[str, float]) -> Claim | None:
        free = [one for group in self._open for one in self._looked_at(group)]
        for name, last in sorted(free, key=lambda one: (-ways[one[0]], self._order[one[0]])):
            claim = self._claims.take(name, last)
            if isinstance(claim, Claim):
                self._open = [group for group in self._open if not self.done.issuperset(self._groups[group].values())]
                return claim
        self._open.clear()
        return None

    def _looked_at(self, group: str) -> Iterable[tuple[str, int]]:
        """Return the chunks of a group that seem free and may be done now, and note what the others are."""
        last, done = self._claims.listed(group)
        free = []
        for stem, name in self._groups[group].items():
            if stem in done:
                self.done.add(name)
                self._held.pop(name, None)
            elif name not in self.done:
                if stem in last:
                    self._held[name] = last[stem]
                elif self._needs.get(name, frozenset()) <= self.done:
                    free.append(name)
        return [(name, 0) for name in sorted(free, key=self._order.__getitem__)]

    def _taken_over(self) -> Claim | None:
        """Return a chunk whose holder is dead, has given it up, or has stopped."""
        for name in self._watched_now():
            # Only where nothing else is left: another worker's try tells more of a failure.
            again = self._own_failures >= self._held.keys()
            found = self._claims.take(name, self._held[name], again=again)
            if isinstance(found, Claim):
                self._watched.discard(name)
                return found
            if found is Fate.ENDED:
                self.done.add(name)
                del self._held[name]
            elif found is Fate.OWN_FAILURE:
                self._own_failures.add(name)
        return None

    def _watched_now(self) -> list[str]:
        """Return the held chunks to look at: a few, and the same ones until they are done, or death would not show.

        Those come first for which others wait.
        """
        self._watched &= self._held.keys()
        missing = WATCHED - len(self._watched)
        if missing > 0 and len(self._held) > len(self._watched):
            others = [name for name in self._held if name not in self._watched]
            self._random.shuffle(others)
            others.sort(key=self._needed.__contains__, reverse=True)
            self._watched.update(others[:missing])
        return sorted(self._watched, key=self._order.__getitem__)


def longest_ways(chunks: Sequence[QueuedChunk]) -> dict[str, float]:
    """Return the seconds of each chunk and of the longest chain of those that wait for it."""
    seconds = {chunk.name: chunk.seconds for chunk in chunks}
    needs = {chunk.name: chunk.needs & seconds.keys() for chunk in chunks}
    ways = dict(seconds)
    for name in reversed([*TopologicalSorter(needs).static_order()]):
        for before in needs[name]:
            ways[before] = max(ways[before], seconds[before] + ways[name])
    return ways
