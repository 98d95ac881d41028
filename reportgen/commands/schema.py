"""JSON schemas of all documents: those that a run consists of, and those that a person writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from reportgen.analyses.registry import methods
from reportgen.config.options import BuildOptions
from reportgen.errors import unknown_name
from reportgen.given import given_as
from reportgen.records.answers.registry import answer_models
from reportgen.records.card import ModelCard
from reportgen.records.jobs import Record
from reportgen.records.manifest import Run
from reportgen.records.plan import RunPlan
from reportgen.records.pyramid_schema import PyramidDocument

Schema = dict[str, Any]
_Mode = Literal["validation", "serialization"]

_DIALECT = GenerateJsonSchema.schema_dialect

#: Documents by name: the model, and whether the program writes them (serialization) or a person does (validation).
_ALONE: Mapping[str, tuple[type[BaseModel], _Mode]] = {
    "run": (Run, "serialization"),
    "plan": (RunPlan, "serialization"),
    "pyramid": (PyramidDocument, "serialization"),
    "card": (ModelCard, "validation"),
}


def schema(name: str | None = None) -> Schema:
    """Return the JSON schema of the document of that name, or with None those of all documents by name.

    `run`, `plan` and `record` are the files of a run, `answer.METHOD` what a record of that method holds, `pyramid` the
    graph of a class pyramid, `card` a card.toml and `config` a reportgen.toml. Needs no torch. Raises UnknownNameError
    with the nearest name, and OptionError or StoreError for an installed package's method that cannot be used.
    """
    known = _documents()
    if name is None:
        return {key: make() for key, make in known.items()}
    if given_as(name, str, "A document") not in known:
        raise unknown_name("document", name, known)
    return known[name]()


def _documents() -> dict[str, Callable[[], Schema]]:
    """Return what makes each document's schema, by name."""
    return {
        **{name: partial(_alone, model, mode) for name, (model, mode) in _ALONE.items()},
        **{f"answer.{name}": partial(_alone, model, "serialization") for name, model in answer_models().items()},
        "record": _record,
        "config": _config,
    }


def _alone(model: type[BaseModel], mode: _Mode) -> Schema:
    return {"$schema": _DIALECT, **model.model_json_schema(mode=mode)}


def _record() -> Schema:
    """Return the schema of a record, whose answer is of the model of its job's analysis."""
    answers = answer_models()
    references, shared = _together([Record, *answers.values()], "serialization")
    of_its_analysis = [
        {
            "if": {
                "properties": {
                    "job": {"properties": {"analysis": {"const": name}}},
                    "outcome": {"properties": {"status": {"const": "done"}}, "required": ["status"]},
                }
            },
            "then": {"properties": {"outcome": {"properties": {"answer": references[model]}}}},
        }
        for name, model in answers.items()
    ]
    return {"$schema": _DIALECT, **_inlined(references[Record], shared), "allOf": of_its_analysis, **shared}


def _config() -> Schema:
    """Return the schema of a configuration file: the options, and a table for each method's parameters."""
    known = methods()
    parameters = {name: method.parameters for name, method in known.items()}
    references, shared = _together([BuildOptions, *parameters.values()], "validation")
    tables = {name: references[model] for name, model in parameters.items()}
    options = _inlined(references[BuildOptions], shared)
    properties = options["properties"]
    properties["parameters"] = {**properties["parameters"], "properties": tables, "additionalProperties": False}
    for name, table in tables.items():
        # A method may have an option's name, as `kernels` has: a table is the method's.
        properties[name] = {"anyOf": [properties[name], table]} if name in properties else table
    return {"$schema": _DIALECT, **options, "title": "reportgen.toml", **shared}


def _together(models: Sequence[type[BaseModel]], mode: _Mode) -> tuple[dict[type[BaseModel], Schema], Schema]:
    """Return the models' references into definitions that they share, and these definitions."""
    unique = list(dict.fromkeys(models))
    references, shared = models_json_schema([(model, mode) for model in unique])
    return {model: references[model, mode] for model in unique}, {"$defs": shared["$defs"]}


def _inlined(reference: Schema, shared: Schema) -> Schema:
    found: Schema = shared["$defs"].pop(reference["$ref"].rpartition("/")[2])
    return found
