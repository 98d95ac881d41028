"""NRRD files read by their specification (teem.sourceforge.net/nrrd/format.html), without the code that writes them."""

from __future__ import annotations

import gzip
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TYPES = {"float": "<f4", "uint8": "u1"}
_NEEDED = {"type", "dimension", "sizes", "encoding"}
_PER_AXIS = ("sizes", "kinds", "spacings")


def read_nrrd(content: bytes) -> tuple[dict[str, str], NDArray[Any]]:
    """Return the fields of the header and the values, axes as the file has them: the first varies fastest."""
    head, blank, data = content.partition(b"\n\n")
    magic, *lines = head.decode("ascii").split("\n")
    assert magic == "NRRD0005"
    assert blank
    fields = dict(line.split(": ", 1) for line in lines)
    assert len(fields) == len(lines), "each field once"
    assert set(fields) >= _NEEDED
    assert lines.index(f"dimension: {fields['dimension']}") < min(
        place for place, line in enumerate(lines) if line.split(":")[0] in _PER_AXIS
    ), "the dimension stands before what is told of each axis"
    assert (fields["encoding"], fields["endian"]) == ("gzip", "little")
    sizes = [int(size) for size in fields["sizes"].split()]
    assert all(len(fields[name].split()) == int(fields["dimension"]) for name in _PER_AXIS)
    assert fields["labels"].count('"') == 2 * len(sizes)
    return fields, np.frombuffer(gzip.decompress(data), _TYPES[fields["type"]]).reshape(sizes, order="F")
