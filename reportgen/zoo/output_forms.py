"""What a foreign network returns: which of its outputs is the class score, and which axes are time or places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from reportgen.errors import NetworkError, OptionError
from reportgen.records.card import Adapter, ModelCard
from reportgen.records.manifest import LayerFacts
from reportgen.zoo.input_forms import Fit
from reportgen.zoo.input_tests import FAULTS, leaves, run

Path = tuple[int | str, ...]

#: Names that networks give their class scores, and what leads to them.
_SCORES = frozenset({"logits", "logit", "scores", "score", "pred", "preds", "predictions", "out", "output", "outputs"})
_LONGER = ((2, 1), (1, 2), (3, 2), (5, 4), (3, 4))
"""Other clip lengths, as fractions of the network's own."""


@dataclass(frozen=True)
class Leaf:
    """One tensor of an output.

    `follows` are the axes whose length changes with the clip's; None where the network takes clips of one length only.
    """

    path: Path
    tensor: Tensor
    follows: frozenset[int] | None

    @property
    def place(self) -> str:
        """How one writes the way to it."""
        return "".join(f"[{step!r}]" for step in self.path) or "itself"

    @property
    def shape(self) -> str:
        """Its shape as words: N and the lengths of its other axes."""
        return " ".join(["N", *map(str, self.tensor.shape[1:])])


def with_classes(
    card: ModelCard, fit: Fit, module: nn.Module, layers: Sequence[LayerFacts], given: Mapping[str, Any]
) -> tuple[ModelCard, list[str]]:
    """Return the card with the place of the class scores in the network's output, or with none, and the notes.

    What the user said in `given` (fields of the adapter) is kept. Raises NetworkError where it is not certain which
    output, or which axis of it, holds the classes, and OptionError where the user names an output or axis that is
    not there.
    """
    found = _with_lengths(fit, module)
    if given.get("scores") == "none":
        return card.model_copy(update={"classes": None}), []
    if "output" in given:
        found = [_named(found, fit.adapter)]
    if "average" in given:
        return _averaged(card, found, fit.adapter), []
    scores = [leaf for leaf in found if _may_be_scores(leaf, fit, layers)]
    doubtful = [leaf for leaf in found if leaf not in scores and _doubtful(leaf)]
    named = [leaf for leaf in scores if _SCORES & set(map(str, leaf.path))] if len(scores) > 1 else scores
    if len(named) == 1 and not doubtful:
        return _with_scores(card, named[0], said="output" in given)
    if not scores and not doubtful:
        without = card.adapter.model_copy(update={"scores": "none"})
        note = "It returns nothing of the form N K, so it is taken to have no classes (--adapter says otherwise)."
        return card.model_copy(update={"classes": None, "adapter": without}), [note]
    raise _uncertain(card, found)


def _with_lengths(fit: Fit, module: nn.Module) -> list[Leaf]:
    """Return the floating-point tensors that the network returns, told which of their axes follow the clip's length."""
    own = list(leaves(fit.output))
    other = _at_another_length(fit, module)
    found = []
    for place, (path, tensor) in enumerate(own):
        if tensor.ndim == 0 or not tensor.is_floating_point():
            continue
        follows = None
        if other is not None and len(other) == len(own) and other[place].ndim == tensor.ndim:
            pairs = zip(tensor.shape, other[place].shape, strict=True)
            follows = frozenset(axis for axis, (first, second) in enumerate(pairs) if first != second)
        found.append(Leaf(path, tensor, follows))
    return found


