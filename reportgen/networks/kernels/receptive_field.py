"""Which part of a clip a unit sees, read off the operations of one forward pass, and the crop that holds it.

The geometry (Araujo et al. 2019, "Computing receptive fields of convolutional neural networks") is followed through
every operation that a network runs, whatever its modules are called. An operation whose reach is not known counts as
seeing everything: then nothing is cropped, and nothing is wrong.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from reportgen.networks.core.passes import REFUSALS, run_until
from reportgen.networks.kernels.preactivation import Preactivation, clip_channels, placement
from reportgen.networks.trace.field_tracer import FieldTracer
from reportgen.networks.trace.fields import Field as TensorField
from reportgen.networks.trace.fields import clip_field


@dataclass(frozen=True)
class Reach:
    """What a layer's unit i sees along one axis: the clip's positions i * jump + low to i * jump + high."""

    jump: int = 1
    low: int = 0
    high: int = 0

    @property
    def size(self) -> int:
        """How many positions a unit sees."""
        return self.high - self.low + 1


Field = tuple[Reach, Reach, Reach]
"""Reach along T, H and W."""


@dataclass(frozen=True)
class Window:
    """A part of the native clip that holds all that one unit sees.

    It begins at `start` (T, H, W), is of `shape`, and in the layer's map of the crop the unit has the index `unit`.
    `start` is a multiple of the layer's stride, so that no padding but the native clip's own reaches the unit.
    """

    start: tuple[int, int, int]
    shape: tuple[int, int, int]
    unit: tuple[int, int, int]

    def slices(self) -> tuple[Any, ...]:
        """Return the index of the window in a clip `... T H W`."""
        return (..., *(slice(at, at + size) for at, size in zip(self.start, self.shape, strict=True)))


def receptive_field(target: Preactivation) -> Field | None:
    """Return the reach of the layer's units along T, H and W, or None when they may see the whole clip.

    Along an axis that the layer's map lacks, as a 2D network's lacks T, the reach is that of the one place there.
    """
    where = placement(target.network)
    try:
        return _traced_field(target, {**where, "device": torch.device("meta")})
    except REFUSALS:  # it asks for values: it is run for real
        return _traced_field(target, where)


def _traced_field(target: Preactivation, where: dict[str, Any]) -> Field | None:
    clip = torch.zeros((1, clip_channels(target.network), *target.clip_shape), **where)
    with torch.no_grad(), FieldTracer() as tracer:
        tracer.mark(clip, clip_field(clip.shape))
        found = tracer.field(run_until(target.network, clip, target.layer))
    return None if found is None else _field(found)


def _field(found: TensorField) -> Field | None:
    """Return the reach per axis of a map `1 K (T) H W`; None where its places are no grid of the clip's."""
    steps = [1.0, 1.0, 1.0]
    for dim in found.dims:
        (factor, *more) = dim
        if more and any(part.axis is not None for part in dim):
            return None
        if factor.axis is not None:
            steps[factor.axis] = factor.step
    if any(factor.axis is not None for dim in found.dims[:2] for factor in dim):
        return None  # frames that are samples of their own
    spans = [(0.0, 0.0) if span is None else span for span in found.spans]
    numbers = [number for step, span in zip(steps, spans, strict=True) for number in (step, *span)]
    if not all(math.isfinite(number) and number == int(number) for number in numbers):
        return None
    t, h, w = (Reach(int(step), int(low), int(high)) for step, (low, high) in zip(steps, spans, strict=True))
    return (t, h, w)


def centre_window(target: Preactivation, field: Field | None) -> Window | None:
    """Return the crop around the layer's centre unit, or None when it would be the whole clip.

    Of a map without the axis T the whole clip is taken.
    """
    if field is None or len(target.map_shape) != 4:
        return None
    start, shape, unit = [], [], []
    for reach, size, units in zip(field, target.clip_shape, target.map_shape[1:], strict=True):
        centre = units // 2
        first = max(0, (centre * reach.jump + reach.low) // reach.jump * reach.jump)
        last = min(size, centre * reach.jump + reach.high + 1)
        start.append(first)
        shape.append(last - first)
        unit.append(centre - first // reach.jump)
    if tuple(shape) == target.clip_shape:
        return None
    return Window((start[0], start[1], start[2]), (shape[0], shape[1], shape[2]), (unit[0], unit[1], unit[2]))
