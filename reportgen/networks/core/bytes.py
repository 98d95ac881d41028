"""Pixels as bytes that can still be differentiated.

A network that asks for uint8 would end every gradient at its input. It is given bytes that remember the real numbers
they were rounded from: whatever turns them into real numbers again gives those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only


class Bytes(Tensor):
    """A uint8 tensor with the real numbers behind it.

    What rearranges the bytes rearranges both; what makes floating-point numbers of them is given the real ones.
    Network code sees the type, the shape and the values of uint8.
    """

    exact: Tensor

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Run an operation on the bytes, and on the real numbers where its result is one of either."""
        plain = tree_map_only(Bytes, _plain, (tuple(args), dict(kwargs or {})))
        with torch._C.DisableTorchFunctionSubclass():
            result = func(*plain[0], **plain[1])
            if not _has_tensors(result):
                return result
            exact = tree_map_only(Bytes, _exact, (tuple(args), dict(kwargs or {})))
            shadows = func(*exact[0], **exact[1])
        if isinstance(result, Tensor):
            return _paired(result, shadows)
        return type(result)(_paired(one, other) for one, other in zip(result, shadows, strict=True))


def as_bytes(pixels: Tensor) -> Bytes:
    """Return pixels, real numbers from 0 to 255, as bytes that are rounded but keep them."""
    return _with(pixels.detach().round().clamp(0, 255).to(torch.uint8), pixels)


def _with(rounded: Tensor, exact: Tensor) -> Bytes:
    made = rounded.as_subclass(Bytes)
    made.exact = exact
    return made


def _plain(value: Bytes) -> Tensor:
    return value.as_subclass(Tensor)


def _exact(value: Bytes) -> Tensor:
    return value.exact


def _has_tensors(result: Any) -> bool:
    parts = result if isinstance(result, list | tuple) else [result]
    return bool(parts) and all(isinstance(part, Tensor) for part in parts)


def _paired(result: Tensor, exact: Tensor) -> Tensor:
    """Return bytes with their real numbers, real numbers as they are, and whole numbers without any."""
    if result.dtype == torch.uint8 and result.shape == exact.shape:
        return _with(result, exact)
    return exact if result.is_floating_point() else result
