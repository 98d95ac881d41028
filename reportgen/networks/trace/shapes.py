"""Shapes of common operations on the meta device, without torch's own functions for them.

Some of torch's meta functions are written in Python and load its compiler when they are first used, which takes
several seconds; listing the layers of a network would take longer than anything else in the program. What is not
answered here is left to torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

_TRUTHS = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "logical_and", "logical_or", "logical_not"})
_PRODUCTS = {"mm": ("self", "mat2"), "bmm": ("self", "mat2"), "addmm": ("mat1", "mat2")}
_SOFTMAX = frozenset({"_softmax", "_log_softmax"})
_ADAPTIVE = frozenset({"_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_avg_pool2d"})
_POOLS = {f"max_pool{n}d_with_indices": n for n in (2, 3)} | {f"avg_pool{n}d": n for n in (2, 3)}
_POOL_DEFAULTS = (("padding", 0), ("dilation", 1))
_EVAL_NORMS = frozenset({"native_batch_norm", "_native_batch_norm_legit_no_training"})


def meta_result(func: Any, arguments: Mapping[str, Any]) -> Any:
    """Return what an operation returns for these meta tensors, or None when torch has to say."""
    name = func.overloadpacket.__name__
    tensors = [value for value in arguments.values() if isinstance(value, Tensor)]
    if name == "cat":
        tensors = list(arguments["tensors"])
    if not tensors or any(tensor.device.type != "meta" for tensor in tensors):
        return None
    first = tensors[0]
    result: Any = None
    if name == "cat":
        result = _concatenated(tensors, arguments.get("dim", 0))
    elif name == "convolution":
        result = _convolved(arguments)
    elif name in _SOFTMAX and not arguments.get("half_to_float", False):
        result = _empty(first.shape, first.dtype)
    elif name in _ADAPTIVE:
        sizes = arguments["output_size"]
        result = _empty((*first.shape[: first.ndim - len(sizes)], *sizes), first.dtype)
    elif name in _POOLS:
        result = _pooled(name, arguments)
    elif name in {"mean", "sum"} and arguments.get("dim") and first.is_floating_point():
        result = _averaged(first, arguments["dim"], bool(arguments.get("keepdim", False)))
    elif name in _PRODUCTS:
        result = _multiplied(*(arguments[side] for side in _PRODUCTS[name]))
    elif name == "mse_loss":
        result = _empty(() if arguments.get("reduction", 1) else first.shape, first.dtype)
    elif name in _EVAL_NORMS and not arguments.get("training", False):
        result = _empty(first.shape, first.dtype), _empty((0,), first.dtype), _empty((0,), first.dtype)
    elif torch.Tag.pointwise in func.tags and len(func._schema.returns) == 1:
        shape = np.broadcast_shapes(*(tuple(tensor.shape) for tensor in tensors))
        result = first if func._schema.is_mutable else _empty(shape, _kind(name, tensors))
    return result


def _empty(shape: Any, dtype: torch.dtype) -> Tensor:
    return torch.empty(tuple(shape), dtype=dtype, device="meta")


def _kind(name: str, tensors: list[Tensor]) -> torch.dtype:
    if name in _TRUTHS:
        return torch.bool
    kinds = [tensor.dtype for tensor in tensors]
    kind = kinds[0]
    for other in kinds[1:]:
        kind = torch.promote_types(kind, other)
    return kind


def _concatenated(tensors: list[Tensor], dim: int) -> Tensor:
    shape = list(tensors[0].shape)
    shape[dim] = sum(tensor.shape[dim] for tensor in tensors)
    for tensor in tensors:
        others = [size for place, size in enumerate(tensor.shape) if place != dim % len(shape)]
        if others != [size for place, size in enumerate(shape) if place != dim % len(shape)]:
            raise RuntimeError(f"tensors of {tuple(tensors[0].shape)} and {tuple(tensor.shape)} cannot be joined")
    return _empty(shape, _kind("cat", tensors))


def _convolved(arguments: Mapping[str, Any]) -> Tensor | None:
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


def _pooled(name: str, arguments: Mapping[str, Any]) -> Tensor | tuple[Tensor, Tensor] | None:
    """Return means over windows, or maxima with their places; None where torch has to say what is wrong with it."""
    maps, count = arguments["self"], _POOLS[name]
    if maps.ndim != count + 2:
        return None
    size = _per_axis(arguments["kernel_size"], count)
    stride = _per_axis(arguments.get("stride") or size, count)
    padding, dilation = (_per_axis(arguments.get(key, default), count) for key, default in _POOL_DEFAULTS)
    sizes = []
    for axis, before in enumerate(maps.shape[2:]):
        left = before + 2 * padding[axis] - dilation[axis] * (size[axis] - 1) - 1
        steps = -(-left // stride[axis]) if arguments.get("ceil_mode") else left // stride[axis]
        # A window that only rounding up would add must begin within the map or the padding before it.
        steps -= bool(arguments.get("ceil_mode")) and steps * stride[axis] >= before + padding[axis]
        sizes.append(steps + 1)
    if min(sizes) < 1 or any(2 * pad > taps for pad, taps in zip(padding, size, strict=True)):
        return None
    values = _empty((*maps.shape[:2], *sizes), maps.dtype)
    return (values, _empty(values.shape, torch.int64)) if name.startswith("max") else values


def _per_axis(value: Any, count: int) -> list[int]:
    numbers: Sequence[int] = list(value) if isinstance(value, list | tuple) else [value]
    return list(numbers) * count if len(numbers) == 1 else list(numbers)


def _averaged(tensor: Tensor, dims: Any, keep: bool) -> Tensor:
    averaged = {dim % tensor.ndim for dim in (dims if isinstance(dims, list | tuple) else [dims])}
    shape = [
        1 if place in averaged else size for place, size in enumerate(tensor.shape) if keep or place not in averaged
    ]
    return _empty(shape, tensor.dtype)


def _multiplied(left: Tensor, right: Tensor) -> Tensor:
    if left.shape[-1] != right.shape[-2] or left.shape[:-2] != right.shape[:-2]:
        raise RuntimeError(f"matrices of {tuple(left.shape)} and {tuple(right.shape)} cannot be multiplied")
    return _empty((*left.shape[:-1], right.shape[-1]), left.dtype)
