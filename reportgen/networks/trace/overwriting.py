"""Operations that write one tensor over a part of another: what `found[:, picked] = part` and its like are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reportgen.networks.trace.call import TracedCall, ValuesNeededError
from reportgen.networks.trace.cells import resized
from reportgen.networks.trace.traced import D


def slice_scatter(call: TracedCall[D]) -> D:
    """Return the elements with a slice of an axis written over."""
    base, part, axis = call.source, call.of(call.arguments["src"]), call.axis()
    start, size = call.arguments.get("start") or 0, base.shape[axis]
    start = min(max(start + size if start < 0 else start, 0), size)
    return base.overwritten(axis, start, int(call.arguments.get("step", 1)), part) if part.shape[axis] else base


def select_scatter(call: TracedCall[D]) -> D:
    """Return the elements with one position of an axis written over."""
    base, part, axis = call.source, call.of(call.arguments["src"]), call.axis()
    position = int(call.arguments["index"]) % base.shape[axis]
    return base.overwritten(axis, position, 1, part.reshaped(resized(base.shape, axis, 1)))


def index_copy(call: TracedCall[D]) -> D:
    """Return the elements with the positions of an axis that an index picks written over."""
    return _written(call, call.axis(), call.arguments["index"], call.of(call.arguments["source"]))


def index_fill(call: TracedCall[D]) -> D:
    """Return the elements with the positions of an axis that an index picks filled with one value."""
    value = call.arguments["value"]
    return _written(
        call, call.axis(), call.arguments["index"], call.of(value) if isinstance(value, Tensor) else call.nothing(())
    )


def index_put(call: TracedCall[D]) -> D:
    """Return the elements with those written over that index tensors, or a mask, pick."""
    indices = list(call.arguments["indices"])
    used = [axis for axis, index in enumerate(indices) if index is not None]
    part = call.of(call.arguments["values"])
    if len(used) != 1 or call.arguments.get("accumulate"):
        return call.boundary()
    index = indices[used[0]]
    if index.ndim == 1 and call.trace.sourceless([index]):
        return _written(call, used[0], index, part)
    one_value = part.sourceless or all(size == 1 for size in part.shape)
    if tuple(index.shape) == call.shape and one_value:  # a mask
        return call.union([call.source, call.of(index), part.reshaped(())])
    return call.boundary()


def _written(call: TracedCall[D], axis: int, index: Tensor, part: D) -> D:
    """Return the elements with `part` at the positions of an axis that an index picks."""
    if not call.trace.sourceless([index]):
        return call.boundary()
    values = call.trace.values(index)
    if values is None:
        raise ValuesNeededError(f"{call.name} writes by an index whose values a trace of shapes does not have")
    positions = np.flatnonzero(values) if values.dtype == np.bool_ else values.reshape(-1) % call.source.shape[axis]
    return written_at(call.source, axis, positions, part)


def written_at(found: D, axis: int, positions: NDArray[np.int64], part: D) -> D:
    """Return the elements with `part` at some positions of an axis; what is written last at one of them stays."""
    last = {int(position): place for place, position in enumerate(positions)}
    part = part.broadcast(resized(found.shape, axis, len(positions)))
    part = part.taken(axis, np.array([last[position] for position in sorted(last)], np.int64))
    first = 0
    for start, step, length in _runs(np.array(sorted(last), np.int64)):
        found = found.overwritten(axis, start, step, part.sliced(axis, first, length))
        first += length
    return found


def _runs(positions: NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return ascending positions as evenly spaced runs: each one's start, step and length."""
    steps = np.diff(positions)
    if len(steps) and (steps == steps[0]).all():
        return [(int(positions[0]), int(steps[0]), len(positions))]
    pieces = np.split(positions, np.flatnonzero(steps != 1) + 1)
    return [(int(piece[0]), 1, len(piece)) for piece in pieces if len(piece)]
