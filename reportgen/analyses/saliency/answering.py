"""The maps of some clips by one method, from a quick copy of the network where it has one, in as few passes as do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from reportgen.analyses.common.memory import with_less_memory
from reportgen.analyses.saliency.question import MapMethod, Question
from reportgen.analyses.saliency.way_back import Pass, pass_to_clip, pass_to_layers
from reportgen.errors import NetworkError
from reportgen.networks.core.classes import ClassLike, clip_logits, explained_class
from reportgen.networks.core.network import Network
from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.speed.quick_copy import light_copy, quick_copy
from reportgen.networks.speed.reused_memory import reused_memory
from reportgen.progress import Progress

MANY_PASSES = 6
"""Passes back that pay for packing the weights and for holding a copy of the network against it."""


def _singly(clips: Tensor) -> tuple[Tensor, ...]:
    return torch.split(clips, 1)


@dataclass(frozen=True)
class Answered:
    """The maps `N C T H W` of N clips, their logits `N K`, and the class that they are of."""

    attribution: Tensor
    scores: Tensor
    class_index: int


def quickly_answered(
    method: MapMethod, every: Question, wanted: ClassLike | None, progress: Progress, held: Network | None = None
) -> Answered:
    """Return the maps of all clips by a quick copy of the network, or by itself where that has none or refuses.

    Maps of many passes ask a copy that was held against the network on the first clip. One that was `held` against it
    already is asked in place of a new one, and tells the logits too; but not of layers, which it need not have.
    """
    network, first = every.network, every.clip[:1]
    one_pass = method.differentiates or method.reads_layer
    held = None if method.reads_layer else held
    quick, known = held, None
    if held is None and one_pass:
        quick = light_copy(network)
    if not one_pass or (wanted is None and len(every.clip) > 1):
        known = clip_logits(held or network, every.clip)
    if held is None and not one_pass and len(every.clip) * method.passes(every) >= MANY_PASSES:
        quick = quick_copy(network, [first])
    with reused_memory():
        if quick is not None:
            with suppress(NetworkError, *REFUSALS):  # the network itself then says why
                return _answers(method, replace(every, network=quick), wanted, known, progress)
        return _answers(method, every, wanted, known, progress)


def _answers(
    method: MapMethod, every: Question, wanted: ClassLike | None, known: Tensor | None, progress: Progress
) -> Answered:
    """Return the maps of all clips, each answered alone, with half of the batch whenever memory runs out.

    `known` are the clips' logits, where a map makes passes of its own. Else the pass that tells them is the one that
    the map goes back through.
    """
    one_pass = method.differentiates or method.reads_layer
    found, told, index = [], [], -1
    with torch.enable_grad(), progress.task(method.title, len(every.clip) * method.passes(every)) as task:
        for number, (clip, baseline) in enumerate(zip(_singly(every.clip), _singly(every.baseline), strict=True)):
            passed = _passed(method, every, clip) if one_pass else None
            scores = passed.logits.detach() if passed else known[number : number + 1]  # type: ignore[index]
            index = explained_class(every.network, wanted, scores if known is None else known)
            asked = replace(
                every,
                clip=clip,
                baseline=baseline,
                scores=scores,
                class_index=index,
                passed=passed,
                advance=task.advance,
            )
            found.append(
                with_less_memory(
                    lambda size, asked=asked: method.compute(replace(asked, batch_size=size)),  # type: ignore[misc]
                    every.batch_size,
                    method.title,
                )
            )
            told.append(scores)
    return Answered(torch.cat(found), torch.cat(told), index)


def _passed(method: MapMethod, every: Question, clip: Tensor) -> Pass:
    """Return the pass of a clip that tells its logits, kept as far as the method goes back in it."""

    def run(_size: int) -> Pass:
        if method.reads_layer:
            return pass_to_layers(every.network, clip, every.places)
        return pass_to_clip(every.network, clip)

    return with_less_memory(run, 1, method.title)
