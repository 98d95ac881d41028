"""Shapes of common operations on the meta device, without torch's own functions for them.

Some of torch's meta functions are written in Python and load its compiler when they are first used, which takes
several seconds; listing the layers of a network would take longer than anything else in the program. What is not
answered here is left to torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

_TRUTHS = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "logical_and", "logical_or", "logical_not"})

MetaOutput = Tensor | tuple[Tensor, ...] | None
ShapeRule = Callable[[Mapping[str, Any]], MetaOutput]
"""What an operation returns for meta tensors, by the names of its schema; None where torch has to say."""


def pointwise_shape(func: Any, arguments: Mapping[str, Any]) -> Tensor | None:
    """Return the result of an element-wise operation with one output; None of complex numbers, which may turn real."""
    tensors = [value for value in arguments.values() if isinstance(value, Tensor)]
    if any(tensor.is_complex() for tensor in tensors):
        return None
    if func._schema.is_mutable:
        return tensors[0]
    shape = np.broadcast_shapes(*(tuple(tensor.shape) for tensor in tensors))
    return _empty(shape, _kind(func.overloadpacket.__name__, tensors))


def softmax_shape(arguments: Mapping[str, Any]) -> MetaOutput:
    """Return a tensor like the first."""
    return None if arguments.get("half_to_float", False) else _empty(arguments["self"].shape, arguments["self"].dtype)


def adaptive_pool_shape(arguments: Mapping[str, Any]) -> MetaOutput:
    """Return means over as many windows as are asked for."""
    maps, sizes = arguments["self"], arguments["output_size"]
    return _empty((*maps.shape[: maps.ndim - len(sizes)], *sizes), maps.dtype)


def mean_shape(arguments: Mapping[str, Any]) -> MetaOutput:
    """Return a mean or sum over some axes."""
    tensor, dims = arguments["self"], arguments.get("dim")
    if not dims or not tensor.is_floating_point():
        return None
    averaged = {dim % tensor.ndim for dim in (dims if isinstance(dims, list | tuple) else [dims])}
    keep = bool(arguments.get("keepdim", False))
    sizes = [1 if place in averaged else n for place, n in enumerate(tensor.shape) if keep or place not in averaged]
    return _empty(sizes, tensor.dtype)


def loss_shape(arguments: Mapping[str, Any]) -> MetaOutput:
    """Return a loss, reduced to one number unless told otherwise."""
    return _empty(() if arguments.get("reduction", 1) else arguments["self"].shape, arguments["self"].dtype)


def batch_norm_shape(arguments: Mapping[str, Any]) -> MetaOutput:
    """Return a batch norm's output in evaluation mode, and its empty statistics."""
    if arguments.get("training", False):
        return None
    maps = arguments["input"]
    statistics = torch.empty(0, dtype=maps.dtype, device=maps.device)
    # Of a meta tensor torch's own would load its compiler; a fake one is to lie in memory as torch lays it.
    return (
        _empty(maps.shape, maps.dtype) if maps.is_meta else torch.empty_like(maps),
        statistics,
        statistics.clone(),
    )


def concatenation_shape(arguments: Mapping[str, Any]) -> MetaOutput:
    """Return tensors joined along an axis."""
    tensors, dim = arguments["tensors"], arguments.get("dim", 0)
    shape = list(tensors[0].shape)
    shape[dim] = sum(tensor.shape[dim] for tensor in tensors)
    for tensor in tensors:
        others = [size for place, size in enumerate(tensor.shape) if place != dim % len(shape)]
        if others != [size for place, size in enumerate(shape) if place != dim % len(shape)]:
            raise RuntimeError(f"tensors of {tuple(tensors[0].shape)} and {tuple(tensor.shape)} cannot be joined")
    return _empty(shape, _kind("cat", tensors))


