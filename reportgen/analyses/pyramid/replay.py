"""Running a network again from where a change first shows, with everything in front of it remembered.

A pass is a sequence of operations. A recorded pass tells which tensors cross from the operations before a place to
those after it; a replay from that place hands out copies of these and computes nothing else in front. The network is
not edited and need not be made of modules: its own code runs each time, as below autograd in `observer.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.weak import WeakTensorKeyDictionary

from reportgen.analyses.pyramid.observer import Response, ResponseObserver
from reportgen.errors import NetworkError
from reportgen.networks.core.observing import Observer, tensors_of
from reportgen.networks.trace.field_tracer import FieldTracer

_DETACH = torch.ops.aten.detach.default
"""No step of a pass: torch inserts it or not, by whether anybody (an observer, say) holds a tensor that it made."""

Crossing = tuple[int, int]
"""A tensor of a pass: the operation that made it, and which of its results it is."""


@dataclass(eq=False)
class RecordedOperation:
    """One operation of a recorded pass.

    `results` describes each result: the place among the tensor arguments that it is (in-place operations), or a way
    to an empty tensor like it; None for what is no tensor. `reads` are the tensors that it takes from earlier ones.
    """

    name: str
    result: Any
    results: list[int | Callable[[], Tensor] | None]
    reads: list[Crossing]
    views: bool


class MixedClipsError(NetworkError):
    """It is not known which rows of a response are of which clip of a batch: clips must be asked one by one."""


@dataclass(frozen=True, eq=False)
class RecordedResponse:
    """One call of a layer's kernels in a recorded pass.

    It begins with operation `begin` and is complete behind `end`. Its kernels lie along `axis`, and along `samples` the
    rows of clips: row i is of clip `clips[i]` of the batch, or of clip i where `clips` is None.
    """

    layer: str
    begin: int
    end: int
    axis: int
    samples: int = 0
    clips: NDArray[np.int64] | None = None

    def silence(self, tensor: Tensor, keep: Tensor) -> None:
        """Multiply the response by `keep` (clips, K)."""
        if len(keep) == 1:  # all rows are of the one clip
            tensor.mul_(keep[0].reshape([n if a == self.axis else 1 for a, n in enumerate(tensor.shape)]))
            return
        mask = keep if self.clips is None else keep[torch.from_numpy(self.clips).to(keep.device)]
        if len(mask) != tensor.shape[self.samples]:
            raise MixedClipsError("A layer does not keep the clips of a batch apart.")
        mask = mask if self.samples < self.axis else mask.T
        tensor.mul_(mask.reshape([n if a in {self.samples, self.axis} else 1 for a, n in enumerate(tensor.shape)]))


@dataclass(eq=False)
class Recording:
    """A recorded pass."""

    operations: list[RecordedOperation] = field(default_factory=list)
    responses: list[RecordedResponse] = field(default_factory=list)

    def start(self, layers: Iterable[str]) -> int:
        """Return the first operation by kernels of these layers."""
        wanted = set(layers)
        return min(response.begin for response in self.responses if response.layer in wanted)

    def silenceable(self, layers: Iterable[str]) -> int:
        """Return the first operation that completes a response of these layers, behind which it can be silenced."""
        wanted = set(layers)
        return min(response.end for response in self.responses if response.layer in wanted)

    def crossing(self, place: int) -> set[Crossing]:
        """Return the tensors made before operation `place` and read by it or later."""
        return {made for operation in self.operations[place:] for made in operation.reads if made[0] < place}


class Recorder(ResponseObserver):
    """Records one pass; with a `tracer` that follows the clips through it, also which rows are of which clip."""

    def __init__(self, *args: Any, tracer: FieldTracer | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._tracer = tracer
        self._operations: list[RecordedOperation] = []
        self._makers: Any = WeakTensorKeyDictionary()
        self._starts: dict[int, int] = {}
        self._ends: dict[int, int] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is _DETACH:
            return self._same_as(args[0], super().__torch_dispatch__(func, types, args, kwargs))
        tensors = tensors_of((args, kwargs))
        reads = [self._makers[tensor] for tensor in tensors if tensor in self._makers]
        result = super().__torch_dispatch__(func, types, args, kwargs)
        place, outputs = len(self._operations), tree_leaves(result)
        results: list[int | Callable[[], Tensor] | None] = []
        for number, output in enumerate(outputs):
            same = next((i for i, tensor in enumerate(tensors) if tensor is output), None)
            if isinstance(output, Tensor) and same is None:
                self._makers[output] = (place, number)
                results.append(_empty_like(output))
            else:
                results.append(same)
        kept = tree_map(lambda leaf: None if isinstance(leaf, Tensor) else leaf, result)
        views = any(r.alias_info is not None for r in func._schema.returns) and not func._schema.is_mutable
        self._operations.append(RecordedOperation(str(func), kept, results, reads, views))
        return result

    def _same_as(self, tensor: Tensor, result: Tensor) -> Tensor:
        if tensor in self._makers:
            self._makers[result] = self._makers[tensor]
        return result

    def reached(self, response: Response) -> None:
        """Note the operation that computed the response; the last one completes it."""
        self._starts.setdefault(id(response), len(self._operations))
        self._ends[id(response)] = len(self._operations)

    @property
    def recording(self) -> Recording:
        """The pass, when it is over."""
        starts = [self._starts[id(response)] for response in self.responses]
        finals = [response.final() for response in self.responses]
        found = [
            RecordedResponse(final.layer, start, self._ends[id(final)], final.axis, *self._rows(final))
            for start, final in zip(starts, finals, strict=True)
        ]
        return Recording(self._operations, found)

    def _rows(self, response: Response) -> tuple[int, NDArray[np.int64] | None]:
        """Return the axis of a response's rows, and the clip of each where the clips were followed there."""
        bounds = self._tracer.known(response.tensor).along("sample") if self._tracer is not None else None
        axes = [axis for axis in range(len(bounds.shape)) if bounds.varies(axis)] if bounds is not None else []
        if bounds is None or len(axes) != 1 or not (bounds.cells[0] == bounds.cells[1]).all():
            return 0, None
        return axes[0], bounds.cells[0].reshape(-1).astype(np.int64)


