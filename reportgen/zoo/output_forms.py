"""What a foreign network returns: classes, one logit, or something that has none, and where among its outputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError, OptionError
from reportgen.networks.core.answer import USUAL_NAMES
from reportgen.networks.core.call import to_call
from reportgen.records.card import Adapter, ModelCard
from reportgen.records.manifest import LayerFacts
from reportgen.wording import option
from reportgen.zoo.axes import Leaf, Path, read_leaves
from reportgen.zoo.exported import kernels_in_graphs
from reportgen.zoo.input_forms import Fit
from reportgen.zoo.sources import device_of

#: Channels of maps that pictures are predicted with: depth has one, flow two, colours are three.
_FEW = 3
#: Names that networks give what they know before they decide.
_FEATURES = ("feat", "emb", "hidden", "token", "pool", "state", "attention", "mask", "loss", "repr", "latent")


@dataclass(frozen=True)
class Answering:
    """A network to be read: how it is fed, the module (perhaps without values), the same with values, its layers.

    `labels` is how many class names the user gave, if any; `said` are the adapter's fields that the user said.
    """

    fit: Fit
    module: nn.Module
    real: Callable[[], nn.Module]
    layers: Sequence[LayerFacts]
    labels: int | None
    said: Mapping[str, Any]

    @property
    def last_kernels(self) -> int | None:
        """How many kernels the last layer has that runs."""
        return self.kernels[-1] if self.kernels else None

    @cached_property
    def kernels(self) -> tuple[int, ...]:
        """How many kernels each layer has that runs, in their order; those of an exported program are steps of it."""
        executed = tuple(layer.kernels for layer in self.layers if layer.output is not None)
        return executed or kernels_in_graphs(self.module)


def with_answer(card: ModelCard, network: Answering) -> tuple[ModelCard, list[str]]:
    """Return the card with what the network answers, and the notes that say so.

    Raises NetworkError where it is not certain which output, or which axis of it, is meant, and OptionError where the
    user names an output or axis that is not there.
    """
    found = read_leaves(network.fit, network.module)
    adapter = network.fit.adapter
    if "output" in network.said:
        found = [_named(found, adapter)]
    if {"average", "answer"} & set(network.said):
        return _as_said(card, network, found), []
    if network.said.get("scores") != "none":
        scores = [leaf for leaf in found if _is_scores(leaf, network)]
        if scores:
            chosen = _chosen(card, scores, found, network)
            return _with_probabilities(*_with_scores(card, chosen, network), chosen, scores, network)
        if any(_may_be_scores(leaf) for leaf in found):
            raise _uncertain(card, found)
    return _without_classes(card, found, network)


def _named(found: Sequence[Leaf], adapter: Adapter) -> Leaf:
    """Return the output that the user named; raises OptionError with those that are there."""
    for leaf in found:
        if leaf.path == adapter.output:
            return leaf
    there = ", ".join(f"{json.dumps(leaf.path)} ({leaf.shape})" for leaf in found)
    named = json.dumps(adapter.output)
    raise OptionError(f"{option('--adapter')}: there is no output {named}, the network returns {there or 'none'}.")


def _as_said(card: ModelCard, network: Answering, found: Sequence[Leaf]) -> ModelCard:
    """Return the card with the axes that the user named; raises OptionError for those that are not there."""
    if len(found) != 1:
        raise _uncertain(card, found)
    (leaf,), adapter = found, network.fit.adapter
    if not all(0 < axis < leaf.tensor.ndim for axis in adapter.average):
        raise OptionError(
            f"{option('--adapter')}: average is {list(adapter.average)}, but the output {leaf.shape} has the axes "
            f"1 to {leaf.tensor.ndim - 1} beside N."
        )
    left = [size for axis, size in enumerate(leaf.tensor.shape) if axis not in adapter.average]
    letters = (adapter.answer or "").split()
    if letters and (len(letters) != len(left) or any(a == "1" != str(n) for a, n in zip(letters, left, strict=True))):
        raise OptionError(
            f"{option('--adapter')}: answer {adapter.answer!r} names {len(letters)} axes, but {leaf.shape} with "
            f"average {list(adapter.average)} leaves {' '.join(['N', *map(str, left[1:])])}."
        )
    classes = 2 if adapter.one_logit else left[letters.index("K")] if "K" in letters else None
    if adapter.scores == "none":
        classes = None
    return card.model_copy(
        update={"classes": classes, "adapter": card.adapter.model_copy(update={"output": leaf.path})}
    )


def _is_scores(leaf: Leaf, network: Answering) -> bool:
    """Whether a tensor is for certain one logit, class scores, or class scores at each time."""
    if any(leaf.count(letter) for letter in "HWX"):
        return False
    if set(leaf.letters) <= {"N", "1"}:
        return True
    if leaf.count("?"):
        return _told_by_layer(leaf, network)
    if leaf.count("K") == 2 and not leaf.count("T"):
        return _told_by_layer(leaf, network)
    return leaf.count("K") == 1 and _is_made_by_a_layer(leaf, network)


def _is_made_by_a_layer(leaf: Leaf, network: Answering) -> bool:
    """Whether a layer has as many kernels as the output has scores, or the user gave as many labels.

    Of a fixed number of segments, or of the largest scores alone, neither is so: as many numbers are no classes.
    """
    size = leaf.tensor.shape[leaf.letters.index("K")]
    return size == network.labels or size in network.kernels


def _told_by_layer(leaf: Leaf, network: Answering) -> bool:
    """Whether the last layer's kernels tell which of several axes holds the classes, or that the only one does."""
    kept = [size for letter, size in zip(leaf.letters, leaf.tensor.shape, strict=True) if letter in {"K", "?"}]
    frames = network.fit.clip.frames
    if len(kept) == 1 and (kept[0] > frames or kept[0] == network.labels != frames):  # no length of time
        return True
    return kept.count(network.last_kernels or 0) == 1 and network.last_kernels != frames and len(kept) <= 2


