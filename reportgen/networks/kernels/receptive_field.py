"""Which part of a clip a unit sees, read off the operations of one forward pass, and the crop that holds it.

The geometry (Araujo et al. 2019, "Computing receptive fields of convolutional neural networks") is followed through
every operation that a network runs, whatever its modules are called. An operation whose reach is not known counts as
seeing everything: then nothing is cropped, and nothing is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reportgen.networks.core.passes import REFUSALS, run_until
from reportgen.networks.kernels.arrangement import PLAIN
from reportgen.networks.kernels.layers import is_layer
from reportgen.networks.kernels.preactivation import Preactivation, clip_channels, placement
from reportgen.networks.speed.precision import full_precision
from reportgen.networks.trace.backward import reached
from reportgen.networks.trace.bounds import Bounds
from reportgen.networks.trace.field_tracer import FieldTracer
from reportgen.networks.trace.seen import AXES, Seen, clip_seen


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
class Geometry:
    """How a layer's units lie on the clip: their `field`, if it is one and the same for all, and whole `steps`.

    `steps` (T, H, W) are those of the layers on the way there that do not overlap, as tubelets and patches: a shift of
    the clip by anything else shows such a layer other pieces of it. Of the first layer they are its strides, where no
    pixel is left out. They are the clip's own size where a layer weighs all of its places at once, as the first linear
    layer of a classifier may: to it each place is another. 1 where there are none of these. `first`: whether no other
    layer lies between it and the clip: each stream of a network has a first layer. `frames`: the reach of its units
    where it is given single frames, as samples or one after another, and sees each of them in the same way.
    """

    field: Field | None
    steps: tuple[int, int, int]
    first: bool = False
    frames: Field | None = None


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

    Along an axis that the layer's map lacks, as a 2D network's lacks T, the reach is that of the one place there. Of
    a layer that is given frames as samples, or called several times, it is not told.
    """
    return geometry(target).field


def geometry(target: Preactivation) -> Geometry:
    """Return how the layer's units lie on the clip."""
    where = placement(target.network)
    try:
        return _traced(target, {**where, "device": torch.device("meta")})
    except REFUSALS:  # it asks for values: it is run for real
        return _traced(target, where)


@dataclass(frozen=True, eq=False)
class _Ran:
    """A layer that ran: the step of the pass that made what it put out, if that is known, and its steps (T, H, W).

    `whole` says along which axes these are the clip's size, for it weighs all of its places at once.
    """

    module: nn.Module
    node: Any
    steps: tuple[int, ...]
    whole: tuple[bool, ...]


def _traced(target: Preactivation, where: dict[str, Any]) -> Geometry:
    clip = torch.zeros((1, clip_channels(target.network), *target.clip_shape), **where)
    without_values = clip.is_meta
    if without_values:  # what leads where is kept at no cost
        clip = clip.requires_grad_().clone()
    ran: list[_Ran] = []

    def note(module: nn.Module, args: Any, output: Any) -> None:
        if not isinstance(output, Tensor):
            return
        given = tracer.known(args[0]) if args and isinstance(args[0], Tensor) else None
        seen = [tracer.known(output).along(axis) for axis in AXES[1:]]
        pairs = zip(AXES[1:], seen, strict=True)
        whole = tuple(given is not None and _weighs_places(given.along(axis), one) for axis, one in pairs)
        sizes = zip(whole, target.clip_shape, map(_tile, seen), strict=True)
        ran.append(_Ran(module, output.grad_fn, tuple(size if all_ else tile for all_, size, tile in sizes), whole))

    with ExitStack() as stack, torch.set_grad_enabled(without_values), FieldTracer() as tracer:
        for module in filter(is_layer, target.network.module.modules()):
            stack.callback(module.register_forward_hook(note).remove)
        tracer.mark(clip, clip_seen(clip.shape))
        output = run_until(target.network, clip, target.layer)
        found = tracer.known(output)
    passed = _on_the_way(ran, output.grad_fn)
    steps = [1, 1, 1]
    for one in passed:
        own = zip(steps, one.steps, one.whole, strict=True)
        steps = [new if whole else math.lcm(step, new) for step, new, whole in own]
    first = [one.module for one in passed[:1]] == [target.network.module.get_submodule(target.layer)]
    if first:
        steps = [math.lcm(step, _phases(found.along(axis))) for step, axis in zip(steps, AXES[1:], strict=True)]
    whole = (steps[0], steps[1], steps[2])
    if target.calls == (PLAIN,):
        return Geometry(_field(found), whole, first)
    return Geometry(None, whole, first, _field_of_frames(found))


