"""What is explained on each clip: classes, classes at a time, contrasts, or what a network without classes answers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor

from reportgen.analyses.base import tensor
from reportgen.clips import Clip
from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError
from reportgen.networks.core.classes import class_index
from reportgen.networks.core.network import Network
from reportgen.networks.core.target import target_values
from reportgen.records.targets import Target, axes_of_answer
from reportgen.wording import option

_FORMS = (
    "class:NAME, class:NAME@TIME, mean, peak, mean:CHANNEL, peak:CHANNEL, or unit:I,J,... with an index for each axis, "
    "all counted from 0"
)


def select_targets(
    network: Network, clips: Sequence[Clip], logits: Mapping[str, Tensor], options: BuildOptions
) -> dict[str, tuple[Target, ...]]:
    """Return what is explained on each clip, by the clip's name.

    The classes and targets that the user named, else the class that the network predicts (one logit for and against),
    or of a network without classes the mean and the peak of its answer (of one number that number); and the contrasts.
    Raises UnknownNameError for a class, time, channel or place that there is not, OptionError for what the network has
    none of.
    """
    named = [
        *(Target(kind="class", index=class_index(network, name)) for name in _allowed(network, options.classes)),
        *(parse_target(network, text) for text in options.targets),
    ]
    contrasts = _contrasts(network, options.contrasts)
    _check(network, clips, [*named, *contrasts])
    found = {}
    for clip in clips:
        own = named or _usual(network, logits.get(clip.name))
        found[clip.name] = tuple(dict.fromkeys([*own, *contrasts]))
    return found


def parse_target(network: Network, text: str) -> Target:
    """Return what `--target` names. Raises OptionError for another form, UnknownNameError for an unknown class."""
    found = re.fullmatch(r"\s*(class|mean|peak|unit)\s*(?::(.*?))?(?:@(\d{1,9}))?\s*", text, re.DOTALL)
    kind, value, time = found.groups() if found else ("", None, None)
    if kind == "class" and value:
        _allowed(network, [value])
        return Target(kind="class", index=class_index(network, value), time=None if time is None else int(time))
    if kind in {"mean", "peak"} and time is None and (value is None or re.fullmatch(r"\d{1,9}", value)):
        index = None if value is None else int(value)
        own = Target(kind="mean" if kind == "mean" else "peak", index=index)
    elif kind == "unit" and time is None and re.fullmatch(r"\d{1,9}(,\d{1,9}){0,5}", value or ""):
        own = Target(kind="unit", place=tuple(map(int, (value or "").split(","))))
    else:
        raise OptionError(f"{option('--target', text)} is no target: write {_FORMS}.")
    if not network.has_signal:
        answer = "answers with classes" if network.has_classes else "answers with nothing that was said"
        raise OptionError(f"{option('--target', text)} is for networks without classes: {network.name} {answer}.")
    return own


def _usual(network: Network, logits: Tensor | None) -> list[Target]:
    if logits is not None:
        predicted = int(logits.argmax())
        # One logit is explained for and against, what it says first.
        return [Target.of(predicted), *([Target.of(1 - predicted)] if network.adapter.one_logit else [])]
    if network.adapter.answer is None or network.has_classes:
        return []
    # Of a single number the mean is the peak.
    return [Target(kind="mean"), *([Target(kind="peak")] if axes_of_answer(network.adapter.answer) else [])]


def _allowed(network: Network, names: Sequence[str]) -> Sequence[str]:
    if names and not network.has_classes:
        raise OptionError(
            f"{network.name} has no classes: say with {option('--target')} what is explained, such as mean or peak."
        )
    return names


def _contrasts(network: Network, pairs: Iterable[tuple[str, str]]) -> list[Target]:
    found = []
    for first, second in pairs:
        if not network.has_classes:
            raise OptionError(f"{network.name} has no classes: leave out {option('--contrast')}.")
        pair = class_index(network, first), class_index(network, second)
        if pair[0] == pair[1]:
            raise OptionError(f"{option('--contrast')} needs two classes, and {first!r} and {second!r} are the same.")
        found.append(Target(kind="contrast", index=pair[0], against=pair[1]))
    return found


def _check(network: Network, clips: Sequence[Clip], targets: Sequence[Target]) -> None:
    """Ask the first clip once: a time, a channel or a place may not be there."""
    if clips and any(not target.of_class for target in targets):
        with torch.no_grad():
            target_values(network, tensor(clips[0]).to(network.device), targets)
