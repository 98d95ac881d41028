"""Numbers that are none: what is not finite is refused wherever it stands, and so is a size that is none."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ByteSize, TypeAdapter, ValidationError

from reportgen.errors import OptionError
from reportgen.wording import option


def file_size(given: str | int, flag: str) -> int:
    """Return a size such as ``95MB`` or ``2GiB`` in bytes; `flag` is the option. Raises OptionError for none."""
    try:
        size = int(TypeAdapter(ByteSize).validate_python(given))
    except ValidationError:
        size = 0
    if size <= 0:
        raise OptionError(f"{option(flag, given)} is no size of a file, such as 95MB or 2GB.")
    return size


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
