"""What a network returned, read as its adapter says: class scores `N K`, or a signal `N ...`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from reportgen.errors import NetworkError
from reportgen.networks.core.said import say_once
from reportgen.records.card import Adapter

USUAL_NAMES = ("logits", "logit", "scores", "score", "pred", "preds", "predictions", "out", "output", "outputs")
"""Names that networks give their class scores, and what leads to them; the plainest first."""


def selected(output: Any, adapter: Adapter, name: str, clips: int) -> Tensor:
    """Return the tensor that the adapter names within an output, averaged over the axes that it names.

    `clips` is how many the call held: where the adapter says that rows are frames, they are split into `N T`. Raises
    NetworkError when it is not there.
    """
    for step in adapter.output:
        try:
            output = parts(output)[step]
        except (KeyError, IndexError, TypeError) as error:
            raise NetworkError(f"{name} returns no {list(adapter.output)}: set adapter.output in its card.") from error
    if not isinstance(output, Tensor):
        kind = type(output).__name__
        raise NetworkError(f"{name} returns a {kind}, not a tensor: set adapter.output in its card.")
    real(output, name)
    found = unfolded(output, clips, name) if adapter.rows == "frames" else output
    return found.mean(dim=adapter.average) if adapter.average else found


def parts(output: Any) -> Any:
    """Return what an output is made of, by key or number; by name where it has named fields."""
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return dict(zip(output._fields, output, strict=True))
    if is_dataclass(output) and not isinstance(output, type | Mapping):
        return {one.name: getattr(output, one.name) for one in fields(output)}
    return output


def class_scores(found: Tensor, adapter: Adapter, name: str) -> Tensor:
    """Return class scores `N K` of what was selected: means over its other axes.

    One logit is two classes, against and for: -z and z. Raises NetworkError when the axes are not those that the
    adapter says.
    """
    letters = _letters(found, adapter, name)
    if adapter.one_logit:
        logit = found.flatten(1).squeeze(1) if found.ndim > 1 else found
        return torch.stack([-logit, logit], 1)
    classes = letters.index("K")
    others = [axis for axis in range(1, found.ndim) if axis != classes]
    return found.mean(dim=others) if others else found


def per_clip(found: Tensor, clips: int, name: str) -> Tensor:
    """Return what was found per row `N*R ...` as the mean over the rows of each of the N clips, `N ...`.

    Rows of one clip lie one behind the other, as where N and T are folded into one axis. Raises NetworkError when the
    rows are not as many for each clip.
    """
    return found if found.shape[0] == clips else unfolded(found, clips, name).mean(1)


def unfolded(found: Tensor, clips: int, name: str) -> Tensor:
    """Return what was found per row `N*R ...`, clip by clip, as `N R ...`; raises NetworkError; see `per_clip`."""
    if found.ndim == 0 or found.shape[0] % clips:
        count = found.shape[0] if found.ndim else 1
        raise NetworkError(f"{name} returns {count} rows for {clips} clips: wrap it so that it returns N K.")
    rows: Tensor = found.unflatten(0, (clips, -1))
    return rows


def first_scores(output: Any, module: nn.Module, clips: Sequence[int]) -> Tensor:
    """Return the scores `N K` of a module that says nothing of its output.

    They are what it calls logits or scores, or else its first tensor with channels. `clips` is the shape `N C T H W` of
    those that the call held (of pictures, `N C H W`). An output over positions
    (`N K T H W`, a convolutional classifier's) is averaged over them, and one that tells its classes for each frame
    (`N T K`, a linear layer's) over the frames; where axis 1 is as long as the clip, that is taken for it unless
    nothing in the module is as large as the last axis and something makes as many as axis 1 has. Where that axis is of
    another length, the last layer that makes as many values as either has says which of them holds the classes. Raises
    NetworkError when there is no such tensor, or when its clips do not lie along the first axis.
    """
    name = type(module).__name__
    tensors = [leaf for leaf in _leaves(output) if isinstance(leaf, Tensor) and leaf.ndim > 1]
    if not tensors:
        raise NetworkError(f"{name} returns no tensor N K: wrap it so that it returns its scores.")
    named, frames = _named_scores(output), clips[2] if len(clips) == 5 else None
    found = tensors[0] if named is None else named
    real(found, name)
    if found.ndim == 3 and len(found) != clips[0] == found.shape[1] and found.shape[2] > 1:
        raise NetworkError(f"{name} returns the clips of a call along axis 1: let it return them along the first one.")
    if found.ndim == 3 and found.shape[1] == frames != found.shape[2]:
        sizes = [tuple(parameter.shape[:2]) for parameter in module.parameters()]
        if any(size[:1] == (frames,) for size in sizes) and not any(found.shape[2] in size for size in sizes):
            say_once(
                f"{name}: Assumed: its output {' '.join(map(str, found.shape))} holds the scores of {frames} classes "
                f"at {found.shape[2]} positions (if axis 1 holds the frames, let it return their means over that axis)."
            )
            return found.mean(2)
        return _over_places(found, f"{frames} times", name)
    if found.ndim == 3 and _makes_the_last(module, found):
        return _over_places(found, f"{found.shape[1]} times or places", name)
    return found.flatten(2).mean(2) if found.ndim > 2 else found


def _over_places(found: Tensor, places: str, name: str) -> Tensor:
    """Return scores `N P K` averaged over the places P, and say so."""
    say_once(
        f"{name}: Assumed: its output {' '.join(map(str, found.shape))} holds the scores of {found.shape[2]} "
        f"classes at {places} (if axis 1 holds the classes, let it return their means over the last one)."
    )
    return found.mean(1)


def _makes_the_last(module: nn.Module, found: Tensor) -> bool:
    """Return whether the last layer that makes as many values as an axis of `N A B` has makes those of B."""
    sizes = tuple(found.shape[1:])
    made = [len(parameter) for parameter in module.parameters() if parameter.ndim > 1 and len(parameter) in sizes]
    return sizes[0] != sizes[1] and made[-1:] == [sizes[1]]


def _named_scores(output: Any) -> Tensor | None:
    """Return the first tensor with channels that an output names as scores, if it names its parts."""
    named = parts(output)
    values = {str(name).lower(): value for name, value in named.items()} if isinstance(named, Mapping) else {}
    likely = (values[name] for name in USUAL_NAMES if name in values)
    return next((value for value in likely if isinstance(value, Tensor) and value.ndim > 1), None)


def _leaves(output: Any) -> list[Any]:
    """Return what an output holds, in order, and what dataclasses and mappings hold that torch takes for leaves."""
    held: list[Any] = []
    for leaf in tree_leaves(output):
        opened = dict(leaf) if isinstance(leaf, Mapping) else parts(leaf)
        held += [leaf] if opened is leaf else _leaves(opened)
    return held


def real(output: Tensor, name: str) -> None:
    """Raise NetworkError for complex numbers, of which none is the larger."""
    if output.is_complex():
        raise NetworkError(f"{name} returns complex numbers: wrap it so that it returns their magnitudes, say.")


def over_time(found: Tensor, adapter: Adapter, name: str) -> Tensor:
    """Return class scores `N K T` of what was selected; raises NetworkError when they are not told at each time."""
    letters = _letters(found, adapter, name)
    if not {"K", "T"} <= set(letters):
        raise NetworkError(f"{name} tells its classes once per clip ({adapter.answer}): leave out the time.")
    order = [letters.index(letter) for letter in ("K", "T")]
    others = [axis for axis in range(1, found.ndim) if axis not in order]
    return found.permute(0, *order, *others).flatten(3).mean(3) if others else found.permute(0, *order)


def signal(found: Tensor, adapter: Adapter, name: str) -> Tensor:
    """Return what was selected without its axes of length one, as the adapter says: `N ...`."""
    letters = _letters(found, adapter, name)
    ones = [axis for axis, letter in enumerate(letters) if letter == "1"]
    return found.squeeze(ones) if ones else found


def _letters(found: Tensor, adapter: Adapter, name: str) -> list[str]:
    letters = (adapter.answer or "").split()
    if len(letters) != found.ndim or any(
        letter == "1" and size != 1 for letter, size in zip(letters, found.shape, strict=True)
    ):
        shape = tuple(found.shape)
        raise NetworkError(
            f"{name} returns {shape} where {adapter.answer or 'nothing'} is said: see adapter.answer and "
            "adapter.average."
        )
    return letters
