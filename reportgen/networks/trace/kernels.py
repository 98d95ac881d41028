"""How convolutions and matrix products meet their weights: which become layers of the graph, and what they see."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from torch import Tensor

from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.graph import LayerKind, Layout
from reportgen.networks.trace.labels import Ids, Labels, counted
from reportgen.networks.trace.masking import limited, lowest_in, zeros_of
from reportgen.networks.trace.seen import Seen
from reportgen.networks.trace.windows import convolution_windows


@dataclass(frozen=True, eq=False)
class KernelUse:
    """The weight tensor of a kernel operation, its other operand, and how the two meet.

    `axis` is the axis of the operand that the kernels sum over; `out_axis` is that of their responses.
    """

    weight: Tensor
    operand: Tensor
    kind: LayerKind
    layout: Layout
    axis: int
    out_axis: int
    size: int
    groups: int = 1


def kernel_use(name: str, arguments: dict[str, Any], constant: Callable[[Tensor], bool]) -> KernelUse | None:
    """Return how an operation uses kernels, or None when it uses none (two activations meet, or it is another one).

    `arguments` are the operation's by the names of its schema; `constant` tells weights from activations.
    """
    if name in CONVOLUTIONS:
        return _convolution(arguments, constant)
    if name in PRODUCTS:
        left, right = PRODUCTS[name]
        return _product(arguments[left], arguments[right], constant)
    if name == "linear":
        weight, operand = arguments["weight"], arguments["input"]
        last = operand.ndim - 1
        return KernelUse(weight, operand, "linear", "out_in", last, last, weight.shape[0]) if constant(weight) else None
    return None


CONVOLUTIONS: frozenset[str] = frozenset(
    {"convolution", "_convolution", "convolution_overrideable", "cudnn_convolution"}
)
PRODUCTS: Mapping[str, tuple[str, str]] = {
    "mm": ("self", "mat2"),
    "bmm": ("self", "mat2"),
    "addmm": ("mat1", "mat2"),
    "baddbmm": ("batch1", "batch2"),
    "_addmm_activation": ("mat1", "mat2"),
}


def _convolution(arguments: dict[str, Any], constant: Callable[[Tensor], bool]) -> KernelUse | None:
    operand = next(arguments[key] for key in ("input", "self") if key in arguments)
    weight, groups = arguments["weight"], int(arguments["groups"])
    if not constant(weight):
        return None
    if arguments.get("transposed", False):
        return KernelUse(weight, operand, "transposed", "conv_transpose", 1, 1, weight.shape[1] * groups, groups)
    return KernelUse(weight, operand, "convolution", "conv", 1, 1, weight.shape[0], groups)


def _product(left: Tensor, right: Tensor, constant: Callable[[Tensor], bool]) -> KernelUse | None:
    last = left.ndim - 1
    if constant(right) and not constant(left) and _one_matrix(right):
        return KernelUse(right, left, "linear", "in_out", last, last, right.shape[-1])
    if constant(left) and not constant(right) and _one_matrix(left):
        return KernelUse(left, right, "linear", "out_in", last - 1, last - 1, left.shape[-2])
    return None


def _one_matrix(weight: Tensor) -> bool:
    """Whether a batch of matrices is one matrix, repeated or not."""
    return weight.ndim == 2 or weight.shape[0] == 1 or weight.stride(0) == 0


def kernel_inputs(call: TracedCall[Labels], use: KernelUse) -> Ids:
    """Return (K, channels): the sources of each channel that the kernels sum over, at the positions that they read."""
    labels = call.of(use.operand)
    if use.kind == "convolution":
        labels = _read_positions(call, labels)
    joined = labels.merged([axis for axis in range(len(labels.shape)) if axis != use.axis])
    return joined.expanded([use.axis]).reshape(len(joined.cells), -1)


def kernel_outputs(call: TracedCall[Labels], use: KernelUse, first: int) -> Labels:
    """Return the labels of the operation's output for kernels numbered from `first` on."""
    return counted(first, use.out_axis, call.shape)


def _read_positions(call: TracedCall[Labels], labels: Labels) -> Labels:
    """Leave out the positions that no kernel reads: strides longer than the kernel skip some."""
    for place in range(call.arguments["weight"].ndim - 2):
        axis = place + 2
        if labels.varies(axis):
            reads = np.unique(convolution_windows(call, place).reads)
            labels = labels.taken(axis, reads[(reads >= 0) & (reads < labels.shape[axis])])
    return labels


def convolution_seen(call: TracedCall[Seen]) -> Seen:
    """Each output sees what its window sees, over all channels of its group."""
    maps = call.of(next(call.arguments[key] for key in ("input", "self") if key in call.arguments))
    weight, groups = call.arguments["weight"], int(call.arguments["groups"])
    for place in range(weight.ndim - 2):
        maps = maps.windowed(2 + place, convolution_windows(call, place))
    (n, c, *rest), kernels = maps.shape, call.shape[1]
    if groups == 1:
        seen = maps.merged([1], fixed=True).broadcast(call.shape)
    else:
        mixed = maps.reshaped((n, groups, c // groups, *rest)).merged([2], fixed=True)
        seen = mixed.broadcast((n, groups, kernels // groups, *rest)).reshaped(call.shape)
    own = call.of(weight)
    if own.sourceless:
        return seen
    return call.union([seen, own.merged(range(weight.ndim)).reshaped(()).broadcast(call.shape)])  # made from the clip


def product_seen(call: TracedCall[Seen]) -> Seen:
    """Each element of a matrix product sees what its row and its column see, and a term that is added.

    Of one factor nothing is seen where the other one is 0.
    """
    left, right = (call.arguments[name] for name in PRODUCTS[call.name])
    parts = []
    for factor, other, axis in ((left, right, left.ndim - 1), (right, left, right.ndim - 2)):
        seen = call.of(factor)
        masks = zeros_of(call, other) if seen.varies(axis) else None
        parts.append(limited(seen, masks, axis).broadcast(call.shape))
    if not isinstance(added := call.arguments.get("input", call.arguments.get("self")), Tensor) or added is left:
        return call.union(parts)
    found = call.union([*parts, call.of(added).broadcast(call.shape)])
    return replace(found, kept=lowest_in(call, added))


def linear_seen(call: TracedCall[Seen]) -> Seen:
    """Each output of a linear layer sees what its inputs see."""
    given, weight = call.arguments["input"], call.arguments["weight"]
    columns = call.of(weight).merged([1]).reshaped((weight.shape[0],)).broadcast(call.shape)
    return call.union([call.of(given).merged([given.ndim - 1]).broadcast(call.shape), columns])
