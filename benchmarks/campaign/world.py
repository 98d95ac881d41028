"""A virtual clock for programs that wait: each is a greenlet, and the one whose time comes next goes on.

So hours of 512 workers pass in a minute, and the order of events is the same in every run of one seed.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

from greenlet import getcurrent, greenlet


class KilledError(BaseException):
    """The program was killed: as with kill -9, nothing that it would do at its end is done."""


class World:
    """Programs on one virtual clock, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, greenlet]] = []
        self._number = count()
        self._clock = getcurrent()

    def start(self, program: Callable[[], None], after: float = 0.0) -> None:
        """Let a program begin after so many seconds."""

        def run() -> None:
            try:
                program()
            except KilledError:
                return

        self._push(after, greenlet(run, parent=self._clock))

    def wait(self, seconds: float) -> None:
        """Let so much time pass for the program that asks."""
        self._push(seconds, getcurrent())
        self._clock.switch()

    def run(self) -> None:
        """Run until all programs have ended; raises what one of them raises."""
        while self._events:
            self.now, _, program = heapq.heappop(self._events)
            program.switch()

    def _push(self, seconds: float, program: greenlet) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._number), program))