def _on_the_way(ran: Sequence[_Ran], end: Any) -> list[_Ran]:
    """Return the layers that led to an output, made by the step `end`, in their order; all where it is not known."""
    if end is None:
        return list(ran)
    behind = {end, *reached([end], [one.node for one in ran if one.node is not None], through=True)}
    return [one for one in ran if one.node in behind]


def _weighs_places(given: Bounds | None, seen: Bounds | None) -> bool:
    """Return whether a layer has weights of their own for the places that it is `given`, all of which it puts in one.

    What it puts out may have many places, if each of them has seen the same.
    """
    if given is None or seen is None or not given.placed:
        return False
    places = [len(np.unique(one.cells.reshape(2, -1), axis=1).T) for one in (given, seen)]
    return places[0] > 1 and places[1] == 1


def _phases(bounds: Bounds | None) -> int:
    """Return the stride of the units of a layer whose windows overlap or touch; else 1.

    The pixels that such units read with one weight lie a stride apart: shifted by anything else, a clip shows each of
    them with other weights, and what is best for all shifts together is good for none.
    """
    reach = _reach(bounds)
    return abs(reach.jump) if reach is not None and reach.size >= abs(reach.jump) else 1


def _tile(bounds: Bounds | None) -> int:
    """Return the length of the stretches that a layer's units see, where these lie side by side; else 1."""
    if bounds is None or not np.isfinite(bounds.cells).all():
        return 1
    starts, ends = np.unique(bounds.cells.reshape(2, -1), axis=1)
    length = ends[0] - starts[0] + 1
    side_by_side = len(starts) > 1 and bool((ends - starts + 1 == length).all() and (np.diff(starts) == length).all())
    return int(length) if side_by_side else 1


def _field(found: Seen) -> Field | None:
    """Return the reach per axis of a map `1 K (T) H W`; None where its places are no even grid of the clip's."""
    reaches = [_reach(found.along(axis)) for axis in AXES[1:]]
    t, h, w = reaches
    return None if t is None or h is None or w is None else (t, h, w)


def _field_of_frames(found: Seen) -> Field | None:
    """Return the reach of what one call makes of single frames; None where a unit sees several, or the whole frame."""
    time, down, right = (found.along(axis) for axis in AXES[1:])
    h, w = _reach(down), _reach(right)
    if time is None or h is None or w is None:
        return None
    return (Reach(), h, w) if bool((time.cells[0] == time.cells[1]).all()) else None


def _reach(bounds: Bounds | None) -> Reach | None:
    """Return the reach along one axis of the clip; None where it is not one and the same for all positions."""
    if bounds is None or not np.isfinite(bounds.cells).all() or math.isnan(bounds.extent):
        return None
    axes = [axis for axis in range(len(bounds.shape)) if bounds.varies(axis)]
    if not axes:
        steps = [step for step in bounds.steps if step is not None]
        low, high = (int(end) for end in bounds.cells.ravel())
        return Reach(int(steps[0]) if steps else 1, low, high)
    ends = bounds.cells.reshape(2, -1)
    jumps = np.diff(ends, axis=1)
    if len(axes) > 1 or axes[0] < 2 or not (jumps == jumps[0, 0]).all():  # frames may be samples of their own
        return None
    return Reach(int(jumps[0, 0]), int(ends[0, 0]), int(ends[1, 0]))


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
        if (first == 0) != (last == size):  # its circular padding, if it has any, would not be the whole clip's
            first, last = 0, size
        start.append(first)
        shape.append(last - first)
        unit.append(centre - first // reach.jump)
    if tuple(shape) == target.clip_shape:
        return None
    return Window((start[0], start[1], start[2]), (shape[0], shape[1], shape[2]), (unit[0], unit[1], unit[2]))


_SAME = 1e-3
"""What a unit may answer otherwise on a crop, as a share of how much its layer's answers to noise differ."""


def same_on(target: Preactivation, window: Window) -> bool:
    """Return whether the layer's centre unit answers on a crop as on the whole clip.

    A network that tells places apart by themselves (embeddings of positions, channels of coordinates) makes something
    else of a crop, or cannot take it.
    """
    shape = (1, clip_channels(target.network), *target.clip_shape)
    clip = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(**placement(target.network))
    with torch.no_grad(), full_precision():
        maps = target.maps(clip)
        try:
            cropped = target.maps(clip[window.slices()])
        except REFUSALS:
            return False
    if maps.is_meta:  # without values, that it can take the crop is all that there is to know
        return True
    answers = [found.movedim(1, -1)[(0, *unit)] for found, unit in ((cropped, window.unit), (maps, target.centre))]
    return bool(((answers[0] - answers[1]).abs() <= _SAME * maps.flatten(2).std(2)[0]).all())
