"""Whole numbers as options and kernels, in whichever form a caller has them; everything else is told in a sentence."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any

from torch import Tensor

from reportgen.errors import OptionError


def require_whole(*, least: int = 1, **options: Any) -> None:
    """Raise OptionError for an option that is no whole number, or under `least`; None is one that was not given."""
    for name, value in options.items():
        if value is not None and (_whole(value) is None or value < least):
            raise OptionError(f"{name} is {value!r}: give a whole number, {least} or more.")


def kernel_numbers(kernels: Any) -> tuple[int, ...]:
    """Return kernels given as a list, an array, a tensor, a range or one number, each once and in their order.

    Raises OptionError for what is none of these. Whether there are such kernels, their layer says.
    """
    whole = kernels.tolist() if isinstance(kernels, Tensor) or hasattr(kernels, "tolist") else kernels
    each = [whole] if _whole(whole) is not None else whole
    if not isinstance(each, Iterable) or isinstance(each, str | bytes):
        raise OptionError(f"Kernels are whole numbers such as [0, 3], and not {kernels!r}.")
    found = [(one, _whole(one)) for one in each]
    for one, number in found:
        if number is None:
            raise OptionError(f"Kernels are whole numbers such as [0, 3], and {one!r} is none.")
    numbers = tuple(dict.fromkeys(number for _, number in found if number is not None))
    if not numbers:
        raise OptionError("There is no kernel in the list: give one or more.")
    return numbers


def _whole(value: Any) -> int | None:
    if isinstance(value, bool | str | bytes):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None