def _may_be_scores(leaf: Leaf) -> bool:
    """Whether a tensor that is no class score for certain could yet be one."""
    kept = leaf.count("K") + leaf.count("?") + leaf.count("X")
    return 0 < kept <= 2 and not (leaf.count("H") or leaf.count("W")) and leaf.tensor.ndim < 5


def _chosen(card: ModelCard, scores: Sequence[Leaf], found: Sequence[Leaf], network: Answering) -> Leaf:
    """Return the class scores among several: by name, by the number of labels, or as what a softmax was taken of.

    An output that could be scores is not taken for them where another one is no less likely what the network is for:
    beside a signal, or a map, it may well be features.
    """
    rest = [leaf for leaf in scores if not _is_feature(leaf)] or list(scores)
    others = [leaf for leaf in found if leaf not in scores and not _is_feature(leaf)]
    made_last = len(rest) == 1 and _classes(rest[0], network) == network.last_kernels
    doubted = bool(others) and (not made_last or any(map(_may_be_meant, others)))
    ways: list[Callable[[], list[Leaf]]] = [
        lambda: [] if doubted else rest,
        lambda: [leaf for leaf in rest if {*USUAL_NAMES} & {str(step).lower() for step in leaf.path}],
        lambda: [leaf for leaf in rest if any("logit" in str(step).lower() for step in leaf.path)],
        lambda: [leaf for leaf in rest if network.labels is not None and _classes(leaf, network) == network.labels],
        lambda: _before_softmax(rest, network),
    ]
    for way in ways:
        left = way()
        if len(left) == 1:
            return left[0]
    raise _uncertain(card, found)


def _may_be_meant(leaf: Leaf) -> bool:
    """Whether an output that is no class scores may be what a network is for: a signal, or maps of few channels."""
    channels = [n for letter, n in zip(leaf.letters, leaf.tensor.shape, strict=True) if letter in {"K", "?"}]
    return not channels or (bool(leaf.count("H") or leaf.count("W")) and max(channels) <= _FEW)


def _is_feature(leaf: Leaf) -> bool:
    return any(word in str(step).lower() for step in leaf.path for word in _FEATURES)


def _before_softmax(rest: Sequence[Leaf], network: Answering) -> list[Leaf]:
    """Return the outputs of which another one is the softmax or the sigmoid."""
    values = _values(network)
    return [leaf for leaf in rest if _squashed(leaf, rest, values) is not None]


def _values(network: Answering) -> dict[Path, Tensor]:
    """Return what the network answers to a call of noise, by the way to each tensor."""
    module, fit = network.real(), network.fit
    clips = torch.rand(fit.held, *fit.clip.shape, generator=torch.Generator().manual_seed(0)).to(device_of(module))
    with torch.no_grad():
        return dict(fit.answers(to_call(clips, fit.adapter).of(module)))


def _squashed(leaf: Leaf, found: Sequence[Leaf], values: Mapping[Path, Tensor]) -> Literal["softmax", "sigmoid"] | None:
    """Return of what function of a tensor another output holds the values: that of its probabilities."""
    own = values[leaf.path]
    axis = leaf.letters.index("K") if "K" in leaf.letters else own.ndim - 1
    partners = [values[other.path] for other in found if other is not leaf and other.letters == leaf.letters]
    if any(torch.allclose(one, own.softmax(axis), atol=1e-5) for one in partners if one.shape == own.shape):
        return "softmax"
    alike = any(torch.allclose(one, own.sigmoid(), atol=1e-5) for one in partners if one.shape == own.shape)
    return "sigmoid" if alike else None


def _class_axis(leaf: Leaf, network: Answering) -> int:
    kept = [axis for axis, letter in enumerate(leaf.letters) if letter in {"K", "?"}]
    own = [axis for axis in kept if leaf.tensor.shape[axis] == network.last_kernels]
    return own[0] if len(kept) > 1 and own else kept[0]


def _classes(leaf: Leaf, network: Answering) -> int:
    if set(leaf.letters) <= {"N", "1"}:
        return 2
    return int(leaf.tensor.shape[_class_axis(leaf, network)])


