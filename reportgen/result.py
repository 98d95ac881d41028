"""What a public call returns: compared by content, shown in notebooks, saved as files and laid out as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import NetworkError, one_line

_Found = TypeVar("_Found")

_NOT_CONTENT = frozenset({"seconds"})
"""How long it took is no part of what was found."""


class ShownResult:
    """A frozen dataclass that shows itself; `explained` is False where there was nothing to explain.

    In a notebook its last line is a picture with a table: clips that play, maps over their clip, graphs. Two results
    are equal when all that they hold is, whatever time it took.
    """

    explained: ClassVar[bool] = True

    def save(self, path: str | Path) -> Path:
        """Write the result as what the suffix says, and return the path.

        Pictures are ``.gif``, ``.mp4`` and ``.png`` (frames side by side), drawings ``.svg``; ``.csv`` has the rows of
        `to_frame`, ``.json`` the figures with these rows, ``.npz`` every array. Raises OptionError, which names those
        that there are, for another suffix, StoreError when the file cannot be written.
        """
        saving = import_module("reportgen.showing.saving")  # when it is asked: that room is built on these results
        written: Path = saving.save_result(self, Path(path))
        return written

    def to_frame(self) -> Any:
        """Return the result's rows as a pandas DataFrame; raises OptionError where pandas is not installed."""
        tables = import_module("reportgen.showing.tables")
        return tables.frame_of(self)

    def _repr_html_(self) -> str:
        shown: str = import_module("reportgen.showing.html").html_of(self)
        return shown

    def __eq__(self, other: object) -> bool:
        return same_content(self, other)

    def __hash__(self) -> int:
        return hash(type(self))


def same_content(one: Any, other: Any) -> bool:  # noqa: PLR0911 (one for each kind of value)
    """Whether two values hold the same, arrays and tensors by their numbers; NaN is NaN."""
    if one is other:
        return True
    if type(one) is not type(other):
        return False
    numbers = as_array(one)
    if numbers is not None:
        others = as_array(other)
        assert others is not None
        nan = numbers.dtype.kind in "fc"
        return numbers.dtype == others.dtype and bool(np.array_equal(numbers, others, equal_nan=nan))
    if is_dataclass(one):
        names = [each.name for each in fields(one) if each.compare and each.name not in _NOT_CONTENT]
        return all(same_content(getattr(one, name), getattr(other, name)) for name in names)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same_content(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same_content, one, other))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return bool(one == other)


def as_array(value: Any) -> NDArray[Any] | None:
    """Return an array or a tensor as an array; None for what is neither."""
    if isinstance(value, np.ndarray):
        return value
    return np.asarray(value.detach().cpu()) if hasattr(value, "detach") else None


@dataclass(frozen=True, eq=False)
class Unexplained(ShownResult):
    """The answer where there is nothing to explain: no evidence in the clip raises the class's logit.

    `asked` is the call or method, `reason` a sentence. It stands in the place of the result, so that a loop over
    classes goes on: ``if not found.explained: print(found.reason)``.
    """

    explained: ClassVar[bool] = False

    asked: str
    class_index: int
    logit: float
    reason: str

    def __repr__(self) -> str:
        return one_line(f"Unexplained({self.asked} of class {self.class_index}, logit {self.logit:.3g}: {self.reason})")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise AttributeError(f"There is no {name}, for nothing was explained. {self.reason}")


def required(found: _Found | Unexplained) -> _Found:
    """Return a result; raises NetworkError with its reason where there was nothing to explain."""
    if isinstance(found, Unexplained):
        raise NetworkError(found.reason)
    return found
