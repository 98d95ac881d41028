"""Shapes of common operations on the meta device, without torch's own functions for them.

Some of torch's meta functions are written in Python and load its compiler when they are first used, which takes
several seconds; listing the layers of a network would take longer than anything else in the program. What is not
answered here is left to torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

_TRUTHS = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "isnan", "isinf", "logical_and", "logical_or", "logical_not"})
_PRODUCTS = {"mm": ("self", "mat2"), "bmm": ("self", "mat2"), "addmm": ("mat1", "mat2")}
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
    elif name == "mean" and arguments.get("dim"):
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
