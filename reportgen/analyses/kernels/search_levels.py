"""The levels of a layer's search, and the smaller clips that the network takes for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch

from reportgen.analyses.common.batching import reduced_precision_pays
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.parameters import LONG_SEARCH
from reportgen.analyses.kernels.schedules import Level, exact_at_last, frame_part, levels, small_shape, unbent
from reportgen.analyses.kernels.scoring import ClipScoring
from reportgen.analyses.kernels.simple_optima import Shape
from reportgen.errors import NetworkError
from reportgen.networks.core.passes import REFUSALS, run_until
from reportgen.networks.kernels.preactivation import clip_channels, placement

PASSES = 3  # a step up costs a forward pass and a backward pass, which is twice a forward pass


class SmallClips:
    """Shapes (T, H, W) of clips smaller than a layer's whole ones; None where there is none that the network takes."""

    def __init__(self, scoring: ClipScoring) -> None:
        self.scoring = scoring

    @cached_property
    def shape(self) -> Shape | None:
        """Clips that just hold what a unit sees."""
        return self._taken(small_shape)

    @cached_property
    def frame_part(self) -> Shape | None:
        """All frames of a part of the frame that holds what a unit sees."""
        return self._taken(frame_part)

    def _taken(self, part: Callable[..., Shape | None]) -> Shape | None:
        field = self.scoring.field
        if field is None:
            return None
        small = part(self.scoring.shape, [axis.size for axis in field], [axis.jump for axis in field])
        return small if small and self._takes(small) else None

    def _takes(self, shape: Shape) -> bool:
        """Return whether the network can be run up to the layer on clips of another shape than its own."""
        network = self.scoring.network
        clip = torch.full((1, clip_channels(network), *shape), 0.5, **placement(network))
        try:
            with torch.no_grad():
                run_until(network, clip, self.scoring.target.layer)
        except (NetworkError, *REFUSALS):
            return False
        return True


def search_levels(scoring: ClipScoring, options: AscentOptions, small: SmallClips) -> tuple[Level, ...]:
    """Return the levels of a search of a layer's kernels."""
    long = PASSES * options.steps * scoring.multiply_adds >= LONG_SEARCH * 1e9
    first = small.frame_part if options.small_first and long and scoring.may_have_rivals else None
    cut = first or (small.shape if options.grow and options.objective != "neuron" else None)
    mixed = options.precision == "mixed" or (
        options.precision == "auto" and reduced_precision_pays(scoring.network.device)
    )
    mixed = mixed and not scoring.target.of_classes  # bfloat16 rounds logits far from 0 coarser than they differ
    paced = levels(
        scoring.shape,
        options.steps,
        small=cut,
        cools_small=first is not None,
        early_stop=options.early_stop,
        reduced_precision=mixed,
    )
    free = unbent(paced, sees_pixels=scoring.sees_pixels, learning_rate=options.learning_rate)
    return exact_at_last(free, sees_pixels=scoring.sees_pixels)
