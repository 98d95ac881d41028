"""A quick copy of a network for what climbs to a kernel's maximum: where it pays, and whether bfloat16 serves it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from reportgen.analyses.common.draws import own_generator
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.preactivation import clip_channels, placement
from reportgen.networks.speed.quick_copy import LEAST_COSINE, NetworkAnswers, likeness_reduced, quick_copy

LEAST_WORK = 2e10
"""Multiply-adds of a search from which a quick copy pays: some tenths of a second."""


def quickened(
    answered: NetworkAnswers, shapes: Sequence[tuple[int, int, int]], *, seed: int, reduced_precision: bool
) -> tuple[Network | None, str | None]:
    """Return a quick copy for passes of clips of `shapes` (T, H, W) to a layer and back, and what bfloat16 does to it.

    The network and the layer are those that `answered`, which is not asked again of the shapes that it knows of. The
    copy is None where the network has none. Its gradient in bfloat16, where steps in `reduced_precision` are meant
    to be taken, is held against the network's in float32 on a clip of the first shape; where they differ, a clause says
    so, and None where they agree. To be called before the network is arranged for a search, and without weight
    gradients.
    """
    generator = own_generator(seed, -2, 0)
    network, layer = answered.network, answered.layer
    channels, where = clip_channels(network), placement(network)
    clips: list[Tensor] = []
    for shape in dict.fromkeys(shapes):
        known = answered.asked_of(shape) if clips else None  # the first is asked back, too
        clips.append(torch.rand((1, channels, *shape), generator=generator).to(**where) if known is None else known)
    quick = quick_copy(network, clips, layer, answered=answered)
    if quick is None or not reduced_precision:
        return quick, None
    likeness = likeness_reduced(answered, quick, layer, clips[0])
    if likeness is None or likeness >= LEAST_COSINE:
        return quick, None
    return quick, f"its gradient has a cosine of {likeness:.2f} with that in float32"
