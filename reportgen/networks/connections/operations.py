"""What each torch operation does to the sources of its elements.

The tables are keyed by the ATen operation's name without overload and without the underscore of the in-place form.
Element-wise operations need no entry: torch itself marks them as such. What is in no table becomes a named boundary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reportgen.networks.connections.labels import Labels, concatenate, merged, nothing, reshaped, union, windowed
from reportgen.networks.connections.views import Expand, Permute, Reshape, Select, Slice, View

if TYPE_CHECKING:
    from reportgen.networks.connections.tracer import Tracer

MAX_SOURCES = 256
"""An element that would have more sources than this, by an operation other than a kernel, becomes a boundary."""


class ValuesNeededError(Exception):
    """The rule needs the values of an index tensor, and the trace has only shapes."""


@dataclass(frozen=True, eq=False)
class Call:
    """One operation of the traced forward pass: its arguments by the names of its schema, and its outputs."""

    tracer: Tracer
    name: str
    arguments: dict[str, Any]
    outputs: Sequence[Tensor]

    @property
    def shape(self) -> tuple[int, ...]:
        """The first output's shape."""
        return tuple(self.outputs[0].shape)

    @property
    def source(self) -> Labels:
        """The labels of the first tensor argument."""
        return self.of(next(value for value in self.arguments.values() if isinstance(value, Tensor)))

    def of(self, tensor: Tensor) -> Labels:
        """Return a tensor's labels."""
        return self.tracer.labels(tensor)

    def tensors(self) -> list[Tensor]:
        """Return all tensor arguments, also those in lists."""
        found: list[Tensor] = []
        for value in self.arguments.values():
            found += [v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, Tensor)]
        return found

    def axis(self, name: str = "dim", default: int = 0) -> int:
        """Return an axis argument, counted from the front."""
        return int(self.arguments.get(name, default)) % max(1, len(self.source.shape))

    def boundary(self, what: str | None = None) -> Labels:
        """Return the labels of an output behind a boundary."""
        return self.tracer.boundary(self, what or self.name)

    def limited(self, labels: Labels, what: str | None = None) -> Labels:
        """Return the labels, or a boundary when an element has too many sources."""
        return labels if len(labels.ids) <= MAX_SOURCES else self.boundary(what)


Rule = Callable[[Call], Labels]


# --- views -----------------------------------------------------------------------------------------------------------


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


VIEWS: dict[str, Callable[[Call], list[View]]] = {
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
}


# --- the same element, or a neighbour on axes that share sources -----------------------------------------------------


def _elementwise(call: Call) -> Labels:
    return union([call.of(tensor) for tensor in call.tensors()], call.shape)


def first_argument(call: Call) -> Labels:
    """Every element keeps the sources of the same element of the first argument."""
    return Labels(call.source.ids, call.shape)


def _constant(call: Call) -> Labels:
    return nothing(call.shape)


def _gated_halves(call: Call) -> Labels:
    axis = call.axis(default=-1) if "dim" in call.arguments else len(call.source.shape) - 1
    half = call.shape[axis]
    return union([Slice(axis, start, half).read(call.source) for start in (0, half)], call.shape)


def _copy(call: Call) -> Labels:
    return union([call.of(call.arguments["src"])], call.shape)


def _fill(call: Call) -> Labels:
    value = call.arguments["value"]
    return union([call.of(value)] if isinstance(value, Tensor) else [], call.shape)


def _concatenate(call: Call) -> Labels:
    parts = [t for t in call.arguments["tensors"] if t.shape != (0,)]
    axis = int(call.arguments.get("dim", 0)) % len(call.shape)
    return concatenate([call.of(part) for part in parts], axis, call.shape)


def _stack(call: Call) -> Labels:
    axis = int(call.arguments.get("dim", 0)) % len(call.shape)
    inner = (*call.shape[:axis], 1, *call.shape[axis + 1 :])
    return concatenate([reshaped(call.of(part), inner) for part in call.arguments["tensors"]], axis, call.shape)


def _repeat(call: Call) -> Labels:
    missing = len(call.shape) - len(call.source.shape)
    labels = reshaped(call.source, (1,) * missing + call.source.shape)
    for axis, times in enumerate(call.arguments["repeats"]):
        shape = list(labels.shape)
        shape[axis] *= times
        labels = concatenate([labels] * times, axis, shape) if labels.varies(axis) else Labels(labels.ids, tuple(shape))
    return labels


def _pad(call: Call) -> Labels:
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
            labels = concatenate([nothing(edges[0]), labels, nothing(edges[1])], axis, shape)
        labels = Labels(labels.ids, tuple(shape))
    return labels


def _flip(call: Call) -> Labels:
    labels = call.source
    axes = [axis % len(labels.shape) + 1 for axis in call.arguments["dims"]]
    return Labels(np.flip(labels.ids, tuple(axes)), call.shape)


