"""Responses of a layer's kernels beside each other: of a response that is next to none, a share says little."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median


def of_median(responses: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return each kernel's response as a multiple of the median over the kernels that are driven above zero.

    None where a kernel is not driven, or where the quotient is no finite number.
    """
    driven = [value for value in responses if value is not None and value > 0]
    middle = median(driven) if driven else 0.0
    return tuple(value / middle if value is not None and value > 0 and middle > 0 else None for value in responses)
