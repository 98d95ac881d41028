"""Where in what a layer returns its clips and its kernels lie: frames may be samples, and features the last axis.

A layer that is given the frames of N clips as N*T samples returns N*T rows, and which of them are of which clip is the
network's own affair: it is found by following the clips through a pass, or by changing one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.core.refusals import refusals_told
from reportgen.networks.speed.folding import FoldedConvolution
from reportgen.networks.trace.bounds import Bounds
from reportgen.networks.trace.field_tracer import FieldTracer
from reportgen.networks.trace.seen import clip_seen

_CLIPS = 3
"""Clips in a pass that finds out; of two, rows that alternate could be of either."""

_CHANGED = 1
"""The clip among them whose rows are looked for: neither the first nor the last."""


@dataclass(frozen=True)
class Arrangement:
    """How one output of a layer is laid out for N clips.

    `kernels` is the axis of its kernels and `samples` that of the clips' rows. There are `outer` times N times `inner`
    rows, and row i is of clip i // inner % N. Without `samples` it is of one clip: a convolution was given no batch.
    """

    kernels: int = 1
    samples: int | None = 0
    outer: int = 1
    inner: int = 1

    @property
    def folded(self) -> bool:
        """Whether a clip has several rows."""
        return self.outer * self.inner > 1

    def maps(self, output: Tensor, clips: int) -> Tensor:
        """Return an output as `N K ...`; several rows of a clip become its first axis of positions.

        Raises NetworkError when the rows are not those of so many clips.
        """
        samples = 1 if self.samples is None else output.shape[self.samples]
        if samples % clips:
            raise NetworkError(f"{samples} samples are not those of {clips} clips.")
        if self.samples is None:
            alone: Tensor = output.unsqueeze(0).movedim(self.kernels + 1, 1)
            return alone
        if self == PLAIN:
            return output
        rows = output.shape[self.samples] // clips
        outer, inner = (rows // self.inner, self.inner) if self.outer > 1 else (1, rows)
        first = output.movedim((self.samples, self.kernels), (0, 1))
        split: Tensor = first.unflatten(0, (outer, clips, inner))  # type: ignore[no-untyped-call, unused-ignore]
        own = split.movedim(1, 0).flatten(1, 2).movedim(1, 2)
        return own if self.folded else own.squeeze(2)


PLAIN = Arrangement()
"""`N K ...`, one row a clip."""

Calls = tuple[Arrangement | None, ...]
"""The arrangement of what each call of a layer in one pass returns; None of a call that does not see the clip."""


def joined_maps(maps: Sequence[Tensor]) -> Tensor:
    """Return the maps `N K ...` of all calls as one: side by side along a first axis of positions.

    Where they differ in size all positions become one axis.
    """
    if len(maps) == 1:
        return maps[0]
    if all(one.shape == maps[0].shape for one in maps):
        return torch.stack(list(maps), 2)
    return torch.cat([one.reshape(*one.shape[:2], -1) for one in maps], 2)


def centre(maps: Sequence[Tensor]) -> tuple[int, ...]:
    """Return the index (without N and K) of the centre unit of the middle call in the joined maps of all calls."""
    middle = len(maps) // 2
    units = tuple(size // 2 for size in maps[middle].shape[2:])
    if len(maps) == 1:
        return units
    if all(one.shape == maps[0].shape for one in maps):
        return (middle, *units)
    before = sum(one.shape[2:].numel() for one in maps[:middle])
    flat = 0
    for unit, size in zip(units, maps[middle].shape[2:], strict=True):
        flat = flat * size + unit
    return (before + flat,)


def kernel_axis(layer: nn.Module, shape: Sequence[int]) -> int:
    """Return the axis of a layer's kernels in an output of that shape."""
    if isinstance(layer, nn.Linear):
        return len(shape) - 1
    return 0 if is_of_one(layer, shape) else 1


def is_of_one(layer: nn.Module, shape: Sequence[int]) -> bool:
    """Return whether an output of that shape is what a convolution makes of one sample without a batch."""
    if isinstance(layer, FoldedConvolution):
        return len(shape) == len(layer.kernel) + 1
    return isinstance(layer, _ConvNd) and len(shape) == len(layer.kernel_size) + 1


def as_batch(layer: nn.Module, output: Tensor) -> Tensor:
    """Return an output with its axis of samples, also where the layer was given one sample without such an axis."""
    return output.unsqueeze(0) if is_of_one(layer, output.shape) else output


def is_plain(layer: nn.Module, shapes: Sequence[Sequence[int]]) -> bool:
    """Return whether the shapes of a layer's outputs for a single clip leave no doubt of their arrangement."""
    return len(shapes) == 1 and shapes[0][0] == 1 and kernel_axis(layer, shapes[0]) == 1


def arrangements(network: Network, layers: Sequence[str], clip_shape: Sequence[int]) -> dict[str, Calls]:
    """Return the arrangement of every call of `layers` (module names) for clips of `clip_shape` `C T H W`.

    The clips are followed through a pass without arithmetic where the network allows that; where they cannot be
    followed, one of them is changed, and the rows that change are its own. Raises NetworkError where the rows of a
    clip make no pattern.
    """
    generator = torch.Generator().manual_seed(0)
    if network.at_once(_CLIPS) == 1:
        return _of_one(network, layers, torch.rand((2, *clip_shape), generator=generator))
    clips = torch.rand((_CLIPS, *clip_shape), generator=generator)
    with suppress(*REFUSALS):  # it asks for values
        found = _followed(network, layers, clips.to("meta"))
        if all(_known(calls) for calls in found.values()):
            return found
    other = clips.clone()
    other[_CHANGED] = torch.rand(clip_shape, generator=generator)
    found = _compared(network, layers, clips, other, _by_change)
    for layer, calls in found.items():
        if not _known(calls):
            raise NetworkError(f"It cannot be told which rows of {layer} are of which clip: choose another layer.")
    return found


