"""How much of the clip the centre unit of a layer sees."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.kernels.preactivation import Preactivation, clip_channels, placement
from reportgen.networks.kernels.receptive_field import Geometry

_Size = tuple[int, int, int]


def unit_extent(target: Preactivation, placed: Geometry) -> _Size:
    """Return the extent T, H, W of what the layer's centre unit sees of a clip, in frames and px.

    Where the operations on the way do not tell it (a unit beside the mean of all places, say), it is that of the
    unit's gradient, as a box of the same spread would have it. A network without values is taken to see the clip.
    """
    field = placed.field or placed.frames
    if field is not None:
        t, h, w = (min(reach.size, size) for reach, size in zip(field, target.clip_shape, strict=True))
        return t, h, w
    if target.network.device.type == "meta":
        return target.clip_shape
    generator = torch.Generator().manual_seed(0)
    clip = torch.rand((1, clip_channels(target.network), *target.clip_shape), generator=generator)
    clip = clip.to(**placement(target.network)).requires_grad_()
    try:
        with torch.enable_grad():
            unit = target.maps(clip)[0].movedim(0, -1)[target.centre]
        (gradient,) = torch.autograd.grad(unit, clip, torch.randn(len(unit), generator=generator).to(unit))
    except REFUSALS:  # no gradient leads to the clip: then there is no search either
        return target.clip_shape
    t, h, w = (_spread(gradient.double().square().sum([0, 1, *others])) for others in ((3, 4), (2, 4), (2, 3)))
    return t, h, w


def _spread(energy: Tensor) -> int:
    """Return the length of a box that is spread along an axis as energy is."""
    if not float(energy.sum()) > 0:
        return len(energy)
    share, places = energy / energy.sum(), torch.arange(len(energy), device=energy.device)
    centre = (share * places).sum()
    variance = float((share * (places - centre).square()).sum())
    return min(len(energy), round(math.sqrt(12 * variance + 1)))
