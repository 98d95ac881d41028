"""Numbers that are none: what is not finite is refused wherever it stands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any


def faults_of_numbers(values: Mapping[str, Any], table: str) -> list[str]:
    """Return a sentence for each number of the table's `values`, however deep, that is not finite."""
    return [f"[{table}] {name} is {value}: it must be a finite number." for name, value in _infinite(values)]


def _infinite(values: Any, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(values, float) and not math.isfinite(values):
        yield name, values
    elif isinstance(values, Mapping):
        for key, value in values.items():
            yield from _infinite(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, list | tuple):
        for place, value in enumerate(values):
            yield from _infinite(value, f"{name}[{place}]")
