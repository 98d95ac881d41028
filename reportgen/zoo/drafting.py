"""A card to start from: what was found about a network without one, as the files of a folder of a zoo."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from reportgen.errors import OptionError
from reportgen.networks.core.network import Network
from reportgen.records.card import Adapter, ModelCard
from reportgen.records.files import file_digest
from reportgen.wording import command, option
from reportgen.zoo.sources import factory_of

_WIDTH = 116
_ARCH = "arch.py"
_LABELS = "labels.txt"


def drafted_files(model: str, network: Network, weights: Path | None) -> dict[str, str | Path]:
    """Return the files of a card's folder for a network that `model` names by its factory, by name.

    A Path is a file to copy. `arch.py` builds the network by its own factory: a file of one's own is copied beside it,
    a package is imported. Raises OptionError for a network of a zoo and for an exported program.
    """
    if ":" not in model or network.card is None:
        raise OptionError(
            f"A card is drafted for a factory, package.module:factory or file.py:factory, and {model} is none: "
            f"the cards of {command('models')} are there, and an exported program is taken by {option('--model')} as "
            "it is."
        )
    _, file = factory_of(model)
    place, _, factory = model.rpartition(":")
    own = file is not None and place.endswith(".py")
    module = (file.stem if file is not None and file.name != _ARCH else "network") if own else place
    files: dict[str, str | Path] = {"card.toml": _card(network, network.card, weights), _ARCH: _arch(module, factory)}
    if own and file is not None:
        files[f"{module}.py"] = file
    if network.labels:
        files[_LABELS] = "".join(f"{label}\n" for label in network.labels)
    return files


def _arch(module: str, factory: str) -> str:
    head, *inner = factory.split(".")
    return (
        f'"""Builds the network that {factory} of {module} makes."""\n\n'
        f"from {module} import {head}\n\n\n"
        "def build(card):\n"
        f"    return {'.'.join([head, *inner])}(**card.architecture.arguments)\n"
    )


def _card(network: Network, card: ModelCard, weights: Path | None) -> str:
    """Return card.toml: each field that is known, and as comments what was assumed."""
    lines = [
        "# Drafted by `reportgen card`: what is a guess says so here. Correct it below, and take its comment out.",
        *(line for note in network.assumptions for line in _comment(note)),
        "",
        f"name = {_toml(card.name)}",
        f"title = {_toml(card.title)}",
        'summary = ""  # what it is and what it was trained on, in a sentence',
    ]
    if card.classes is not None:
        lines.append(f"classes = {card.classes}")
    if network.labels:
        lines.append(f"labels = {_toml(_LABELS)}")
    elif card.classes is not None:
        lines.append(f"# labels = {_toml(_LABELS)}  # a file beside this one: one class name per line")
    if card.classifier is not None:
        lines.append(f"classifier = {_toml(card.classifier)}")
    lines += [f"parameters = {sum(one.numel() for one in network.module.parameters())}", '# licence = "MIT"', ""]
    arguments = card.architecture.arguments
    lines += ["[architecture]", f"source = {_toml(_ARCH)}", *([f"arguments = {_toml(arguments)}"] if arguments else [])]
    lines += ["", "[clip]", *_fields(card.clip.model_dump(exclude_defaults=True))]
    adapter = {name: value for name, value in card.adapter.model_dump().items() if value != getattr(Adapter(), name)}
    if adapter.get("probabilities", "") is None:
        del adapter["probabilities"]
        lines += ["", "[adapter]", '# probabilities = "softmax"  # or "sigmoid": not known of this network']
    elif adapter:
        lines += ["", "[adapter]"]
    lines += _fields(adapter)
    for stage in card.stages:
        lines += ["", "[[stages]]", f"layer = {_toml(stage.layer)}", f"title = {_toml(stage.title)}"]
    if weights is not None:
        lines += ["", "[[weights]]", f"file = {_toml(weights.name)}", f"sha256 = {_toml(file_digest(weights))}"]
    return "\n".join(lines) + "\n"


def _comment(note: str) -> Iterator[str]:
    lines = wrap(note, _WIDTH, break_on_hyphens=False)  # an option stays in one piece
    yield from (f"# {'- ' if place == 0 else '  '}{line}" for place, line in enumerate(lines))


def _fields(values: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_toml(value)}" for name, value in values.items() if value is not None]


def _toml(value: Any) -> str:
    """Return a value as TOML writes it; its strings, numbers and lists are those of JSON."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(name)} = {_toml(one)}" for name, one in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
