"""Which methods a build can run, and what each may be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import Field, JsonValue

from reportgen.analyses.method import Method, PresetName
from reportgen.analyses.parameters import NO_PART_OF_KEY
from reportgen.analyses.registry import methods
from reportgen.config.parameters import resolved_parameters
from reportgen.records.base import Frozen


class ParameterRow(Frozen):
    """A parameter of a method: what it may be, what each preset takes, and what it means."""

    name: str
    values: str
    presets: dict[str, JsonValue]
    meaning: str
    follows: str | None = Field(None, description="Method whose value it takes over unless it is given.")
    in_key: bool = Field(description="False for one that changes which units there are, or results by rounding only.")


class MethodRow(Frozen):
    """A method with its parameters, in the order in which methods run."""

    name: str
    title: str
    summary: str
    version: int
    off_in: tuple[PresetName, ...] = Field((), description="Presets in which it runs only when it is named.")
    after: tuple[str, ...]
    parameters: tuple[ParameterRow, ...]


def list_methods() -> list[MethodRow]:
    """Return the methods of this house and of installed packages, in the order in which they run; needs no torch.

    Raises OptionError when an installed package registers a method that cannot be used.
    """
    presets: tuple[PresetName, ...] = get_args(PresetName)
    asked = {preset: resolved_parameters(preset, {}) for preset in presets}
    return [
        _row(method, {preset: found[name].model_dump(mode="json") for preset, found in asked.items()})
        for name, method in methods().items()
    ]


def _row(method: Method[Any], asked: Mapping[PresetName, Mapping[str, JsonValue]]) -> MethodRow:
    kind = method.parameters
    followed = {name: other for other, names in method.follows.items() for name in names}
    schemas = kind.model_json_schema()["properties"] if kind.model_fields else {}
    return MethodRow(
        name=method.name,
        title=method.title,
        summary=method.summary,
        version=method.version,
        off_in=method.off_in,
        after=method.after,
        parameters=tuple(
            ParameterRow(
                name=name,
                values=values_text(schemas[name]),
                presets={preset: values[name] for preset, values in asked.items()},
                meaning=field.description or "",
                follows=followed.get(name),
                in_key=NO_PART_OF_KEY not in field.metadata,
            )
            for name, field in kind.model_fields.items()
        ),
    )


_NAMES = {"integer": "whole number", "number": "number", "boolean": "true | false", "string": "text"}


def values_text(schema: Mapping[str, Any]) -> str:
    """Return what a parameter may be, in words, by its JSON schema: ``whole number >= 1``."""
    if "anyOf" in schema:
        return " | ".join(values_text(option) for option in schema["anyOf"] if option.get("type") != "null")
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "prefixItems" in schema:
        return f"[{', '.join(values_text(item) for item in schema['prefixItems'])}]"
    if schema.get("type") == "array":
        return f"list of {values_text(schema['items'])}"
    if schema.get("type") == "object":
        return f"table of {values_text(schema['additionalProperties'])}"
    kind = _NAMES.get(str(schema.get("type")), "any value")
    bounds = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[bound]:g}" for bound, sign in bounds.items() if bound in schema]
    return " ".join([kind, ", ".join(limits)]).rstrip()