def _of_one(network: Network, layers: Sequence[str], clips: Tensor) -> dict[str, Calls]:
    """Return the arrangements of a network that takes one clip a call: all rows are its own."""

    def own(layer: nn.Module, before: Tensor, after: Tensor) -> Arrangement | None:
        seen = before.shape == after.shape and bool((before != after).any())
        axis, of_one = kernel_axis(layer, before.shape), is_of_one(layer, before.shape)
        found = Arrangement(axis, samples=None) if of_one else Arrangement(axis, inner=before.shape[0])
        return found if seen else None

    return _compared(network, layers, clips[:1], clips[1:], own)


_UNKNOWN = Arrangement(samples=-1)


def _known(calls: Calls) -> bool:
    return any(calls) and _UNKNOWN not in calls


def _followed(network: Network, layers: Sequence[str], clips: Tensor) -> dict[str, Calls]:
    """Return the arrangements by following which clip each element sees."""
    found: dict[str, list[Arrangement | None]] = {layer: [] for layer in layers}
    tracer = FieldTracer()

    def note(layer: str, module: nn.Module, output: Tensor) -> None:
        seen = tracer.known(output)
        found[layer].append(None if seen.sourceless else _by_bounds(module, seen.along("sample")))

    with torch.no_grad(), tracer, _hearing(network, layers, note):
        tracer.mark(clips, clip_seen(clips.shape))
        network.run(clips)
    return {layer: tuple(calls) for layer, calls in found.items()}


def _by_bounds(layer: nn.Module, bounds: Bounds | None) -> Arrangement:
    axes = [] if bounds is None else [axis for axis in range(len(bounds.shape)) if bounds.varies(axis)]
    if bounds is None or len(axes) != 1:
        return _UNKNOWN
    low, high = bounds.cells.reshape(2, -1)
    sees = low <= high  # others see no clip: differences between frames are filled up by zeros
    if not (low == high)[sees].all():
        return _UNKNOWN
    return _arranged(layer, bounds.shape, axes[0], low == _CHANGED, sees)


def _compared(
    network: Network, layers: Sequence[str], clips: Tensor, other: Tensor, told: Callable[..., Arrangement | None]
) -> dict[str, Calls]:
    """Return the arrangements by what changes in two real passes that differ in one clip, as `told` reads it."""
    passes: list[dict[str, list[Tensor]]] = []

    def one_alone(reason: str) -> str:
        return f"{network.name} took one clip, but does not take {len(clips)} at once: {reason}."

    parameter = next((one for one in network.module.parameters() if one.is_floating_point()), clips)
    for given in (clips, other):
        outputs: dict[str, list[Tensor]] = {layer: [] for layer in layers}

        def note(layer: str, _module: nn.Module, output: Tensor, into: dict[str, list[Tensor]] = outputs) -> None:
            into[layer].append(output.clone())

        with torch.no_grad(), _hearing(network, layers, note), refusals_told(one_alone):
            network.run(given.to(network.device, parameter.dtype))
        passes.append(outputs)
    found = {}
    for layer in layers:
        module = network.module.get_submodule(layer)
        pairs = zip(passes[0][layer], passes[1][layer], strict=False)
        found[layer] = tuple(told(module, before, after) for before, after in pairs)
    return found


def _by_change(layer: nn.Module, before: Tensor, after: Tensor) -> Arrangement | None:
    changed = before != after
    if not changed.any():
        return None
    for axis in range(changed.ndim):
        own = changed.movedim(axis, 0).flatten(1).any(1).cpu().numpy()
        if axis != kernel_axis(layer, before.shape) and not own.all():
            return _arranged(layer, before.shape, axis, own, np.ones_like(own))
    return _UNKNOWN


def _arranged(
    layer: nn.Module, shape: Sequence[int], samples: int, own: NDArray[np.bool_], told: NDArray[np.bool_]
) -> Arrangement:
    """Return the arrangement whose rows are one clip's where `own` says so, as far as it is `told` of them."""
    rows, places = len(own), np.arange(len(own))
    for inner in [size for size in range(rows // _CLIPS, 0, -1) if rows % (_CLIPS * size) == 0]:
        if (own == (places // inner % _CLIPS == _CHANGED))[told].all():
            return Arrangement(kernel_axis(layer, shape), samples, rows // (_CLIPS * inner), inner)
    return _UNKNOWN


@contextmanager
def _hearing(network: Network, layers: Sequence[str], note: Callable[[str, nn.Module, Tensor], None]) -> Iterator[None]:
    """Tell `note` of each output of the layers within the context."""

    def hook(layer: str, module: nn.Module, _args: Any, output: Tensor) -> None:
        note(layer, module, output)

    handles = [network.module.get_submodule(one).register_forward_hook(partial(hook, one)) for one in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
