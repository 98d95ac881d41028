"""What a foreign network returns of its classes: logits, probabilities, or logarithms of them; found by a grey clip."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.networks.core.above_mean import above_mean
from reportgen.networks.core.network import Network
from reportgen.networks.core.precision import FOLLOW_THE_WEIGHTS
from reportgen.networks.core.refusals import refusals_told
from reportgen.wording import option
from reportgen.zoo.sources import Definition, device_of

_UNLIKE = 0.02
"""By so much of their size logarithms may differ from a multiple of the logits that they are said to be of."""
_LEAST = -80.0
"""What is less is the logarithm of a probability that float32 may not hold."""


def with_probabilities(definition: Definition, module: nn.Module) -> Definition:
    """Return the definition told whether the network returns probabilities, found by running it on a grey clip.

    It is also told what makes them of the logits; where nothing says it, there is a note that they are not known.
    """
    card = definition.card
    # It is asked twice: what draws random numbers must draw the same ones.
    seeded = card.adapter.model_copy(update={"seed": card.adapter.seed or 0})
    network = Network(module, card.model_copy(update={"adapter": seeded}), device=device_of(module))
    if not network.has_classes:
        return definition
    clips = torch.full((1, *card.clip.shape), 0.5, device=network.device)

    def failing(reason: str) -> str:
        converted = any("converted" in note for note in card.notes)
        advice = FOLLOW_THE_WEIGHTS if converted else "look for the cause there"
        return f"{definition.origin} fails on a grey clip ({reason}): {advice}."

    with torch.no_grad(), refusals_told(failing):
        scores = network.class_scores(clips)
        kind = _squashing(network, scores, clips)
        logarithms = card.adapter.probabilities is None and _are_log_probabilities(network, scores)
        timed = "T" in (card.adapter.answer or "").split()
        whole = timed or not (logarithms or kind) or _are_of_the_whole(network, kind)
    update: dict[str, Any] = {}
    notes = []
    if logarithms:
        update = {"probabilities": "softmax"}
        behind = not timed and whole and _is_one(_scale(network, scores, clips))
        update |= {"scores": "probabilities"} if behind else {}
        notes.append(
            "It returns logarithms of probabilities, of a softmax of what its last layer returns: the logits are read "
            "there."
            if behind
            else "It returns logarithms of probabilities, which are explained as logits are."
        )
    elif kind is not None and card.adapter.scores != "probabilities":
        scale = 1.0 if kind == "sigmoid" else _scale(network, scores.log(), clips)
        behind = scale is not None
        update = {"scores": "probabilities" if behind else "none", "probabilities": kind}
        if behind and not _is_one(scale):
            update["probabilities"] = None
            notes.append("Its softmax is of a multiple of its logits, so no probabilities are told.")
        if behind and not whole:
            update["probabilities"] = None
            notes.append(
                "Its probabilities are means over parts of the clip. What is explained are the means of the logits, "
                "whose order may be another one, so no probabilities are told."
            )
        notes.append(
            f"It returns probabilities, a {kind} of what its last layer returns: the logits are read there."
            if behind
            else "It returns probabilities and no layer of it returns the logits, so it is taken to have no classes "
            "(let it return what is given to the softmax)."
        )
    elif not card.adapter.one_logit and card.adapter.probabilities is None:
        notes.append(
            "Not known: whether one class excludes the others (a softmax makes probabilities) or each is true or not "
            "by itself (a sigmoid), so no probabilities are told "
            f"({option('--adapter', {'probabilities': 'softmax'})} or "
            '"sigmoid" says it).'
        )
    adapter = card.adapter.model_copy(update=update)
    changed = card.model_copy(update={"adapter": adapter, "notes": (*card.notes, *notes)})
    return Definition(changed, definition.factory, definition.origin)


def _are_log_probabilities(network: Network, scores: Tensor) -> bool:
    """Whether scores `1 K` are logarithms of probabilities that sum to one."""
    if network.adapter.one_logit or scores.shape[1] < 2 or float(scores.max()) > 0:
        return False
    return abs(float(scores.exp().sum()) - 1) < 1e-3


def _scale(network: Network, logarithms: Tensor, clips: Tensor) -> float | None:
    """Return by how much the classifier's scores are multiplied in front of the softmax whose `logarithms` `1 K` are.

    None where it is not one of them: a sum of two heads' scores is not the last one's.
    """
    if network.card is None or network.card.classifier is None:
        return None
    logits, wanted = (above_mean(one.double()) for one in (_raw_logits(network, clips), logarithms.clamp_min(_LEAST)))
    if not logits.any() and not wanted.any():
        return 1.0
    scale = float((logits * wanted).sum() / logits.square().sum())
    off = float((scale * logits - wanted).norm() / wanted.norm())
    return scale if scale > 0 and off < _UNLIKE else None


def _are_of_the_whole(network: Network, kind: str | None) -> bool:
    """Whether what the network returns of a clip of unlike parts is made of the logits of all of it.

    Not where it returns the mean of the probabilities of frames, segments or crops: of a grey clip these are all alike.
    """
    assert network.spec is not None
    channels, frames, *size = network.spec.shape
    parts = torch.rand((channels, frames, 4, 4), generator=torch.Generator().manual_seed(0))
    clips = functional.interpolate(parts, size=size)[None].to(network.device)
    scores = network.class_scores(clips)
    if kind == "sigmoid":
        return _squashing(network, scores, clips) == kind
    return _scale(network, scores if kind is None else scores.log(), clips) is not None


def _is_one(scale: float | None) -> bool:
    return scale is not None and abs(scale - 1) < _UNLIKE


def _raw_logits(network: Network, clips: Tensor) -> Tensor:
    """Return what the classifier of a network with a card returns, `1 K`, as logits are read before probabilities."""
    assert network.card is not None
    adapter = network.card.adapter.model_copy(update={"scores": "probabilities"})
    with torch.no_grad():
        return replace(network, card=network.card.model_copy(update={"adapter": adapter})).logits(clips)


def _squashing(network: Network, scores: Tensor, clips: Tensor) -> Literal["softmax", "sigmoid"] | None:
    """Return what made probabilities `1 K` of logits: a softmax where they sum to one, or the last layer's sigmoid."""
    if not network.adapter.one_logit and bool(scores.min() >= 0) and abs(float(scores.sum()) - 1) < 1e-3:
        return "softmax"
    card = network.card
    own = scores[:, 1:] if network.adapter.one_logit else scores
    if card is None or card.classifier is None or not (float(own.min()) >= 0 and float(own.max()) <= 1):
        return None
    logits = _raw_logits(network, clips)
    raw = logits[:, 1:] if network.adapter.one_logit else logits
    return "sigmoid" if torch.allclose(raw.sigmoid(), own, atol=1e-4) else None
