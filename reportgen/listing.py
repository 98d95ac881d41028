"""What there is to look at: the models of the zoo, and the layers of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reportgen.records.base import Frozen
from reportgen.records.manifest import LayerFacts
from reportgen.zoo.cards import CardEntry, default_zoo
from reportgen.zoo.places import find_weights


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


class LayerRow(Frozen):
    """A convolutional or linear layer of a network, with its share of the whole."""

    facts: LayerFacts
    parameter_share: float
    multiply_add_share: float | None
    stage: str | None


def list_models(zoo: Sequence[Path] = ()) -> list[ModelRow]:
    """Return the models of the bundled zoo and of the user's own folders, by name; needs no torch."""
    return [_model_row(entry) for entry in default_zoo(zoo).entries()]


def _model_row(entry: CardEntry) -> ModelRow:
    card = entry.card
    return ModelRow(
        name=card.name,
        aliases=card.aliases,
        title=card.title,
        clip=(card.clip.frames, card.clip.height, card.clip.width),
        classes=card.classes,
        parameters=card.parameters,
        weights="here" if find_weights(entry) else ("reportgen fetch" if _fetchable(entry) else "by hand"),
        licence=card.licence,
        stages=tuple(stage.layer for stage in card.stages),
    )


def _fetchable(entry: CardEntry) -> bool:
    return any(source.url for source in entry.card.weights)


def list_layers(
    model: str,
    *,
    zoo: Sequence[Path] = (),
    model_args: Mapping[str, Any] | None = None,
    clip: Mapping[str, Any] | None = None,
    adapter: Mapping[str, Any] | None = None,
) -> list[LayerRow]:
    """Return the convolutional and linear layers of a network in order of execution, without its weights.

    The arguments are those of `load_network`, and so are the errors.
    """
    from reportgen.networks.kernels.layers import describe_layers
    from reportgen.zoo.load import load_network

    network = load_network(model, zoo=zoo, model_args=model_args, clip=clip, adapter=adapter, meta=True)
    layers = describe_layers(network)
    parameters = sum(parameter.numel() for parameter in network.module.parameters())
    work = sum(facts.multiply_adds or 0 for facts in layers)
    stages = {stage.layer: stage.title for stage in network.card.stages} if network.card else {}
    return [
        LayerRow(
            facts=facts,
            parameter_share=facts.parameters / parameters if parameters else 0.0,
            multiply_add_share=facts.multiply_adds / work if facts.multiply_adds is not None and work else None,
            stage=stages.get(facts.name),
        )
        for facts in layers
    ]
