"""The base of everything that is written to disk: validated, frozen, and without unknown fields."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

Unbounded = Annotated[
    float, WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]})
]
"""A number as a network gave it: what is not finite is written as a word, for JSON has no number for it."""


class Frozen(BaseModel):
    """A validated, immutable value whose unknown fields are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=True, ser_json_inf_nan="strings")


class Document(Frozen):
    """A document of a run. In memory it has no digest: that is written with it, and compared when it is read."""

    digest: str = Field("", description="Content key of all the other fields, as they stand in the file.")
