"""Operations that move elements, repeat them, or join them element by element: each result keeps their sources."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from torch import Tensor

from reportgen.networks.trace.call import Call, ValuesNeededError
from reportgen.networks.trace.labels import Labels, nothing, reshaped, union
from reportgen.networks.trace.labels import concatenate as joined_along
from reportgen.networks.trace.strides import same_elements
from reportgen.networks.trace.views import Expand, Permute, Reshape, Select, Slice, View


def _reshape(call: Call) -> list[View]:
    return [Reshape(tuple(output.shape)) for output in call.outputs]


def _transpose(call: Call) -> list[View]:
    order = list(range(len(call.source.shape)))
    if call.name in {"t", "numpy_T"}:
        order.reverse()
    else:
        first, second = call.axis("dim0"), call.axis("dim1")
        order[first], order[second] = order[second], order[first]
    return [Permute(tuple(order))]


def _permute(call: Call) -> list[View]:
    rank = len(call.source.shape)
    return [Permute(tuple(int(axis) % rank for axis in call.arguments["dims"]))]


def _slice(call: Call) -> list[View]:
    axis, arguments = call.axis(), call.arguments
    start = arguments.get("start") or 0
    size = call.source.shape[axis]
    start = min(max(start + size if start < 0 else start, 0), size)
    return [Slice(axis, start, call.shape[axis], arguments.get("step", 1))]


def _select(call: Call) -> list[View]:
    axis = call.axis()
    return [Select(axis, int(call.arguments["index"]) % call.source.shape[axis])]


def _split(call: Call) -> list[View]:
    axis, start, views = call.axis(), 0, []
    for output in call.outputs:
        views.append(Slice(axis, start, output.shape[axis]))
        start += output.shape[axis]
    return list(views)


def _unbind(call: Call) -> list[View]:
    return [Select(call.axis(), position) for position in range(len(call.outputs))]


def _expand(call: Call) -> list[View]:
    return [Expand(call.shape)]


def _strided(call: Call) -> list[View] | None:
    size, stride, offset = (call.arguments[name] for name in ("size", "stride", "storage_offset"))
    return [Reshape(call.shape)] if same_elements(call.tensors()[0], size, stride, offset) else None


#: How each operation of views reads its base; None where the arguments make it one that cannot be followed.
VIEWS: dict[str, Callable[[Call], list[View] | None]] = {
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "_reshape_alias", "flatten", "unflatten"), _reshape),
    **dict.fromkeys(("squeeze", "unsqueeze", "detach", "alias", "view_copy", "lift_fresh", "_reshape_copy"), _reshape),
    **dict.fromkeys(("transpose", "t", "numpy_T"), _transpose),
    "permute": _permute,
    "slice": _slice,
    "select": _select,
    **dict.fromkeys(("split", "split_with_sizes", "chunk", "unsafe_split", "unsafe_chunk"), _split),
    "unsafe_split_with_sizes": _split,
    "unbind": _unbind,
    **dict.fromkeys(("expand", "broadcast_to", "expand_as"), _expand),
    "as_strided": _strided,
}


def elementwise(call: Call) -> Labels:
    """Return the union of what all arguments hold at the same element."""
    return union([call.of(tensor) for tensor in call.tensors()], call.shape)


def first_argument(call: Call) -> Labels:
    """Every element keeps the sources of the same element of the first argument."""
    return Labels(call.source.ids, call.shape)


def constant(call: Call) -> Labels:
    """Return the labels of values that depend on no argument."""
    return nothing(call.shape)


def gated_halves(call: Call) -> Labels:
    """Return what one half of the channels, gated by the other (GLU), comes from."""
    axis = call.axis(default=-1) if "dim" in call.arguments else len(call.source.shape) - 1
    half = call.shape[axis]
    return union([Slice(axis, start, half).read(call.source) for start in (0, half)], call.shape)


def copy(call: Call) -> Labels:
    """Return the labels of what is copied in."""
    return union([call.of(call.arguments["src"])], call.shape)


def fill(call: Call) -> Labels:
    """Return the labels of the value that is filled in."""
    value = call.arguments["value"]
    return union([call.of(value)] if isinstance(value, Tensor) else [], call.shape)


def concatenate(call: Call) -> Labels:
    """Return the arguments' labels one behind the other."""
    parts = [t for t in call.arguments["tensors"] if t.shape != (0,)]
    axis = int(call.arguments.get("dim", 0)) % len(call.shape)
    return joined_along([call.of(part) for part in parts], axis, call.shape)


def stack(call: Call) -> Labels:
    """Return the arguments' labels along a new axis."""
    axis = int(call.arguments.get("dim", 0)) % len(call.shape)
    inner = (*call.shape[:axis], 1, *call.shape[axis + 1 :])
    return joined_along([reshaped(call.of(part), inner) for part in call.arguments["tensors"]], axis, call.shape)