def _roll(call: Call) -> Labels:
    labels, dims, shifts = call.source, call.arguments.get("dims") or [], call.arguments["shifts"]
    if not dims:
        flat = (int(np.prod(labels.shape)),)
        return reshaped(Labels(np.roll(reshaped(labels, flat).ids, shifts[0], axis=1), flat), call.shape)
    ids = labels.ids
    for axis, shift in zip(dims, shifts, strict=True):
        if labels.varies(axis):
            ids = np.roll(ids, shift, axis=axis % len(labels.shape) + 1)
    return Labels(ids, call.shape)


def _index_select(call: Call) -> Labels:
    axis = call.axis()
    return _taken(call, axis, call.arguments["index"])


def _index(call: Call) -> Labels:
    labels, indices = call.source, call.arguments["indices"]
    used = [axis for axis, index in enumerate(indices) if index is not None]
    if not call.tracer.sourceless(t for t in indices if t is not None):
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
    if not call.tracer.sourceless([index]):
        return call.boundary()
    values = call.tracer.values(index)
    if values is None:
        raise ValuesNeededError(f"{call.name} takes channels by an index whose values a trace of shapes does not have")
    if values.dtype == np.bool_:
        values = np.flatnonzero(values)
    return Labels(labels.ids.take(values, axis=axis + 1), call.shape)


