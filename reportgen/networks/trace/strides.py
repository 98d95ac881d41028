"""How tensors lie in memory."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor


def same_elements(base: Tensor, size: Sequence[int], stride: Sequence[int], offset: int | None = None) -> bool:
    """Whether a view by strides has the shape of its base and shows the same element at each position.

    Pooling a channels-last map to one position ends in such a view.
    """
    begins = base.storage_offset() if offset is None else offset
    return (
        tuple(size) == tuple(base.shape)
        and begins == base.storage_offset()
        and _steps(size, stride) == _steps(base.shape, base.stride())
    )


def _steps(shape: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Return the strides along the axes that have more than one position; along others, a stride means nothing."""
    return [stride for size, stride in zip(shape, strides, strict=True) if size != 1]