class Replay(Observer):
    """Repeats a recorded pass from operation `start`, and multiplies responses by masks where they are complete.

    `known` are the tensors that cross `start`. `keep` (clips, K) by layer is 0 where a kernel is silenced. `capture`
    asks for the tensors that cross a later place: they are in `captured` afterwards.
    """

    def __init__(
        self,
        recording: Recording,
        start: int = 0,
        known: Mapping[Crossing, Tensor] | None = None,
        *,
        keep: Mapping[str, Tensor] | None = None,
        capture: int | None = None,
    ) -> None:
        super().__init__()
        self._recording, self._start, self._known = recording, start, dict(known or {})
        masks = keep or {}
        self._masks = {one.end: (one, masks[one.layer]) for one in recording.responses if one.layer in masks}
        self._last = max(self._masks, default=-1)
        self._capture = capture
        self._crossing = recording.crossing(capture) if capture is not None else set()
        self._live: dict[Crossing, Tensor] = {}
        self._place = 0
        self.captured: dict[Crossing, Tensor] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is _DETACH:
            return func(*args, **(kwargs or {}))
        place, operations = self._place, self._recording.operations
        if place == self._capture:
            self.captured = {made: tensor.clone() for made, tensor in self._live.items()}
            self._live.clear()
        self._place += 1
        if place <= max(self._last, self._start) and (place >= len(operations) or operations[place].name != str(func)):
            raise NetworkError("The network takes other steps on each pass: its kernels cannot be silenced.")
        if place < self._start and not operations[place].views:
            result = self._remembered(place, args, kwargs)
        else:
            result = func(*args, **(kwargs or {}))
            if place < self._start:
                result = self._replaced(place, result)
        if place in self._masks:
            response, keep = self._masks[place]
            response.silence(tree_leaves(result)[0], keep)
        if self._capture is not None and place < self._capture:
            for number, output in enumerate(tree_leaves(result)):
                if (place, number) in self._crossing:
                    self._live[place, number] = output
        return result

    def _remembered(self, place: int, args: Sequence[Any], kwargs: dict[str, Any] | None) -> Any:
        """Return an operation's result without computing it: what crosses the start, else tensors of any values."""
        operation, tensors = self._recording.operations[place], tensors_of((args, kwargs))
        leaves = tree_leaves(operation.result)
        made = [
            leaf if how is None else tensors[how] if isinstance(how, int) else self._known_or((place, number), how)
            for number, (leaf, how) in enumerate(zip(leaves, operation.results, strict=True))
        ]
        fresh = iter(made)
        return tree_map(lambda _: next(fresh), operation.result)

    def _replaced(self, place: int, result: Any) -> Any:
        numbers = iter(range(len(tree_leaves(result))))
        return tree_map(lambda leaf: self._known_or((place, next(numbers)), lambda: leaf), result)

    def _known_or(self, made: Crossing, otherwise: Callable[[], Tensor]) -> Tensor:
        return self._known[made].clone() if made in self._known else otherwise()


def _empty_like(tensor: Tensor) -> Callable[[], Tensor]:
    size, stride, dtype, device = tuple(tensor.shape), tensor.stride(), tensor.dtype, tensor.device
    return lambda: torch.empty_strided(size, stride, dtype=dtype, device=device)
