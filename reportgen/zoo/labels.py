"""The class names of a network: those that are given, or its card's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import TypeAlias

from reportgen.errors import OptionError, a_type
from reportgen.networks.core.network import Network
from reportgen.records.card import ModelCard
from reportgen.wording import option
from reportgen.zoo.cards import CardEntry, read_labels

GivenLabels: TypeAlias = str | os.PathLike[str] | Iterable[str] | Mapping[int, str]
"""Class names: a file of them, one a line, a list in the order of the classes, or a mapping from every index."""


def network_labels(card: ModelCard, entry: CardEntry | None, labels: Sequence[str] | None) -> tuple[str, ...]:
    """Return the class names: those given, or the card's; raises OptionError when their number is wrong."""
    if labels is None and card.adapter.one_logit and card.labels is None:
        return ("against", "for")
    if labels is None:
        return entry.labels() if entry is not None and card.labels is not None else ()
    names = tuple(labels)
    if card.adapter.one_logit and len(names) == 1:
        names = (f"not {names[0]}", names[0])
    if card.classes is None:
        raise OptionError(f"{card.name} has no classes: leave out the labels.")
    if len(names) != card.classes:
        raise OptionError(f"{card.name} has {card.classes} classes, but {len(names)} labels were given.")
    return names


def label_count(labels: Sequence[str] | None) -> int | None:
    """Return how many class names were given; None where none were."""
    return None if labels is None else len(labels)


def unnamed_classes(network: Network) -> tuple[str, ...]:
    """Say that classes have no names, where that is so."""
    if network.labels or not network.has_classes:
        return ()
    return (
        "Not known: what its classes are called, so they are told by their numbers "
        f"({option('--labels', form='FILE')} names them).",
    )


def given_labels(labels: GivenLabels | None) -> tuple[str, ...] | None:
    """Return the class names that were given, in the order of the classes; None where none were.

    A mapping is one from every index to its name. Raises OptionError for what has no order or holds no names.
    """
    if labels is None:
        return None
    if isinstance(labels, str | os.PathLike):
        return read_labels(Path(labels))
    if isinstance(labels, Mapping):
        if sorted(map(str, labels)) != sorted(map(str, range(len(labels)))):
            keys = ", ".join(repr(key) for key in list(labels)[:3])
            raise OptionError(
                f"Labels are names in the order of the classes, and this has the keys {keys}: give its names."
            )
        labels = [name for _, name in sorted(labels.items(), key=lambda pair: int(pair[0]))]
    if isinstance(labels, Set) or not isinstance(labels, Iterable):
        raise OptionError(f"Labels are a list of names in the order of the classes, and not {a_type(labels)}.")
    names = tuple(labels)
    if others := [name for name in names if not isinstance(name, str)]:
        raise OptionError(f"Labels are names, and {others[0]!r} is {a_type(others[0])}: give texts.")
    return tuple(map(str, names))
