"""What is wrong with values that a person gave, one sentence each: which one, and what it may be."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from reportgen.errors import near_names, unknown_name

#: What a value must be, by the type of pydantic's error; the braces are the error's context.
_MUST = {
    "greater_than_equal": "it must be at least {ge}",
    "greater_than": "it must be greater than {gt}",
    "less_than_equal": "it must be at most {le}",
    "less_than": "it must be less than {lt}",
    "finite_number": "it must be a finite number",
    "int_type": "it must be a whole number",
    "float_type": "it must be a number",
    "bool_type": "it must be true or false",
    "string_type": "it must be text, in quotes",
    "path_type": "it must be a path, in quotes",
    "tuple_type": "it must be a list",
    "list_type": "it must be a list",
    "dict_type": "it must be a table",
    "mapping_type": "it must be a table",
    "model_type": "it must be a table",
    "missing": "a value is missing in it",
}

_SENTENCES: Literal["sentences"] = "sentences"

_LONGEST_VALUE = 60


def sentences(error: ValidationError, kind: type[BaseModel], table: str = "") -> list[str]:
    """Return one sentence for each value that `kind` refused, the nearest valid name where there is none of its name.

    `table` is the table of the configuration file that the values are of; without it they are options, and those of
    a model within them are of a table named like their field.
    """
    problems = error.errors(include_url=False)
    places = [problem["loc"] for problem in problems]
    own = [
        problem  # and not one that only says that something in it is wrong
        for problem, place in zip(problems, places, strict=True)
        if not any(other[: len(place)] == place and len(other) > len(place) for other in places)
    ]
    return list(dict.fromkeys(_sentence(problem, kind, table) for problem in own))


def _sentence(problem: ErrorDetails, kind: type[BaseModel], table: str) -> str:
    path = list(problem["loc"])
    field = kind.model_fields.get(str(path[0])) if path else None
    nested = field.annotation if field is not None else None
    if not table and len(path) > 1 and isinstance(nested, type) and issubclass(nested, BaseModel):
        kind, table, path = nested, str(path[0]), path[1:]
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == _SENTENCES:
        return message
    if problem["type"] == "extra_forbidden":
        return unknown_key(str(path[-1]), kind, table)
    if not path:
        return f"{message[:1].upper()}{message[1:].rstrip('.')}."
    name = str(path[0]) + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path[1:])
    named = f"[{table}] {name}" if table else f"The option {name}"
    if problem["type"] == "value_error":
        return f"{named} is not valid: {message.rstrip('.')}."
    return f"{named} is {_shown(problem['input'])}: {_must(problem)}"


def as_they_are(found: Sequence[str]) -> PydanticCustomError:
    """Return the error for a validator to raise whose sentences are complete."""
    return PydanticCustomError(_SENTENCES, "{sentences}", {"sentences": " ".join(found)})


def unknown_key(name: str, kind: type[BaseModel], table: str = "") -> str:
    """Return the sentence about a name that `kind` has no field of."""
    what = f"parameter of [{table}]" if table else "option"
    near = near_names(name, kind.model_fields)[:1]
    return str(unknown_name(what, name, near or kind.model_fields))


def _must(problem: ErrorDetails) -> str:
    context: Mapping[str, Any] = problem.get("ctx", {})
    kind = problem["type"]
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(context["expected"]))
        near = near_names(str(problem["input"]), known)
        return f"did you mean {near[0]}?" if near else f"choose {_either(known)}."
    if kind in ("too_long", "too_short"):
        length = context.get("max_length", context.get("min_length"))
        return f"it must have {'at most' if kind == 'too_long' else 'at least'} {length} value{'s' * (length != 1)}."
    return f"{_MUST[kind].format(**context) if kind in _MUST else problem['msg'].replace('Input should', 'it should')}."


def _either(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _shown(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
