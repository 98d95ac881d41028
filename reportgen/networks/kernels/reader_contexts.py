"""Operations that set kernels against others' values and keep their sign: statistics, gates, and matrices that permute.

What a kernel is taken above (a mean over places or kernels) and divided by (a spread) depends on the clip, and is no
constant that could be told; the sign that a norm behind it gives the kernel is the kernel's all the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.kernels import CONVOLUTIONS, PRODUCTS

STATISTICS = frozenset({"square", "pow", "var", "std", "var_mean", "std_mean", "linalg_vector_norm", "norm"})
"""Operations that measure how far kernels' values spread."""
OWN_NORMS = frozenset({"native_group_norm", "native_layer_norm", "_fused_rms_norm"})
"""Norms by the statistics of what they are given, beside batch norms without running ones."""
_POSITIVE = frozenset({"square", "std", "var", "linalg_vector_norm", "exp", "sigmoid", "_softmax", "softplus", "abs"})
_KEEPING = frozenset({"sqrt", "rsqrt", "reciprocal", "mean", "sum", "amax", "amin", "clone", "_to_copy", "expand"})
_KEEPING_VIEWS = frozenset({"view", "unsqueeze", "squeeze", "expand", "transpose", "permute", "select", "slice"})


class Positives:
    """Remembers which tensors of a pass have no negative values, whatever the clip."""

    def __init__(self) -> None:
        self._known = WeakIdKeyDictionary()

    def __contains__(self, tensor: Tensor) -> bool:
        return tensor in self._known

    def note(self, call: TracedCall[Any]) -> None:
        """Remember what an operation returns, if its values cannot be negative."""
        if self._positive(call):
            self._known[call.outputs[0]] = True

    def _positive(self, call: TracedCall[Any]) -> bool:
        tensors = call.tensors()
        numbers = [one for one in call.arguments.values() if isinstance(one, int | float) and one is not True]
        if call.name in _POSITIVE or (call.name == "pow" and call.arguments.get("exponent") in (2, 4)):
            return True
        if call.name in _KEEPING | _KEEPING_VIEWS:
            return bool(tensors) and tensors[0] in self._known
        if call.name in {"add", "mul", "div", "clamp_min", "clamp", "pow"}:
            given = all(one in self._known for one in tensors)
            return bool(tensors) and given and all(number >= 0 for number in numbers[: 1 if call.name != "pow" else 0])
        return False


def own_sign(call: TracedCall[Any], given: Tensor, axis: int, weight: Tensor | None) -> Tensor | None:
    """Return the sign, 1 or -1, of the weight that a norm by its own statistics gives each channel of an axis.

    None where one of them is turned round at some places and not at others, or nothing is known of the values.
    """
    if weight is None:
        return torch.ones(given.shape[axis], dtype=torch.float64)
    if weight.device.type == "meta":
        return None
    channels = call.name == "native_group_norm" or "batch_norm" in call.name
    shape = [-1 if place == 1 else 1 for place in range(given.ndim)] if channels else weight.shape
    signs = torch.where(weight.reshape(shape) < 0, -1.0, 1.0).double().expand(given.shape).movedim(axis, 0).flatten(1)
    return signs[:, 0] if bool((signs == signs[:, :1]).all()) else None


def sign_in_context(call: TracedCall[Any], followed: Sequence[Tensor], positives: Positives) -> float | None:
    """Return the sign with which an element-wise operation passes on the larger of two factors or terms.

    The smaller one is the same for several of its elements. None where it is none of these, or the sign is not known.
    """
    first, other = (call.arguments.get(name) for name in ("self", "other"))
    if not isinstance(first, Tensor) or not isinstance(other, Tensor) or first.shape == other.shape:
        return None
    leads = call.shape == tuple(first.shape)
    own, context = (first, other) if leads else (other, first)
    if call.shape != tuple(own.shape) or not any(one is own for one in followed):
        return None
    scaled = call.name == "mul" or (call.name == "div" and leads)
    known: Mapping[str, float | None] = {
        "add": 1.0 if leads or call.arguments.get("alpha", 1) > 0 else -1.0,
        "sub": 1.0 if leads else -1.0,
        "rsub": -1.0 if leads else 1.0,
    }
    return known.get(call.name, 1.0 if scaled and context in positives else None)


def permuted_by(call: TracedCall[Any], given: Tensor, weight: Tensor) -> tuple[int, NDArray[np.int64]] | None:
    """Return the axis of `given` that a constant matrix permutes, and which place each of the result's comes from.

    `weight` has the values of the operation's other factor. None where it is no permutation.
    """
    if weight.device.type == "meta":
        return None
    if call.name in CONVOLUTIONS:
        plain = call.arguments.get("groups") == 1 and not call.arguments.get("transposed")
        plain = plain and call.shape == tuple(given.shape) and call.arguments.get("bias") is None
        axis, matrix = 1, weight.flatten(1) if plain and weight[0, 0].numel() == 1 else None
    elif call.name == "linear":
        axis, matrix = given.ndim - 1, weight if call.arguments.get("bias") is None else None
    elif call.name in {"mm", "bmm"}:
        on_the_left = call.arguments[PRODUCTS[call.name][0]] is given
        axis, matrix = (given.ndim - 1, weight.mT) if on_the_left else (given.ndim - 2, weight)
    else:
        return None
    if matrix is None:
        return None
    rows = matrix.reshape(-1, *matrix.shape[-2:])
    if rows.shape[1] != rows.shape[2] or not bool((rows == rows[:1]).all()):
        return None
    one = rows[0] == 1
    alone = bool((one.sum(0) == 1).all()) and bool((one.sum(1) == 1).all()) and not bool(rows[0][~one].any())
    return (axis, one.long().argmax(1).numpy()) if alone else None