def convolution_shape(arguments: Mapping[str, Any]) -> MetaOutput:
    """Return the output of a convolution; None where torch has to say what is wrong with it."""
    maps, weight, groups = arguments["input"], arguments["weight"], arguments["groups"]
    count = weight.ndim - 2
    into, out = (0, 1) if arguments["transposed"] else (1, 0)
    own = weight.shape[into] * (1 if arguments["transposed"] else groups)
    if maps.ndim != weight.ndim or maps.shape[1] != own or weight.dtype != maps.dtype:
        return None
    stride, padding, dilation, extra = (
        _per_axis(arguments[name], count) for name in ("stride", "padding", "dilation", "output_padding")
    )
    sizes = []
    for axis, (before, taps) in enumerate(zip(maps.shape[2:], weight.shape[2:], strict=True)):
        reach = dilation[axis] * (taps - 1)
        if arguments["transposed"]:
            sizes.append((before - 1) * stride[axis] - 2 * padding[axis] + reach + extra[axis] + 1)
        else:
            sizes.append((before + 2 * padding[axis] - reach - 1) // stride[axis] + 1)
    channels = weight.shape[out] * (groups if arguments["transposed"] else 1)
    return _empty((maps.shape[0], channels, *sizes), maps.dtype) if min(sizes) > 0 else None


def pool_shape(arguments: Mapping[str, Any]) -> Tensor | None:
    """Return means over windows; None where torch has to say what is wrong with it."""
    maps, given = arguments["self"], arguments["kernel_size"]
    count = maps.ndim - 2
    if count not in {2, 3} or (isinstance(given, list | tuple) and len(given) not in {1, count}):
        return None
    size = _per_axis(given, count)
    stride = _per_axis(arguments.get("stride") or size, count)
    padding, dilation = (
        _per_axis(arguments.get(key, usual), count) for key, usual in (("padding", 0), ("dilation", 1))
    )
    sizes = []
    for axis, before in enumerate(maps.shape[2:]):
        left = before + 2 * padding[axis] - dilation[axis] * (size[axis] - 1) - 1
        steps = -(-left // stride[axis]) if arguments.get("ceil_mode") else left // stride[axis]
        # A window that only rounding up would add must begin within the map or the padding before it.
        steps -= bool(arguments.get("ceil_mode")) and steps * stride[axis] >= before + padding[axis]
        sizes.append(steps + 1)
    if min(sizes) < 1 or any(2 * pad > taps for pad, taps in zip(padding, size, strict=True)):
        return None
    return _empty((*maps.shape[:2], *sizes), maps.dtype)


def max_pool_shape(arguments: Mapping[str, Any]) -> MetaOutput:
    """Return maxima over windows with their places."""
    values = pool_shape(arguments)
    return None if values is None else (values, _empty(values.shape, torch.int64))


def product_shape(left_name: str, right_name: str) -> ShapeRule:
    """Return the rule of a product of the two matrices, or batches of them, of these names."""

    def rule(arguments: Mapping[str, Any]) -> MetaOutput:
        left, right = arguments[left_name], arguments[right_name]
        if left.shape[-1] != right.shape[-2] or left.shape[:-2] != right.shape[:-2]:
            raise RuntimeError(f"matrices of {tuple(left.shape)} and {tuple(right.shape)} cannot be multiplied")
        return _empty((*left.shape[:-1], right.shape[-1]), left.dtype)

    return rule


def _empty(shape: Any, dtype: torch.dtype) -> Tensor:
    return torch.empty(tuple(shape), dtype=dtype, device="meta")


def _kind(name: str, tensors: Sequence[Tensor]) -> torch.dtype:
    if name in _TRUTHS:
        return torch.bool
    kinds = [tensor.dtype for tensor in tensors]
    kind = kinds[0]
    for other in kinds[1:]:
        kind = torch.promote_types(kind, other)
    return kind


def _per_axis(value: Any, count: int) -> list[int]:
    numbers: Sequence[int] = list(value) if isinstance(value, list | tuple) else [value]
    return list(numbers) * count if len(numbers) == 1 else list(numbers)
