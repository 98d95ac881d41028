"""Which axis of an output is what: time and places follow the clip's length and size, classes do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from reportgen.zoo.input_forms import Fit
from reportgen.zoo.input_tests import FAULTS, run

Path = tuple[int | str, ...]

_LONGER = ((2, 1), (1, 2), (3, 2), (5, 4), (3, 4))
"""Other clip lengths and sides, as fractions of the network's own."""


@dataclass(frozen=True)
class Leaf:
    """One tensor of an output, with a letter for each axis.

    N samples, T follows the clip's length, H and W its sides, 1 has length one, K keeps its length, and ? keeps it in a
    network that takes clips of one length only, so that it may be time. X is made of several things: of times with
    places or classes (it follows more than one of them, or has more elements than the clip has frames), or one of
    two axes that are both times.
    """

    path: Path
    tensor: Tensor
    letters: tuple[str, ...]

    @property
    def form(self) -> str:
        """The letters as an adapter has them; of several axes that keep their length all are dots."""
        several = sum(letter in {"K", "?"} for letter in self.letters) > 1
        dots = {"X", "K", "?"} if several else {"X"}
        return " ".join("." if letter in dots else letter for letter in self.letters)

    def count(self, letter: str) -> int:
        """Return how many axes have a letter."""
        return self.letters.count(letter)

    @property
    def place(self) -> str:
        """How one writes the way to it."""
        return "".join(f"[{step!r}]" for step in self.path) or "itself"

    @property
    def shape(self) -> str:
        """Its shape as words: N and the lengths of its other axes."""
        return " ".join(["N", *map(str, self.tensor.shape[1:])])


def read_leaves(fit: Fit, module: nn.Module) -> list[Leaf]:
    """Return the floating-point tensors of a batch that the network returns, with the meaning of their axes."""
    own = fit.answers(fit.output)
    _, frames, height, width = fit.clip.shape
    stacked = fit.adapter.input in {"frame", "stacked_frames"}
    longer = None if stacked else _at_another(fit, module, own, "frames", frames)
    # An axis beside the classes may be places, or places and times: one that is alone needs no further pass.
    sized = any(tensor.ndim > 2 for _, tensor in own)
    taller = _at_another(fit, module, own, "height", height) if sized else None
    wider = _at_another(fit, module, own, "width", width) if sized else None
    others: Mapping[str, Sequence[Tensor] | None] = {"T": longer, "H": taller, "W": wider}
    unknown = "?" if longer is None and not stacked and frames > 1 else "K"
    found = []
    for number, (path, tensor) in enumerate(own):
        if tensor.is_floating_point():
            changed = {letter: other[number].shape for letter, other in others.items() if other is not None}
            found.append(Leaf(path, tensor, _letters(tensor, changed, unknown, frames)))
    return found


def _letters(tensor: Tensor, changed: Mapping[str, Sequence[int]], unknown: str, frames: int) -> tuple[str, ...]:
    letters = ["N"]
    for axis, size in enumerate(tensor.shape[1:], start=1):
        followed = [letter for letter, shape in changed.items() if shape[axis] != size]
        if len(followed) > 1 or (followed == ["T"] and size > frames):
            letters.append("X")
        else:
            letters.append(followed[0] if followed else "1" if size == 1 else unknown)
    return tuple("X" if letter in "THW" and letters.count(letter) > 1 else letter for letter in letters)


def _at_another(
    fit: Fit, module: nn.Module, own: Sequence[tuple[Path, Tensor]], field: str, value: int
) -> list[Tensor] | None:
    """Return the output for clips of another length or side; None where the network takes no other."""
    for times, parts in _LONGER:
        other: Any = {field: value * times // parts}
        if other[field] in {0, value}:
            continue
        try:
            output = run(module, fit.clip.model_copy(update=other), fit.adapter)
            found = [tensor for _, tensor in fit.answers(output)]
        except FAULTS:
            continue
        if len(found) == len(own) and all(a.ndim == b.ndim for a, (_, b) in zip(found, own, strict=True)):
            return found
    return None
