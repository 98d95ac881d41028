"""Which fields of a run an anonymous report is without; all others stay as their authors wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import JsonValue

from reportgen.anonymous.clips import ClipNames
from reportgen.anonymous.text import without_last_place, without_places
from reportgen.records.card import ModelCard
from reportgen.records.manifest import Environment, Run, WeightsFacts

DROPPED: Mapping[str, str] = MappingProxyType(
    {
        "command line": "what was typed",
        "commit": "of the checkout that reportgen ran from",
        "citation of this report": "its line, its BibTeX and its tags in the pages' heads",
        "weights": "file name, address, source and the file's own digest",
        "weights digest": "of the loaded tensors, and whatever was derived from it; --keep-digest keeps it",
        "definition of the network": "name and digest of the file, and its factory's arguments",
        "model card": "citation, notes, aliases, addresses of weights, what it was checked against, label file",
        "clips": "file names and titles of clips that were read from files, which are numbered instead",
        "options": "names of networks, weights, labels, zoo folders, clips, reference and concept folders",
        "times": "the time of day and its zone: days stay",
        "messages of failed jobs": "with machines and logs; and paths, addresses and file names in notes and reasons",
        "metadata of pictures": "text, EXIF, XMP, colour profiles and comments",
    }
)
"""What is left out, by name: an anonymous report and the documentation list it."""

_OPTIONS = frozenset(
    {"preset", "device", "threads", "seed", "choose", "objective", "kernels", "layers", "classes", "targets"}
    | {"contrasts", "analyses", "parameters", "check", "frames", "untrained", "clip_spec", "adapter"}
)
_DAY = 10


def anonymous_run(run: Run, names: ClipNames, *, keep_digest: bool) -> Run:
    """Return a run's header without what tells who made it; keys of jobs, and pictures, are the caller's."""
    return run.model_copy(
        update={
            "anonymous": True,
            "card": _card(run.card),
            "weights": _weights(run.weights, keep_digest=keep_digest),
            "source": None,
            "options": _options(run.options),
            "environment": _environment(run.environment),
            "clips": tuple(names.facts(clip) for clip in run.clips),
            "started": day(run.started),
            "finished": day(run.finished) if run.finished else None,
        }
    )


def day(time: str) -> str:
    """Return the day of a time in ISO 8601: the time of day tells where people work."""
    return time[:_DAY]


def _card(card: ModelCard) -> ModelCard:
    dropped: dict[str, Any] = {"citation": None, "checked_against": None, "labels": None, "weights": ()}
    plain = {"aliases": (), "notes": (), "summary": without_places(card.summary)}
    architecture = card.architecture.model_copy(update={"source": "arch.py", "factory": "build", "arguments": {}})
    return card.model_copy(update={**dropped, **plain, "architecture": architecture})


def _weights(weights: WeightsFacts, *, keep_digest: bool) -> WeightsFacts:
    dropped: dict[str, Any] = {"file": None, "file_sha256": None, "source": None}
    trained_on = without_last_place(weights.trained_on) if weights.trained_on else None
    digest = weights.sha256 if keep_digest else ""
    return weights.model_copy(update={**dropped, "trained_on": trained_on, "sha256": digest})


def _environment(environment: Environment) -> Environment:
    return environment.model_copy(update={"command": (), "commit": None})


def _options(options: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    kept = {name: value for name, value in options.items() if name in _OPTIONS}
    if isinstance(parameters := kept.get("parameters"), dict):
        kept["parameters"] = {
            table: {name: value for name, value in values.items() if name != "folders"}
            for table, values in parameters.items()
            if isinstance(values, dict)
        }
    return kept