def _at_another_length(fit: Fit, module: nn.Module) -> list[Tensor] | None:
    frames = fit.clip.frames
    for times, parts in _LONGER if frames > 1 and fit.adapter.input != "stacked_frames" else ():
        try:
            return [tensor for _, tensor in leaves(run(module, fit.clip, fit.adapter, frames=frames * times // parts))]
        except FAULTS:
            continue
    return None


def _named(found: Sequence[Leaf], adapter: Adapter) -> Leaf:
    """Return the output that the user named; raises OptionError with those that are there."""
    for leaf in found:
        if leaf.path == adapter.output:
            return leaf
    there = ", ".join(f"{list(leaf.path)} ({leaf.shape})" for leaf in found)
    raise OptionError(f"--adapter: there is no output {list(adapter.output)}, the network returns {there or 'none'}.")


def _averaged(card: ModelCard, found: Sequence[Leaf], adapter: Adapter) -> ModelCard:
    """Return the card with the classes that are left when the axes that the user named are averaged over."""
    if len(found) != 1:
        raise _uncertain(card, found)
    tensor = found[0].tensor
    if not all(0 < axis < tensor.ndim for axis in adapter.average):
        raise OptionError(
            f"--adapter: average is {list(adapter.average)}, but the output {found[0].shape} has the axes "
            f"1 to {tensor.ndim - 1} beside N."
        )
    left = [size for axis, size in enumerate(tensor.shape) if axis and axis not in adapter.average]
    if len(left) != 1:
        raise OptionError(
            f"--adapter: average {list(adapter.average)} leaves {len(left)} axes of {found[0].shape} beside N: one is "
            "needed, that of the classes."
        )
    changed = card.adapter.model_copy(update={"output": found[0].path})
    return card.model_copy(update={"classes": left[0], "adapter": changed})


def _may_be_scores(leaf: Leaf, fit: Fit, layers: Sequence[LayerFacts]) -> bool:
    """Whether a tensor is of the form N K, or N K S with steps that the last layer tells from the classes."""
    shape = leaf.tensor.shape
    if leaf.follows or leaf.tensor.ndim not in {2, 3} or shape[1] < 2:
        return False
    kernels = _last_kernels(layers)
    if leaf.tensor.ndim == 3:
        return shape[1] == kernels != shape[2]
    lengths = {fit.clip.frames * 2**power // 16 for power in range(6)}
    return fit.clip.frames == 1 or leaf.follows is not None or shape[1] not in lengths or shape[1] == kernels


def _last_kernels(layers: Sequence[LayerFacts]) -> int | None:
    executed = [layer for layer in layers if layer.output is not None]
    return executed[-1].kernels if executed else None


def _doubtful(leaf: Leaf) -> bool:
    """Whether a tensor that is no class score for certain may yet be one: two or three axes, or a time among them."""
    return leaf.tensor.ndim in {2, 3} and leaf.tensor.shape[1:].numel() > 1


def _with_scores(card: ModelCard, leaf: Leaf, *, said: bool) -> tuple[ModelCard, list[str]]:
    average = tuple(range(2, leaf.tensor.ndim))
    changed = card.adapter.model_copy(update={"output": leaf.path, "average": average})
    classes = int(leaf.tensor.shape[1])
    note = f"Assumed: its output {leaf.place} holds the scores of {classes} classes (--adapter says otherwise)."
    return card.model_copy(update={"classes": classes, "adapter": changed}), [] if said else [note]


def _uncertain(card: ModelCard, found: Sequence[Leaf]) -> NetworkError:
    several = "; ".join(f"{list(leaf.path)} is {leaf.shape}{_time(leaf)}" for leaf in found)
    return NetworkError(
        f"It is not certain where {card.title} returns class scores ({several}): say it with --adapter, such as "
        f'\'{{"output": {_json(found[0].path)}, "average": [1]}}\', or \'{{"scores": "none"}}\' for a report without '
        "classes."
    )


def _time(leaf: Leaf) -> str:
    if not leaf.follows:
        return ""
    return f", whose axis {' and '.join(map(str, sorted(leaf.follows)))} follows the clip's length"


def _json(path: Path) -> str:
    return "[" + ", ".join(f'"{step}"' if isinstance(step, str) else str(step) for step in path) + "]"