def repeat(call: Call) -> Labels:
    """Return the labels tiled."""
    missing = len(call.shape) - len(call.source.shape)
    labels = reshaped(call.source, (1,) * missing + call.source.shape)
    for axis, times in enumerate(call.arguments["repeats"]):
        shape = list(labels.shape)
        shape[axis] *= times
        labels = (
            joined_along([labels] * times, axis, shape) if labels.varies(axis) else Labels(labels.ids, tuple(shape))
        )
    return labels


def pad(call: Call) -> Labels:
    """Padding: along the axes that hold space and time the padding's zeros count as their neighbours do."""
    labels, pads = call.source, list(call.arguments.get("pad", call.arguments.get("padding", ())))
    constant = call.name == "constant_pad_nd"
    for place in range(len(pads) // 2):
        axis = len(labels.shape) - 1 - place
        before, after = pads[2 * place], pads[2 * place + 1]
        shape = list(labels.shape)
        shape[axis] += before + after
        if labels.varies(axis) or (axis < 2 and constant):
            if not constant or min(before, after) < 0:
                return call.boundary()
            edges = [(*labels.shape[:axis], width, *labels.shape[axis + 1 :]) for width in (before, after)]
            labels = joined_along([nothing(edges[0]), labels, nothing(edges[1])], axis, shape)
        labels = Labels(labels.ids, tuple(shape))
    return labels


def flip(call: Call) -> Labels:
    """Return the labels with axes turned round."""
    labels = call.source
    axes = [axis % len(labels.shape) + 1 for axis in call.arguments["dims"]]
    return Labels(np.flip(labels.ids, tuple(axes)), call.shape)


def roll(call: Call) -> Labels:
    """Return the labels shifted in a circle."""
    labels, dims, shifts = call.source, call.arguments.get("dims") or [], call.arguments["shifts"]
    if not dims:
        flat = (int(np.prod(labels.shape)),)
        return reshaped(Labels(np.roll(reshaped(labels, flat).ids, shifts[0], axis=1), flat), call.shape)
    ids = labels.ids
    for axis, shift in zip(dims, shifts, strict=True):
        if labels.varies(axis):
            ids = np.roll(ids, shift, axis=axis % len(labels.shape) + 1)
    return Labels(ids, call.shape)


def index_select(call: Call) -> Labels:
    """Return the labels of the positions that an index picks."""
    axis = call.axis()
    return _taken(call, axis, call.arguments["index"])


def index(call: Call) -> Labels:
    """Return the labels of the positions that index tensors pick."""
    labels, indices = call.source, call.arguments["indices"]
    used = [axis for axis, index in enumerate(indices) if index is not None]
    if not call.trace.sourceless(t for t in indices if t is not None):
        return call.boundary()
    if len(used) == 1 and indices[used[0]].ndim == 1:
        return _taken(call, used[0], indices[used[0]])
    if not any(labels.varies(axis) for axis in range(len(labels.shape))):
        return Labels(labels.ids.reshape(len(labels.ids), *(1 for _ in call.shape)), call.shape)
    return call.boundary()


def _taken(call: Call, axis: int, index: Tensor) -> Labels:
    labels = call.source
    if not labels.varies(axis):
        return Labels(labels.ids, call.shape)
    if not call.trace.sourceless([index]):
        return call.boundary()
    values = call.trace.values(index)
    if values is None:
        raise ValuesNeededError(f"{call.name} takes channels by an index whose values a trace of shapes does not have")
    if values.dtype == np.bool_:
        values = np.flatnonzero(values)
    return Labels(labels.ids.take(values, axis=axis + 1), call.shape)


def shuffle_channels(call: Call) -> Labels:
    """Return the labels behind torch's own channel shuffle."""
    n, c, *rest = call.shape
    groups = call.arguments["groups"]
    return reshaped(
        Permute((0, 2, 1, *range(3, len(rest) + 3))).read(reshaped(call.source, (n, groups, c // groups, *rest))),
        call.shape,
    )


def shuffle_pixels(call: Call) -> Labels:
    """Return the labels behind a pixel shuffle or its inverse."""
    *lead, c, h, w = call.source.shape
    n = len(lead)
    if call.name == "pixel_shuffle":
        r = call.arguments["upscale_factor"]
        apart = reshaped(call.source, (*lead, c // r**2, r, r, h, w))
        order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    else:
        r = call.arguments["downscale_factor"]
        apart = reshaped(call.source, (*lead, c, h // r, r, w // r, r))
        order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return reshaped(Permute(order).read(apart), call.shape)