def _shuffle_channels(call: Call) -> Labels:
    n, c, *rest = call.shape
    groups = call.arguments["groups"]
    return reshaped(
        Permute((0, 2, 1, *range(3, len(rest) + 3))).read(reshaped(call.source, (n, groups, c // groups, *rest))),
        call.shape,
    )


def _shuffle_pixels(call: Call) -> Labels:
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


# --- neighbourhoods --------------------------------------------------------------------------------------------------


def _spatial_rank(name: str) -> int:
    digits = re.search(r"(\d)d", name)
    return int(digits.group(1)) if digits else {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}[name]


def reads(size: int, out: int, kernel: int, stride: int, padding: int, dilation: int) -> list[NDArray[np.int64]]:
    """Return, for each output position along one axis, the input positions that a window reads."""
    taps = np.arange(kernel) * dilation - padding
    windows = [taps + position * stride for position in range(out)]
    return [window[(window >= 0) & (window < size)] for window in windows]


def _per_axis(value: Any, rank: int) -> list[int]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    return [int(v) for v in (values * rank if len(values) == 1 else values)]


def _pool(call: Call) -> Labels:
    labels, rank = call.source, _spatial_rank(call.name)
    kernel = _per_axis(call.arguments["kernel_size"], rank)
    stride = _per_axis(call.arguments.get("stride") or kernel, rank)
    padding = _per_axis(call.arguments.get("padding", 0), rank)
    dilation = _per_axis(call.arguments.get("dilation", 1), rank)
    for place in range(rank):
        axis = len(labels.shape) - rank + place
        size, out = labels.shape[axis], call.shape[axis]
        positions = (size, out, kernel[place], stride[place], padding[place], dilation[place])
        labels = windowed(labels, axis, reads(*positions) if labels.varies(axis) else [np.arange(0)] * out)
    return labels


def _adaptive_pool(call: Call) -> Labels:
    labels, rank = call.source, _spatial_rank(call.name)
    for axis in range(len(labels.shape) - rank, len(labels.shape)):
        size, out = labels.shape[axis], call.shape[axis]
        bins = [np.arange(o * size // out, -(-((o + 1) * size) // out)) for o in range(out)]
        labels = windowed(labels, axis, bins)
    return labels


def _resample(call: Call) -> Labels:
    labels = call.source
    if any(labels.varies(axis) for axis in range(2, len(labels.shape))):
        return call.boundary()
    return Labels(labels.ids, call.shape)


def _sampled(call: Call) -> Labels:
    grid = call.of(call.arguments["grid"])
    if grid.sourceless:
        return _resample(call)
    return call.boundary()


# --- reductions and normalisations -----------------------------------------------------------------------------------


def _axes(call: Call, names: Sequence[str] = ("dim",)) -> list[int]:
    rank = len(call.source.shape)
    given = next((call.arguments[name] for name in names if call.arguments.get(name) is not None), None)
    axes = list(given) if isinstance(given, list | tuple) else [] if given is None else [given]
    return [int(axis) % rank for axis in axes] or list(range(rank))


def _reduce(call: Call) -> Labels:
    if "other" in call.arguments:
        return _elementwise(call)
    axes = _axes(call)
    labels = merged(call.source, axes)
    if len(labels.shape) != len(call.shape):
        ids = labels.ids.reshape(len(labels.ids), *(n for a, n in enumerate(labels.ids.shape[1:]) if a not in axes))
        labels = Labels(ids, call.shape)
    return call.limited(labels)


def _softmax(call: Call) -> Labels:
    return call.source if not call.source.varies(call.axis()) else call.boundary("softmax")


def _cumulative(call: Call) -> Labels:
    axis = call.axis(default=-1)
    return Labels(call.source.ids, call.shape) if not call.source.varies(axis) else call.boundary()


def _layer_norm(call: Call) -> Labels:
    rank = len(call.source.shape)
    count = len(call.arguments["normalized_shape"])
    return call.limited(Labels(merged(call.source, range(rank - count, rank)).ids, call.shape), "layer_norm")


def _group_norm(call: Call) -> Labels:
    labels, groups = call.source, int(call.arguments.get("group", call.arguments.get("num_groups", 1)))
    n, c, *rest = labels.shape
    apart = merged(reshaped(labels, (n, groups, c // groups, *rest)), [2, *range(3, 3 + len(rest))])
    spread = reshaped(Labels(apart.ids, (n, groups, c // groups, *rest)), labels.shape)
    return call.limited(spread, "group_norm")


def _attention(call: Call) -> Labels:
    return call.boundary("attention")


RULES: dict[str, Rule] = {
    **dict.fromkeys(("clone", "contiguous", "_to_copy", "to", "native_dropout", "dropout"), first_argument),
    **dict.fromkeys(("native_batch_norm", "_native_batch_norm_legit", "_batch_norm_with_update"), first_argument),
    **dict.fromkeys(("_native_batch_norm_legit_no_training", "cudnn_batch_norm", "batch_norm"), first_argument),
    **dict.fromkeys(("_batch_norm_no_update", "miopen_batch_norm", "_prelu_kernel", "rrelu"), first_argument),
    **dict.fromkeys(("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like"), _constant),
    **dict.fromkeys(("new_zeros", "new_ones", "new_full", "new_empty", "zero", "bernoulli"), _constant),
    **dict.fromkeys(("new_empty_strided", "uniform", "normal"), _constant),
    "glu": _gated_halves,
    "copy": _copy,
    "fill": _fill,
    "cat": _concatenate,
    "stack": _stack,
    "repeat": _repeat,
    **dict.fromkeys(("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d"), _pad),
    **dict.fromkeys(("replication_pad1d", "replication_pad2d", "replication_pad3d"), _pad),
    "flip": _flip,
    "roll": _roll,
    "index_select": _index_select,
    "index": _index,
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), _shuffle_channels),
    **dict.fromkeys(("pixel_shuffle", "pixel_unshuffle"), _shuffle_pixels),
    **{f"max_pool{n}d_with_indices": _pool for n in (2, 3)},
    **{f"{kind}_pool{n}d": _pool for n in (1, 2, 3) for kind in ("max", "avg")},
    **{f"{kind}_pool{n}d": _adaptive_pool for n in (1, 2, 3) for kind in ("adaptive_avg", "_adaptive_avg")},
    **{f"adaptive_max_pool{n}d": _adaptive_pool for n in (1, 2, 3)},
    **{f"upsample_{kind}": _resample for kind in ("nearest1d", "nearest2d", "nearest3d", "linear1d", "bilinear2d")},
    **{f"upsample_{kind}": _resample for kind in ("trilinear3d", "bicubic2d")},
    **{f"_upsample_{kind}": _resample for kind in ("nearest_exact2d", "nearest_exact3d", "bilinear2d_aa")},
    **dict.fromkeys(("grid_sampler_2d", "grid_sampler_3d"), _sampled),
    **dict.fromkeys(("mean", "sum", "amax", "amin", "max", "min", "median", "std", "var", "prod"), _reduce),
    **dict.fromkeys(("linalg_vector_norm", "norm", "logsumexp", "any", "all", "argmax", "argmin"), _reduce),
    **dict.fromkeys(("_softmax", "_log_softmax", "softmax", "log_softmax"), _softmax),
    **dict.fromkeys(("cumsum", "cumprod", "sort", "topk"), _cumulative),
    **dict.fromkeys(("native_layer_norm", "_fused_rms_norm"), _layer_norm),
    **dict.fromkeys(("native_group_norm", "group_norm"), _group_norm),
    **dict.fromkeys(("_native_multi_head_attention", "_transformer_encoder_layer_fwd"), _attention),
    **dict.fromkeys(
        (
            "scaled_dot_product_attention",
            "_scaled_dot_product_attention_math",
            "_scaled_dot_product_flash_attention",
            "_scaled_dot_product_flash_attention_for_cpu",
            "_scaled_dot_product_efficient_attention",
            "_scaled_dot_product_cudnn_attention",
            "_scaled_dot_product_fused_attention_overrideable",
        ),
        _attention,
    ),
}

elementwise: Rule = _elementwise
