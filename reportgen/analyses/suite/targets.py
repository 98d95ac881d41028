"""Which classes are asked about on which clips; shared by the analyses of a class on a clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reportgen.analyses.base import Inapplicable, NamedClip, Subject, Unit
from reportgen.records.identities import ClassId


def class_units(subject: Subject, variants: Iterable[Mapping[str, Any]] = ({},)) -> Sequence[Unit | Inapplicable]:
    """Return one unit per clip, class and variant, or why there is none.

    Units of one clip and class are of one group. A variant's values end its unit's name, so that others can read it.
    """
    if not subject.network.has_classes:
        return [Inapplicable(subject.model, "this network has no classes")]
    if not subject.clips:
        return [Inapplicable(subject.model, "no clip: give real clips with --clip")]
    kinds = list(variants)
    return [_unit(subject, clip, index, kind) for clip, index in _targets(subject) for kind in kinds]


def _targets(subject: Subject) -> Iterable[tuple[NamedClip, int]]:
    for clip in subject.clips:
        for index in subject.classes[clip.name]:
            yield clip, index


def _unit(subject: Subject, clip: NamedClip, index: int, variant: Mapping[str, Any]) -> Unit:
    name = str(ClassId(model=subject.model, clip=clip.name, index=index))
    full = "/".join([name, *map(str, variant.values())])
    return Unit(full, name, {"clip": clip.name, "class": index, **variant}, inputs={"clip": clip.digest})


def class_name(subject: Subject, index: int) -> str:
    """Return a class's label, or its number where the network has no labels."""
    labels = subject.network.labels
    return labels[index] if index < len(labels) else f"class {index}"