def _with_scores(card: ModelCard, leaf: Leaf, network: Answering) -> tuple[ModelCard, list[str]]:
    classes = _classes(leaf, network)
    if set(leaf.letters) <= {"N", "1"}:
        form = " ".join(leaf.letters)
        note = (
            f"Assumed: its output {leaf.place} is one logit, explained for and against; if it is a quantity, say so "
            f"with {option('--adapter', {'scores': 'none'})}."
        )
    else:
        own = _class_axis(leaf, network)
        form = " ".join("K" if a == own else "." if one in {"K", "?"} else one for a, one in enumerate(leaf.letters))
        what = f"{classes} classes" + (" at each time" if "T" in leaf.letters else "")
        others = [str(axis) for axis, one in enumerate(form.split()) if one == "."]
        mean = f", averaged over its axis {' and '.join(others)}" if others else ""
        output = f"its output {leaf.place}, {leaf.shape},"
        note = (
            f"Assumed: {output} holds the scores of {what}{mean}; if they are quantities, say so with "
            f"{option('--adapter', {'scores': 'none'})}."
        )
    changed = card.adapter.model_copy(update={"output": leaf.path, "answer": form})
    return card.model_copy(update={"classes": classes, "adapter": changed}), [note]


def _with_probabilities(
    card: ModelCard, notes: list[str], leaf: Leaf, scores: Sequence[Leaf], network: Answering
) -> tuple[ModelCard, list[str]]:
    """Return the card told what makes probabilities of its class scores, where another output or the user says it."""
    if card.adapter.one_logit or card.adapter.probabilities is not None:
        return card, notes
    several = any(other is not leaf and other.letters == leaf.letters for other in scores)
    found = _squashed(leaf, scores, _values(network)) if several else None
    return card.model_copy(update={"adapter": card.adapter.model_copy(update={"probabilities": found})}), notes


def _without_classes(card: ModelCard, found: Sequence[Leaf], network: Answering) -> tuple[ModelCard, list[str]]:
    """Return the card of a network that answers with a signal or with maps, or with several of them."""
    if not found:
        if network.said.get("scores") != "none":
            raise _no_numbers(card, network)
        silent = card.adapter.model_copy(update={"scores": "none", "answer": None})
        return card.model_copy(update={"classes": None, "adapter": silent}), ["It was said to have no classes."]
    told = [leaf for leaf in found if not _is_feature(leaf)] or list(found)
    if len(told) == 1:
        (leaf,) = told
        note = (
            f"It has no classes: what is explained is its output {leaf.place}, {leaf.shape}{_time(leaf)} "
            f"({option('--target')} and {option('--adapter')} say otherwise)."
        )
        update: dict[str, Any] = {"scores": "none", "output": leaf.path, "answer": leaf.form.replace("K", "C")}
    else:
        note = (
            "It has no classes, and it was not said what is explained instead: name one of "
            f"{_several(found)}, such as {option('--adapter', {'output': told[0].path, 'scores': 'none'})}."
        )
        update = {"scores": "none", "answer": None}
    return card.model_copy(update={"classes": None, "adapter": card.adapter.model_copy(update=update)}), [note]


def _uncertain(card: ModelCard, found: Sequence[Leaf]) -> NetworkError:
    likely = next((leaf for leaf in found if leaf.count("K") or leaf.count("?")), found[0])
    example = {"output": likely.path, "answer": _example(likely)}
    without = {"output": found[0].path, "scores": "none"} if len(found) > 1 else {"scores": "none"}
    return NetworkError(
        f"It is not certain where {card.title} returns class scores ({_several(found)}): say it, such as "
        f"with {option('--adapter', example)}, or {option('--adapter', without)} for a report without classes."
    )


def _no_numbers(card: ModelCard, network: Answering) -> NetworkError:
    """Return the error of a network that returns no tensor of real numbers, with what it returns instead."""
    kinds = {str(tensor.dtype).removeprefix("torch.") for _, tensor in network.fit.answers(network.fit.output)}
    return NetworkError(
        f"{card.title} returns {' and '.join(sorted(kinds)) or 'nothing'}, and what is explained must be real numbers "
        "with a gradient: wrap it so that it returns its scores before they are rounded, or its magnitudes."
    )


def _example(leaf: Leaf) -> str:
    """Return an answer of as many axes as the output has, as one may write it: one axis for the classes."""
    letters = leaf.letters[1:]
    own = next((axis for axis, letter in enumerate(letters) if letter in {"K", "?"}), len(letters) - 1)
    others = ("K" if axis == own else "T" if letter == "T" else "." for axis, letter in enumerate(letters))
    return " ".join(["N", *others])


def _several(found: Sequence[Leaf]) -> str:
    return "; ".join(f"{json.dumps(leaf.path)} is {leaf.shape}{_time(leaf)}" for leaf in found)


def _time(leaf: Leaf) -> str:
    times, mixed = (
        " and ".join(str(axis) for axis, one in enumerate(leaf.letters) if one == letter) for letter in "TX"
    )
    told = f", whose axis {times} follows the clip's length" if times else ""
    return told + (f", whose axis {mixed} is made of places, or of several things" if mixed else "")
