"""Clips of one even colour in place of those found: how much of a kernel's activation no pattern is needed for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from torch import Tensor

from reportgen.analyses.kernels.maximum import Maximum
from reportgen.analyses.kernels.scoring import ClipScoring

_ROUNDING = 1e-6  # of its activation: by as much an even clip may do better by chance
_NEAR = 1e-2  # of its activation: even clips that come so near to it are measured as it was


def held_against_even(scoring: ClipScoring, found: Iterable[Maximum]) -> Iterator[Maximum]:
    """Yield maxima with the activation of the best even clip about theirs, and that clip where it is the better one.

    Even clips are the mean colour of the pixels that the kernel sees and, in the box, the pure colour next to it: what
    is left of a pattern by the last step, or by a sigmoid that never quite arrives, drives no kernel.
    """
    for maximum in found:
        clips = _even(maximum, pure=scoring.options.constraint == "box")
        kernels = [maximum.kernel] * len(clips)
        activations = scoring.gauge(clips, kernels)
        if float(activations.max()) > maximum.activation - _NEAR * abs(maximum.activation):
            activations = scoring.settle(activations, clips, kernels)
        best = int(activations.argmax())
        even = float(activations[best])
        better = even > maximum.activation + _ROUNDING * abs(maximum.activation)
        clip, activation = (clips[best], even) if better else (maximum.clip, maximum.activation)
        yield replace(maximum, clip=clip, activation=activation, even_activation=even)


def _even(maximum: Maximum, *, pure: bool) -> Tensor:
    """Return the even clips `N C T H W`; around what the kernel sees they are as the clip is."""
    seen = (slice(None), *(slice(first, end) for first, end in maximum.region))
    mean = maximum.clip[seen].mean((1, 2, 3), keepdim=True)
    clips = []
    for colour in (mean, mean.round()) if pure else (mean,):
        clip = maximum.clip.clone()
        clip[seen] = colour
        clips.append(clip)
    return torch.stack(clips)
