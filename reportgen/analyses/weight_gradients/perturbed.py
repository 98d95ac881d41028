"""Passes in which one layer's weights differ a little from clip to clip of the batch: what differences are taken of.

The layer's own operation is computed anew with other weights, and everything behind it; what lies in front of it is
remembered (see `reportgen.analyses.pyramid.replay`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._pytree import tree_leaves

from reportgen.analyses.pyramid.ablation import Passes
from reportgen.analyses.pyramid.replay import Crossing, RecordedResponse, Replay
from reportgen.errors import NetworkError
from reportgen.networks.core.observing import named_arguments

_DETACH = torch.ops.aten.detach.default


@dataclass(frozen=True, eq=False)
class WeightChange:
    """What is added to a layer's weights, laid out as the operation takes them; `filter` is the only one it changes."""

    added: Tensor
    filter: int | None = None


@dataclass(frozen=True, eq=False)
class _Call:
    """One call of a convolution: the torch operation and its arguments by name."""

    operation: Any
    arguments: Mapping[str, Any]

    @property
    def operand(self) -> str:
        """The name of the argument that the convolution reads."""
        return "input" if "input" in self.arguments else "self"

    def changed(self, rows: Tensor, change: WeightChange) -> tuple[Tensor, slice]:
        """Return what the call makes of `rows` with changed weights, and of which filters."""
        given = {**self.arguments, "weight": self.arguments["weight"] + change.added, self.operand: rows}
        filters = slice(None)
        if change.filter is not None:
            given, filters = _of_one_filter(given, self.operand, change.filter), slice(change.filter, change.filter + 1)
        return self.operation(**given), filters


def _of_one_filter(given: dict[str, Any], operand: str, index: int) -> dict[str, Any]:
    """Return the arguments with which only one filter of a convolution is computed."""
    weight, groups = given["weight"], int(given["groups"])
    size = given[operand].shape[1] // groups
    if given.get("transposed", False):
        group, place = divmod(index, weight.shape[1])
        weight = weight[group * size : (group + 1) * size, place : place + 1]
    else:
        group = index // (weight.shape[0] // groups)
        weight = weight[index : index + 1]
    bias = given.get("bias")
    channels = given[operand][:, group * size : (group + 1) * size]
    own = None if bias is None else bias[index : index + 1]
    return {**given, operand: channels, "weight": weight, "bias": own, "groups": 1}


class _Listening(Replay):  # type: ignore[no-untyped-call, unused-ignore]
    """A replay that notes the call at operation `at`, and at `later` ones adds each clip's change to the weights."""

    def __init__(
        self, *args: Any, at: int = -1, later: Sequence[int] = (), rows: Sequence[Any] = (), **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._at, self._later, self._rows = at, frozenset(later), rows
        self.heard: _Call | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        place = self._place if func is not _DETACH else -1
        result = super().__torch_dispatch__(func, types, args, kwargs)
        if place >= 0 and (place == self._at or place in self._later):
            call = _Call(func, named_arguments(func, args, kwargs or {}))
            if place == self._at:  # a later operation in place may overwrite what the layer read
                self.heard = _Call(func, {**call.arguments, call.operand: call.arguments[call.operand].clone()})
            else:
                _change(call, tree_leaves(result)[0], self._rows)
        return result


def _change(call: _Call, output: Tensor, rows: Sequence[tuple[Tensor | slice, WeightChange]]) -> None:
    """Put into `output` what the call makes of each clip's rows with the clip's own weights."""
    given = call.arguments[call.operand]
    for own, change in rows:
        made, filters = call.changed(given[own], change)
        output[own, filters] = made


class PerturbedPasses:
    """The logits of one clip under many changes of one layer's weights, a batch of them in each pass.

    `passes` were recorded on a batch of copies of the clip.
    """

    def __init__(self, passes: Passes, layer: str) -> None:
        self._passes = passes
        self._calls: list[RecordedResponse] = sorted(
            (one for one in passes.recording.responses if one.layer == layer), key=lambda one: one.begin
        )
        first = self._calls[0].begin
        hearing = _Listening(passes.recording, 0, {}, capture=first + 1, at=first)
        passes.scores(hearing)
        assert hearing.heard is not None  # the recording says that the layer is called there
        self._call, self._known = hearing.heard, hearing.captured

    @property
    def weight(self) -> Tensor:
        """The weights as the operation takes them."""
        weight: Tensor = self._call.arguments["weight"]
        return weight

    def logits(self, changes: Sequence[WeightChange]) -> NDArray[np.float64]:
        """Return the logits `n K` under each change."""
        size, found = len(self._passes.intact), []
        for first in range(0, len(changes), size):
            part = changes[first : first + size]
            padded = [*part, *[part[-1]] * (size - len(part))]
            found.append(self._batch(padded)[: len(part)])
        return np.concatenate(found)

    def _batch(self, changes: Sequence[WeightChange]) -> NDArray[np.float64]:
        begin = self._calls[0].begin
        rows = [(self._of_clip(clip), change) for clip, change in enumerate(changes)]
        made: Crossing = (begin, 0)
        known = dict(self._known)
        if made in known:
            known[made] = known[made].clone()
            _change(self._call, known[made], rows)
        later = [one.begin for one in self._calls[1:]]
        return self._passes.scores(_Listening(self._passes.recording, begin + 1, known, later=later, rows=rows))

    def _of_clip(self, clip: int) -> Tensor | slice:
        """Return the rows of a clip of the batch in what the layer reads; raises NetworkError where that is unknown."""
        size, rows = len(self._passes.intact), len(self._call.arguments[self._call.operand])
        first = self._calls[0]
        if size == 1:
            return slice(None)
        if rows == size:
            return slice(clip, clip + 1)
        if first.clips is None or first.samples != 0 or len(first.clips) != rows:
            raise NetworkError("A layer does not keep the clips of a batch apart: take one at a time.")
        return torch.from_numpy(np.flatnonzero(first.clips == clip))
