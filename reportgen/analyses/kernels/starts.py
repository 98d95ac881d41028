"""What a kernel's search begins with: noise, from as many starts as are cheap."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from reportgen.analyses.common.draws import own_generator
from reportgen.analyses.kernels.ascent import Climber
from reportgen.analyses.kernels.parametrization import Canvas
from reportgen.analyses.kernels.robustness import draw_views
from reportgen.analyses.kernels.schedules import Level, on_small_clips
from reportgen.analyses.kernels.scoring import ClipScoring

_SILENT_STARTS = 3  # of a kernel that noise leaves silent: from some of them its layers before do not wake
_MOST_STARTS = 4  # of any other, on clips so small that all cost a quarter of one on whole clips at most


class Starts:
    """The starts of a layer's kernels in a search of `levels`, each with noise and views of its own."""

    def __init__(self, scoring: ClipScoring, levels: Sequence[Level]) -> None:
        self.scoring, self.first = scoring, levels[0]
        small = on_small_clips(levels)
        #: How many starts are made where several cost a quarter of one on whole clips.
        self.cheap = 1
        if small is not None:
            self.cheap = min(_MOST_STARTS, max(1, math.prod(scoring.shape) // (4 * math.prod(small.shape))))

    def count(self, *, silent: bool) -> int:
        """Return how many starts a kernel has, or one that noise leaves silent."""
        return max(_SILENT_STARTS, self.cheap) if silent else self.cheap

    def of(self, kernel: int) -> int:
        """Return how many starts this kernel has."""
        return self.count(silent=self.scoring.silent[kernel])

    def begin(self, kernel: int, number: int = 0) -> Climber:
        """Return a climber at one of a kernel's starts; at which activation it begins is not asked yet."""
        canvas, noise, generators = self._noise(kernel, number)
        draws = [draw_views(self.scoring.options.steps, generator) for generator in generators]
        parameters = self.scoring.canvas(self.first).parameters_of(canvas.unbounded(noise))
        return Climber(kernel, parameters, torch.stack(draws, dim=1), (), number=number)

    def begun(self, climber: Climber) -> Climber:
        """Return a climber that is one of few to go on, with the activation that it has begun at."""
        canvas, noise, _ = self._noise(climber.kernel, climber.number)
        clips = self.scoring.native(canvas, noise)
        climber.start = self.scoring.gauge(clips, [climber.kernel] * len(clips)).tolist()
        return climber

    def _noise(self, kernel: int, number: int) -> tuple[Canvas, Tensor, list[torch.Generator]]:
        """Return the noise that a kernel's start begins with as parameters `F ...` of a canvas, and what drew it."""
        options, canvas = self.scoring.options, self.scoring.new_canvas(self.first.shape)
        facets = range(number * options.facets, (number + 1) * options.facets)
        generators = [own_generator(options.seed, kernel, facet) for facet in facets]
        noise = torch.stack([canvas.initial(generator, options.contrast) for generator in generators])
        return canvas, noise, generators
