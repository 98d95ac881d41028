"""The pages of the documents: their JSON schemas as tables of fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from reportgen.commands.schema import schema
from tools.docs.text import code, inert, table, value

Schema = Mapping[str, Any]

_ABOUT = {
    "config": "A `reportgen.toml`: the options of a build. Flags go over it, and it goes over the defaults.",
    "card": "A `card.toml`: all that must be known of a network and cannot be asked of it.",
    "run": "The `run.json` of a run's folder: how it was made, and its records.",
    "plan": "The `plan.json` of a run's folder: every job that was planned.",
    "record": "One file of a run's `records`: a job, and what came of it.",
    "pyramid": "A class pyramid's graph, as the site offers it for download.",
}
_TITLES = {"config": "reportgen.toml", "card": "card.toml", "run": "run.json", "plan": "plan.json", "record": "Records"}
_ANSWERS = "answer."
_LIMITS = {
    "minimum": ">= {}",
    "exclusiveMinimum": "> {}",
    "maximum": "<= {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}
_NAMES = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false", "null": "null"}


def schema_pages() -> dict[str, str]:
    """Return a page for each document, and one that lists them."""
    documents = schema()
    alone = [name for name in documents if not name.startswith(_ANSWERS)]
    answers = sorted(name for name in documents if name.startswith(_ANSWERS))
    rows = [(f"[`{name}`]({name}.md)", inert(_ABOUT.get(name, ""))) for name in alone]
    rows += [(f"[`{name}`]({name}.md)", inert(_told(documents[name]))) for name in answers]
    listed = (
        "# Documents\n\nWhat a run consists of and what a person writes. `reportgen schema NAME` prints each as a JSON "
        f"schema.\n\n{table(('document', 'what it is'), rows)}\n"
    )
    pages = {f"documents/{name}.md": _page(name, documents[name]) for name in documents}
    return {"documents/index.md": listed} | pages


def _page(name: str, document: Schema) -> str:
    about = inert(_ABOUT.get(name, _told(document)))
    parts = [f"# {_TITLES.get(name, name)}", about, f"```text\nreportgen schema {name}\n```"]
    parts.append(_fields(document))
    for part, definition in sorted(_asked_for(document).items()):
        parts += [f"## {part} {{ #{_anchor(part)} }}", inert(_told(definition)), _fields(definition)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _asked_for(document: Schema) -> dict[str, Schema]:
    """Return the definitions that a document's fields lead to; a record's answers have pages of their own."""
    definitions, found = document.get("$defs", {}), {}
    waiting = [document.get("properties", {})]
    while waiting:
        for name in re.findall(r'"#/\$defs/([^"]+)"', json.dumps(waiting.pop())):
            if name not in found:
                found[name] = definitions[name]
                waiting.append(definitions[name])
    return found


def _fields(definition: Schema) -> str:
    properties = definition.get("properties")
    if not properties:
        return f"Type: {kind(definition)}." if "properties" not in definition else "It has no fields."
    required = set(definition.get("required", ()))
    rows = [
        (code(name), kind(field), _default(field, name in required), inert(field.get("description", "")))
        for name, field in properties.items()
    ]
    return table(("field", "type", "default", "meaning"), rows)


def _default(field: Schema, required: bool) -> str:
    if "default" not in field:
        return "required" if required else ""
    return value(field["default"])


def kind(field: Schema) -> str:  # noqa: PLR0911 (one for each form)
    """Return what a field may be, in words; definitions are linked."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{inert(name)}](#{_anchor(name)})"
    for union in ("anyOf", "oneOf", "allOf"):
        if union in field:
            return " or ".join(dict.fromkeys(kind(option) for option in field[union]))
    if "const" in field:
        return value(field["const"])
    if "enum" in field:
        return " or ".join(value(option) for option in field["enum"])
    match field.get("type"):
        case "array":
            return _array(field)
        case "object":
            inner = field.get("additionalProperties")
            return f"table of {kind(inner)}" if isinstance(inner, Mapping) and inner else "table"
        case None:
            return "anything"
        case simple:
            limits = [inert(words.format(field[limit])) for limit, words in _LIMITS.items() if limit in field]
            return ", ".join([_NAMES.get(str(simple), str(simple)), *limits])


def _array(field: Schema) -> str:
    if "prefixItems" in field:
        return f"list of {len(field['prefixItems'])}: " + ", ".join(kind(item) for item in field["prefixItems"])
    limits = [words.format(field[limit]) for limit, words in _LIMITS.items() if limit in field]
    return ", ".join([f"list of {kind(field.get('items', {}))}", *limits])


def _told(definition: Schema) -> str:
    return str(definition.get("description", "")).split("\n\n")[0]


def _anchor(name: str) -> str:
    return name.lower()
