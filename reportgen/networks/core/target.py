"""A network asked about one scalar of its answer: every method that asks about a class asks it about class 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError, unknown_name
from reportgen.networks.core.classes import ClassLike, class_index
from reportgen.networks.core.network import Network, as_network
from reportgen.records.targets import Target, axes_of_answer

_FIRST = Target.of(0)


@dataclass(frozen=True, repr=False)
class TargetNetwork(Network):
    """A network whose only logit, `N 1`, is one target of the network that it was made of."""

    target: Target = _FIRST

    @property
    def has_classes(self) -> bool:
        """It has one, the target, whatever the network that it was made of has."""
        return True

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.target} of {self._asked!r})"

    def logits(self, clips: Tensor) -> Tensor:
        """Return the target of clips `N C T H W` in [0, 1] RGB, as `N 1`.

        Raises UnknownNameError for a class, time, channel or place that there is not.
        """
        return target_values(self._asked, clips, [self.target])

    @property
    def _asked(self) -> Network:
        return Network(**{one.name: getattr(self, one.name) for one in fields(Network)})


def explained(network: Network | nn.Module, target: Target) -> TargetNetwork:
    """Return the network as one that has a single class 0: the target."""
    seen = as_network(network)
    return TargetNetwork(**{one.name: getattr(seen, one.name) for one in fields(Network)}, target=target)


def contrast(network: Network | nn.Module, wanted: ClassLike, against: ClassLike) -> TargetNetwork:
    """Return the network as one that has a single class 0, the contrast of two of its own: y_wanted - y_against.

    What both classes share cancels, so that an attribution of it says what tells them apart. Classes are named or
    counted from 0. Raises UnknownNameError for one that there is not, NetworkError when both are the same class.
    """
    seen = as_network(network)
    first, second = class_index(seen, wanted), class_index(seen, against)
    if first == second:
        raise NetworkError(f"A contrast needs two classes, and class {first} is given twice.")
    return explained(seen, Target.of(first, second))


def target_values(network: Network, clips: Tensor, targets: Sequence[Target]) -> Tensor:
    """Return the values `N V` of V targets of one network for clips `N C T H W` in [0, 1] RGB.

    Raises UnknownNameError for a class, time, channel or place that there is not.
    """
    if all(target.time is not None for target in targets):
        timed = network.logits_over_time(clips)
        return torch.stack([_picked(timed, (one.index or 0, one.time or 0), "class and time") for one in targets], 1)
    if all(target.kind in {"class", "contrast"} and target.time is None for target in targets):
        logits = network.logits(clips)
        return torch.stack([_of_classes(logits, target) for target in targets], 1)
    if any(target.kind in {"class", "contrast"} for target in targets):
        return torch.cat([target_values(network, clips, [target]) for target in targets], 1)
    answer = network.signal(clips)
    return torch.stack([_of_answer(network, answer, target) for target in targets], 1)


def _of_classes(logits: Tensor, target: Target) -> Tensor:
    own = _picked(logits, (target.index or 0,), "class")
    return own if target.against is None else own - _picked(logits, (target.against,), "class")


def _of_answer(network: Network, answer: Tensor, target: Target) -> Tensor:
    if target.kind == "unit":
        return _picked(answer, target.place, "place")
    if target.index is not None:
        axes = axes_of_answer(network.adapter.answer or "")
        if "C" not in axes:
            raise unknown_name("channel", str(target.index), ["none: this answer has no channels"])
        channels = answer.movedim(1 + axes.index("C"), 1)
        answer = _picked(channels, (target.index,), "channel")
    flat = answer.flatten(1) if answer.ndim > 1 else answer.unsqueeze(1)
    return flat.mean(1) if target.kind == "mean" else flat.amax(1)


def _picked(values: Tensor, place: Sequence[int], what: str) -> Tensor:
    """Return `values[:, *place]`; raises UnknownNameError where that is not there."""
    shape = values.shape[1:]
    if len(place) > len(shape) or any(one >= size for one, size in zip(place, shape, strict=False)):
        most = " ".join(f"0 to {size - 1}" for size in shape[: max(1, len(place))])
        raise unknown_name(what, " ".join(map(str, place)), [most])
    if what == "place" and len(place) != len(shape):
        raise unknown_name(what, " ".join(map(str, place)), [" ".join(f"0 to {size - 1}" for size in shape)])
    for index in place:
        values = values.select(1, index)
    return values
