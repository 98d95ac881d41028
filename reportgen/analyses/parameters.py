"""What a method may be told: typed values with their defaults, ranges and meaning; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Annotated, Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict, ValidationError

from reportgen.errors import OptionError
from reportgen.records.validation import sentences


class _NoPartOfKey:
    """Marks a parameter that changes which units there are, or results only by rounding."""


NO_PART_OF_KEY = _NoPartOfKey()

Count = Annotated[int, Field(ge=1)]
Size = Annotated[tuple[Count, Count, Count], Strict(False)]
"""Frames, height and width; a list will do, as a file gives it."""


class Unread(NamedTuple):
    """Why a parameter has no effect: the parameter whose value is the cause, and a clause that says it."""

    cause: str
    why: str


class Parameters(BaseModel):
    """The parameters of a method.

    Each field has a default (the one of the preset ``standard``), a range where it has one, and a description, which
    `reportgen methods` shows. Values of another type are refused, and so are numbers that are not finite. Fields
    annotated with `NO_PART_OF_KEY` do not enter the key of a job.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def of(cls, values: Mapping[str, Any], table: str = "") -> Self:
        """Return the parameters with these values; raises OptionError that names every one that is not valid.

        `table` is the table of the configuration file that they are of. Numbers of numpy are numbers.
        """
        try:
            return cls.model_validate({name: _plain(value) for name, value in values.items()})
        except ValidationError as error:
            raise OptionError(" ".join(sentences(error, cls, table))) from error

    @classmethod
    def given(cls, values: Mapping[str, Any]) -> Self:
        """Return what `of` does for the options of a call; raises OptionError for one that has no effect, too."""
        found = cls.of(values)
        void = [f"{name} has no effect: {reason.why}." for name, reason in found.unread().items() if name in values]
        if void:
            raise OptionError(" ".join(void))
        return found

    def keyed(self) -> dict[str, JsonValue]:
        """Return what the key of a job depends on, as plain data."""
        left_out = {name for name, field in type(self).model_fields.items() if NO_PART_OF_KEY in field.metadata}
        return self.model_dump(mode="json", exclude=left_out)

    def unread(self) -> Mapping[str, Unread]:
        """Return the parameters that have no effect beside the others' values, each with the reason.

        To set one together with what makes it void is an error; where a preset makes it void, the reader is told.
        """
        return {}

    def at_odds_with(self, judged: Parameters) -> Mapping[str, str]:  # noqa: ARG002
        """Return the parameters that contradict those of a method whose answers this one judges, with the reason."""
        return {}


def _plain(value: Any) -> Any:
    """Return a number of another library as Python's own."""
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) else value
