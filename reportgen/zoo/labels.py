"""The class names of a network: those that are given, or its card's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportgen.errors import OptionError
from reportgen.networks.core.network import Network
from reportgen.records.card import ModelCard
from reportgen.wording import option
from reportgen.zoo.cards import CardEntry, read_labels


def network_labels(
    card: ModelCard, entry: CardEntry | None, labels: str | Path | Sequence[str] | None
) -> tuple[str, ...]:
    """Return the class names: those given, or the card's; raises OptionError when their number is wrong."""
    if labels is None and card.adapter.one_logit and card.labels is None:
        return ("against", "for")
    if labels is None:
        return entry.labels() if entry is not None and card.labels is not None else ()
    names = _names(labels)
    if card.adapter.one_logit and len(names) == 1:
        names = (f"not {names[0]}", names[0])
    if card.classes is None:
        raise OptionError(f"{card.name} has no classes: leave out the labels.")
    if len(names) != card.classes:
        raise OptionError(f"{card.name} has {card.classes} classes, but {len(names)} labels were given.")
    return names


def label_count(labels: str | Path | Sequence[str] | None) -> int | None:
    """Return how many class names were given; None where none were."""
    return None if labels is None else len(_names(labels))


def unnamed_classes(network: Network) -> tuple[str, ...]:
    """Say that classes have no names, where that is so."""
    if network.labels or not network.has_classes:
        return ()
    return (
        "Not known: what its classes are called, so they are told by their numbers "
        f"({option('--labels', form='FILE')} names them).",
    )


def _names(labels: str | Path | Sequence[str]) -> tuple[str, ...]:
    return read_labels(Path(labels)) if isinstance(labels, str | Path) else tuple(labels)
