"""What cool-downs begin and end with: the measured clips of a kernel, and the best of several ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from reportgen.analyses.common.undefined import UNDEFINED
from reportgen.analyses.kernels.ascent import Climber
from reportgen.analyses.kernels.maximum import Maximum
from reportgen.analyses.kernels.parametrization import Canvas
from reportgen.analyses.kernels.scoring import ClipScoring
from reportgen.analyses.kernels.simple_optima import RatedPattern


@dataclass(frozen=True, eq=False)
class End:
    """What a kernel's climb has ended with, facet by facet.

    `worth` is the sum of their objectives, less what the penalties take off them.
    """

    climber: Climber
    facets: tuple[Maximum, ...]
    worth: float

    @property
    def clip(self) -> Tensor:
        """The clip `C T H W` of the first facet."""
        return self.facets[0].clip

    def or_better(self, other: End) -> End:
        """Return the better of two ends of one kernel, this one of two as good, with the time of both."""
        best = other if other.worth > self.worth else self
        seconds = sum(one.seconds for end in (self, other) for one in end.facets) / len(best.facets)
        return replace(best, facets=tuple(replace(one, seconds=seconds) for one in best.facets))


@dataclass(frozen=True, eq=False)
class Begun:
    """What a climber that is about to cool down begins with.

    `reached` are parameters `1 ...` of the best clip so far, which the cool-down may lose: near a threshold, or in few
    steps. `patterns` are the simple ones about what exploration had found, for when it has cooled; `before` is what an
    earlier cool-down ended with.
    """

    reached: Tensor | None = None
    patterns: Sequence[RatedPattern] = ()
    before: End | None = None


class Ends:
    """Measures what climbs on a `canvas` end with, in full precision, on the network itself."""

    def __init__(self, scoring: ClipScoring, canvas: Canvas, notes: tuple[str, ...] = ()) -> None:
        self.scoring, self.canvas, self.notes = scoring, canvas, notes

    def of(self, climber: Climber, reached: Tensor | None = None) -> End:
        """Return what a climber has ended with, or the clip of one facet that it had `reached` before its cool-down.

        These are parameters `1 ...`; a cool-down may lose them: near a threshold, or in few steps.
        """
        began, kernel = time.perf_counter(), climber.kernel
        clips = self.scoring.native(self.canvas, climber.parameters)
        if reached is None:
            activations = self.scoring.measure(clips, [kernel] * len(clips))
        else:
            before = self.scoring.native(self.canvas, reached)
            gauged, other = (self.scoring.gauge(each, [kernel] * len(each)) for each in (clips, before))
            if self._worth(other, before, kernel) > self._worth(gauged, clips, kernel):
                clips, gauged = before, other
            activations = self.scoring.settle(gauged, clips, [kernel] * len(clips))
        worth = self._worth(activations, clips, kernel)
        seconds = (climber.seconds + time.perf_counter() - began) / len(clips)
        facets = tuple(self._maximum(climber, place, clips, activations, seconds) for place in range(len(clips)))
        return End(climber, facets, worth)

    def _maximum(self, climber: Climber, place: int, clips: Tensor, activations: Tensor, seconds: float) -> Maximum:
        start = self.scoring.window.start if self.scoring.window else (0, 0, 0)
        t, y, x = ((at, at + size) for at, size in zip(start, self.scoring.shape, strict=True))
        return Maximum(
            kernel=climber.kernel,
            facet=place,
            clip=clips[place],
            activation=float(activations[place]),
            start=climber.start[place],
            curve=tuple(values[place] for values in climber.curve),
            steps=climber.taken,
            seconds=seconds,
            region=(t, y, x),
            passed_on=self.scoring.target.passed_on,
            notes=(*self.notes, UNDEFINED) if climber.undefined else self.notes,
        )

    def _worth(self, activations: Tensor, clips: Tensor, kernel: int) -> float:
        """Return the objectives of a kernel's clips `F C T H W` together, less what the penalties take off them."""
        pairs = zip(activations, clips, strict=True)
        return sum(float(activation) - self.scoring.penalty(clip[None], kernel) for activation, clip in pairs)
