"""What is explained on which clips; shared by the methods that explain one scalar of a network's answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reportgen.analyses.base import Inapplicable, Subject, Unit
from reportgen.clips import Clip
from reportgen.networks.core.network import Network
from reportgen.networks.core.target import explained
from reportgen.records.identities import TargetId
from reportgen.records.targets import Target


def target_units(
    subject: Subject, variants: Iterable[Mapping[str, str]] = ({},), *, contrasts: bool = False
) -> Sequence[Unit | Inapplicable]:
    """Return one unit per clip, target and variant, or why there is none; with `contrasts` those of two classes too.

    Units of one clip and target are of one group. A variant's values end its unit's name, so that others can read it.
    """
    if not subject.network.has_classes and not subject.network.has_signal:
        return [Inapplicable(subject.model, "this network has no classes, and it was not said what else to explain")]
    if not subject.clips:
        return [Inapplicable(subject.model, "no clip: give real clips with --clip")]
    kinds = list(variants)
    return [
        _unit(subject, clip, target, kind)
        for clip in subject.clips
        for target in subject.targets[clip.name]
        if contrasts or target.kind != "contrast"
        for kind in kinds
    ]


def _unit(subject: Subject, clip: Clip, target: Target, kind: Mapping[str, str]) -> Unit:
    name = str(TargetId(model=subject.model, clip=clip.name, target=target))
    full = "/".join([name, *map(str, kind.values())])
    return Unit(full, name, {"clip": clip.name, "target": str(target), **kind}, inputs={"clip": clip.digest})


def asked(subject: Subject, unit: Unit) -> tuple[Network, int]:
    """Return the network that a unit asks, and its class there; see `network_of`."""
    return network_of(subject, unit.target)


def network_of(subject: Subject, target: Target) -> tuple[Network, int]:
    """Return the network to ask about a target, and its class: all but a class is class 0 of a network of its own."""
    if target.of_class:
        return subject.network, target.index or 0
    return explained(subject.network, target), 0


def title_of(subject: Subject, target: Target) -> str:
    """Return in words what is explained."""
    return target.title(subject.network.labels, subject.network.adapter.answer)
