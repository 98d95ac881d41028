"""What each torch operation does to the sources of its elements.

The table is keyed by the ATen operation's name without overload and without the underscore of the in-place form.
Element-wise operations need no entry: torch itself marks them as such. What is in no table becomes a named boundary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.networks.trace import rearranging as moved
from reportgen.networks.trace.call import Call, Rule
from reportgen.networks.trace.labels import Labels, merged, reshaped, windowed


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
        return moved.elementwise(call)
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
    **dict.fromkeys(("clone", "contiguous", "_to_copy", "to", "native_dropout", "dropout"), moved.first_argument),
    **dict.fromkeys(("native_batch_norm", "_native_batch_norm_legit", "_batch_norm_with_update"), moved.first_argument),
    **dict.fromkeys(("_native_batch_norm_legit_no_training", "cudnn_batch_norm", "batch_norm"), moved.first_argument),
    **dict.fromkeys(("_batch_norm_no_update", "miopen_batch_norm", "_prelu_kernel", "rrelu"), moved.first_argument),
    **dict.fromkeys(("zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like"), moved.constant),
    **dict.fromkeys(("new_zeros", "new_ones", "new_full", "new_empty", "zero", "bernoulli"), moved.constant),
    **dict.fromkeys(("new_empty_strided", "uniform", "normal"), moved.constant),
    "glu": moved.gated_halves,
    "copy": moved.copy,
    "fill": moved.fill,
    "cat": moved.concatenate,
    "stack": moved.stack,
    "repeat": moved.repeat,
    **dict.fromkeys(("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d"), moved.pad),
    **dict.fromkeys(("replication_pad1d", "replication_pad2d", "replication_pad3d"), moved.pad),
    "flip": moved.flip,
    "roll": moved.roll,
    "index_select": moved.index_select,
    "index": moved.index,
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), moved.shuffle_channels),
    **dict.fromkeys(("pixel_shuffle", "pixel_unshuffle"), moved.shuffle_pixels),
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
