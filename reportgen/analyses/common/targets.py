"""Which classes are asked about on which clips; shared by the analyses of a class on a clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reportgen.analyses.base import Inapplicable, NamedClip, Subject, Unit
from reportgen.networks.core.contrast import contrast
from reportgen.networks.core.network import Network
from reportgen.records.identities import ClassId


def class_units(
    subject: Subject, variants: Iterable[Mapping[str, Any]] = ({},), *, contrasts: bool = False
) -> Sequence[Unit | Inapplicable]:
    """Return one unit per clip, class and variant, or why there is none; with `contrasts` those of two classes too.

    Units of one clip and class (or contrast) are of one group. A variant's values end its unit's name, so that others
    can read it.
    """
    if not subject.network.has_classes:
        return [Inapplicable(subject.model, "this network has no classes")]
    if not subject.clips:
        return [Inapplicable(subject.model, "no clip: give real clips with --clip")]
    kinds = list(variants)
    return [
        _unit(subject, clip, index, against, kind)
        for clip, index, against in _targets(subject, contrasts=contrasts)
        for kind in kinds
    ]


def _targets(subject: Subject, *, contrasts: bool) -> Iterable[tuple[NamedClip, int, int | None]]:
    for clip in subject.clips:
        for index in subject.classes[clip.name]:
            yield clip, index, None
        for index, against in subject.contrasts if contrasts else ():
            yield clip, index, against


def _unit(subject: Subject, clip: NamedClip, index: int, against: int | None, variant: Mapping[str, Any]) -> Unit:
    name = str(ClassId(model=subject.model, clip=clip.name, index=index, against=against))
    full = "/".join([name, *map(str, variant.values())])
    rather = {} if against is None else {"against": against}
    return Unit(full, name, {"clip": clip.name, "class": index, **rather, **variant}, inputs={"clip": clip.digest})


def asked(subject: Subject, unit: Unit) -> tuple[Network, int]:
    """Return the network that a unit asks, and its class there: a contrast is class 0 of a network of its own."""
    index = int(unit.parameters["class"])
    if "against" in unit.parameters:
        return contrast(subject.network, index, int(unit.parameters["against"])), 0
    return subject.network, index


def asked_name(subject: Subject, unit: Unit) -> str:
    """Return the class that a unit asks about, or which one rather than which."""
    name = class_name(subject, int(unit.parameters["class"]))
    if "against" in unit.parameters:
        return f"{name} rather than {class_name(subject, int(unit.parameters['against']))}"
    return name


def class_name(subject: Subject, index: int) -> str:
    """Return a class's label, or its number where the network has no labels."""
    labels = subject.network.labels
    return labels[index] if index < len(labels) else f"class {index}"
