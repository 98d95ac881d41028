"""How soon a search holds a clip that drives a kernel as much as is asked: it is looked at on its way, off the clock.

The published loop is looked at after some of its steps, by clips that nobody measures on its own way, and is charged
for the steps before. So is ours here: behind each step the kernel's clip is measured as it stands, whole and on the
network itself. The clock stands still meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.machine import clock
from reportgen.analyses.kernels.ascent import Ascent, Climber
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.schedules import Level
from reportgen.analyses.kernels.search import Search
from reportgen.networks.core.network import Network, no_weight_gradients
from reportgen.networks.core.unchanged import leaving_unchanged, require_values
from reportgen.networks.speed.reused_memory import reused_memory
from reportgen.progress import SILENT, Task, TaskInParts


@dataclass(frozen=True)
class Arrival:
    """A clip that drives the compared kernel so much, and what a kernel had cost by then.

    `steps` are those that the call was asked for; `taken` holds the steps of a kernel so far, level by level.
    """

    steps: int
    activation: float
    seconds: float
    taken: tuple[tuple[Level, int], ...]


class _Ended(Exception):  # noqa: N818 (a signal, not an error)
    """Raised when the search is there, or can no longer be there soon enough."""

    def __init__(self, arrival: Arrival | None) -> None:
        super().__init__()
        self.arrival = arrival


class _Looks(TaskInParts):
    """A task that lets somebody look whenever it advances."""

    def __init__(self, task: Task, look: Callable[[], None]) -> None:
        super().__init__(task, 1)
        self.look = look

    def advance(self, steps: float = 1) -> None:
        """Advance the whole, and look."""
        super().advance(steps)
        self.look()


class _LookedAt(Search):
    """A search that ends as soon as its first kernel has arrived at a `goal`, or costs `most` seconds a kernel."""

    goal = float("inf")
    most = float("inf")
    began = 0.0

    def _climbed(self, level: Level, slots: int, task: Task, climbers: Sequence[Climber]) -> Iterator[Climber]:
        self._taken = {**getattr(self, "_taken", {}), level: 0}
        looks = _Looks(task, partial(self._look, level, climbers))
        yield from super()._climbed(level, slots, looks, climbers)

    def _ascent(self, level: Level, slots: int, task: Task, *, silent: bool) -> Ascent:
        ascent = super()._ascent(level, slots, task, silent=silent)
        ascent.block = 1
        return ascent

    def _look(self, level: Level, climbers: Sequence[Climber]) -> None:
        paused = clock(self.network.device)
        own = [climber for climber in climbers if climber.kernel == self.kernels[0]]
        ahead = max((climber.step for climber in own), default=0)
        # Those that have not come as far wait for memory: what was spent so far was spent on the others.
        as_far = {climber.kernel for climber in climbers} - {one.kernel for one in climbers if one.step < ahead}
        seconds = (paused - self.began) / len(as_far | {*self.kernels[:1]})
        if seconds > self.most:
            raise _Ended(None)
        if not ahead:
            return
        self._taken[level] = ahead
        clips = [self.scoring.native(self.scoring.canvas(level), climber.parameters)[:1] for climber in own]
        best = max(float(self.scoring.measure(clip, self.kernels[:1])) for clip in clips)
        if best >= self.goal:
            raise _Ended(Arrival(self.options.steps, best, seconds, tuple(self._taken.items())))
        self.began += clock(self.network.device) - paused


@leaving_unchanged
def arrival(
    network: Network, layer: str, kernels: Sequence[int], goal: float, options: AscentOptions, most: float
) -> Arrival | None:
    """Return when a search for `kernels` has a clip that drives the first one so much.

    None where it ends before it has, or costs more than `most` seconds a kernel.
    """
    began = clock(network.device)
    require_values(network)
    try:
        with reused_memory():
            search = _LookedAt(network, layer, kernels, options)
            search.goal, search.most, search.began = goal, most, began
            with no_weight_gradients(network):
                search.quicken()
            with as_searched(network, search.levels), SILENT.task("", search.most_steps) as task:
                for _ in search.run(task):
                    pass
    except _Ended as ended:
        return ended.arrival
    return None


def soonest(
    network: Network, layer: str, kernels: Sequence[int], goal: float, options: Mapping[str, Any], most: int
) -> Arrival | None:
    """Return the soonest arrival of searches of 4, 8, 16 ... up to `most` steps; None where none arrives.

    A search that costs more than the soonest so far is given up.
    """
    found, steps = None, 4
    while steps <= most:
        limit = float("inf") if found is None else found.seconds
        found = arrival(network, layer, kernels, goal, AscentOptions(**options, steps=steps), limit) or found
        steps *= 2
    return found
