"""Which part of a clip a unit sees, read off the operations of one forward pass, and the crop that holds it.

The geometry (Araujo et al. 2019, "Computing receptive fields of convolutional neural networks") is followed through
every operation that a network runs, whatever its modules are called. An operation whose reach is not known counts as
seeing everything: then nothing is cropped, and nothing is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.networks.preactivation import Preactivation, clip_channels, placement
from reportgen.networks.taps import run_until

_FAULTS = (RuntimeError, NotImplementedError, TypeError, ValueError, AssertionError, IndexError, KeyError)
_NAME_SAME_PLACE = (
    "convolution",
    "max_pool",
    "avg_pool",
    "batch_norm",
    "clone",
    "detach",
    "dropout",
    "alias",
    "_to_copy",
    "copy_",
    "contiguous",
)
_NAME_RESHAPES = ("view", "reshape", "slice", "split", "split_with_sizes", "_unsafe_view", "expand", "select")


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

    def through(self, kernel: int, stride: int, padding: int, dilation: int) -> Reach:
        """Return the reach of a unit behind a convolution or a pooling of units of this reach."""
        return Reach(
            self.jump * stride,
            self.low - self.jump * padding,
            self.high + self.jump * (dilation * (kernel - 1) - padding),
        )


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
    """Return the reach of the layer's units along T, H and W, or None when they may see the whole clip."""
    where = placement(target.network)
    try:
        return _traced_field(target, {**where, "device": torch.device("meta")})
    except _FAULTS:  # it asks for values: it is run for real
        return _traced_field(target, where)


def _traced_field(target: Preactivation, where: dict[str, Any]) -> Field | None:
    clip = torch.full((1, clip_channels(target.network), *target.clip_shape), 0.5, **where)
    with torch.no_grad(), _Tracer(clip) as tracer:
        output = run_until(target.network, clip, target.layer)
    return tracer.fields.get(output) if output.ndim == 5 and not tracer.lost else None


def centre_window(target: Preactivation, field: Field | None) -> Window | None:
    """Return the crop around the layer's centre unit, or None when it would be the whole clip."""
    if field is None:
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


class _Tracer(TorchDispatchMode):
    """Follows the reach of every tensor that comes from the clip."""

    def __init__(self, clip: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.lost = False
        self.fields: Any = WeakIdKeyDictionary()
        self.fields[clip] = (Reach(), Reach(), Reach())

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        inputs = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        known = [self.fields[tensor] for tensor in inputs if tensor in self.fields]
        name = func.overloadpacket.__name__
        if known and name.endswith("_") and args[0] not in self.fields:
            self.lost = True  # written into a part of a tensor made elsewhere, whose other parts are not known
        if known and not _only_borrows_shape(name):
            field = _followed(func, args, known)
            for leaf in tree_leaves(output):
                if isinstance(leaf, Tensor):
                    same_place = field if _keeps_place(func, args, leaf) else None
                    self.fields[leaf] = same_place
        return output


def _only_borrows_shape(name: str) -> bool:
    """Return whether an operation makes a tensor like another without its values."""
    return name.startswith("new_") or name.endswith("_like")


def _followed(func: Any, args: Sequence[Any], known: Sequence[Field | None]) -> Field | None:
    """Return the reach behind an operation whose inputs from the clip reach `known`."""
    name = func.overloadpacket.__name__
    field = _union(known)
    if field is None:
        return None
    if name == "convolution":
        _, weight, _, stride, padding, dilation, transposed, *_ = args
        return None if transposed else _window(field, weight.shape[2:], stride, padding, dilation)
    if name.startswith(("max_pool", "avg_pool")):
        kernel = args[1]
        stride = args[2] if len(args) > 2 and args[2] else kernel
        padding = args[3] if len(args) > 3 else 0
        dilation = args[4] if len(args) > 4 and name.startswith("max_pool") else 1
        return _window(field, kernel, stride, padding, dilation)
    return field


def _keeps_place(func: Any, args: Sequence[Any], output: Tensor) -> bool:
    """Return whether the reach that `_followed` names is that of `output`, position by position."""
    name = func.overloadpacket.__name__
    first = args[0] if args and isinstance(args[0], Tensor) else None
    if output.ndim < 5:
        keeps = False
    elif name == "cat":
        keeps = len(args) > 1 and args[1] == 1
    elif name == "flip":
        keeps = all(dim in (0, 1) for dim in args[1])
    elif name == "transpose":
        keeps = all(dim % output.ndim < output.ndim - 3 for dim in args[1:3])
    elif name in _NAME_RESHAPES:
        keeps = first is not None and first.shape[-3:] == output.shape[-3:]
    else:
        keeps = torch.Tag.pointwise in func.tags or any(part in name for part in _NAME_SAME_PLACE)
    return keeps


def _union(fields: Sequence[Field | None]) -> Field | None:
    """Return the reach of a unit that sees what several units of the same place see."""
    axes: list[Reach] = []
    for axis in range(3):
        own = [field[axis] for field in fields if field is not None]
        if len(own) < len(fields) or len({reach.jump for reach in own}) > 1:
            return None
        axes.append(Reach(own[0].jump, min(reach.low for reach in own), max(reach.high for reach in own)))
    return (axes[0], axes[1], axes[2])


def _window(field: Field, kernel: Any, stride: Any, padding: Any, dilation: Any) -> Field | None:
    """Return `field` behind a window of that geometry, or None when it has not three axes."""
    sizes = [_three(value) for value in (kernel, stride, padding, dilation)]
    if any(size is None for size in sizes):
        return None
    k, s, p, d = [size for size in sizes if size is not None]
    t, h, w = (field[axis].through(k[axis], s[axis], p[axis], d[axis]) for axis in range(3))
    return (t, h, w)


def _three(value: Any) -> tuple[int, int, int] | None:
    """Return a size for T, H and W, given once or for each."""
    if isinstance(value, int):
        return (value, value, value)
    numbers = tuple(value)
    if len(numbers) == 1:
        return (numbers[0],) * 3
    return (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 else None
