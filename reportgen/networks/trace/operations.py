"""The one table of torch operations: what each does to sources and to places of the clip, and what it returns.

It is keyed by the ATen operation's name without overload and without the underscore of the in-place form.
Element-wise operations need no entry: torch itself marks them as such. What is not in the table becomes a named
boundary of the connection graph, and what units behind it see is not known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor

from reportgen.networks.trace import indexing, kernels, masking, mixing, overwriting, rearranging, shapes, windows
from reportgen.networks.trace.call import SharedRule, TracingRule
from reportgen.networks.trace.labels import Labels
from reportgen.networks.trace.rearranging import ViewRule
from reportgen.networks.trace.seen import Seen
from reportgen.networks.trace.shapes import ShapeRule


@dataclass(frozen=True)
class Operation:
    """What is known of an operation.

    `view` says how its outputs read its input, where they are nothing but views; else `sources` says which kernels
    the output's elements come from and `seen` what they see of the clip. Convolutions and products have no `sources`:
    those with constant weights become layers of the graph, and others a boundary. `shape` returns the result for
    tensors without values; where it is None torch does.
    """

    view: ViewRule | None = None
    sources: TracingRule[Labels] | None = None
    seen: TracingRule[Seen] | None = None
    shape: ShapeRule | None = None


def _views(rule: ViewRule, *names: str) -> dict[str, Operation]:
    return dict.fromkeys(names, Operation(view=rule))


def _same(rule: SharedRule, *names: str, shape: ShapeRule | None = None) -> dict[str, Operation]:
    """Return the entries of operations that have one rule for sources and places."""
    return dict.fromkeys(names, Operation(sources=rule, seen=rule, shape=shape))


def _apart(
    sources: TracingRule[Labels] | None, seen: TracingRule[Seen], *names: str, shape: ShapeRule | None = None
) -> dict[str, Operation]:
    """Return the entries of operations that have one rule for sources and another for places."""
    return dict.fromkeys(names, Operation(sources=sources, seen=seen, shape=shape))


_NORMS = ("native_batch_norm", "_native_batch_norm_legit", "_batch_norm_with_update", "cudnn_batch_norm")
_EVALUATED = frozenset({"native_batch_norm", "_native_batch_norm_legit_no_training"})
FAKE_QUANTISED = (
    *(f"fake_quantize_per_{kind}_affine_cachemask" for kind in ("tensor", "channel")),
    "_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
    *(f"_fake_quantize_learnable_per_{kind}_affine" for kind in ("tensor", "channel")),
)
_POOLED = tuple(f"{kind}_pool{n}d" for n in (1, 2, 3) for kind in ("adaptive_avg", "_adaptive_avg", "adaptive_max"))
_ATTENTION = tuple(
    f"_scaled_dot_product_{kind}"
    for kind in (
        *("attention_math", "flash_attention", "flash_attention_for_cpu", "efficient_attention", "cudnn_attention"),
        "fused_attention_overrideable",
    )
)

OPERATIONS: Mapping[str, Operation] = {
    # views
    **_views(rearranging.reshape, "view", "_unsafe_view", "reshape", "_reshape_alias", "flatten", "unflatten"),
    **_views(
        rearranging.reshape, "squeeze", "unsqueeze", "detach", "alias", "view_copy", "lift_fresh", "_reshape_copy"
    ),
    **_views(rearranging.transpose, "transpose", "t", "numpy_T"),
    **_views(rearranging.permute, "permute"),
    **_views(rearranging.cut, "slice"),
    **_views(rearranging.select, "select"),
    **_views(rearranging.split, "split", "split_with_sizes", "chunk", "unsafe_split", "unsafe_chunk"),
    **_views(rearranging.split, "unsafe_split_with_sizes"),
    **_views(rearranging.unbind, "unbind"),
    **_views(rearranging.expand, "expand", "broadcast_to", "expand_as"),
    **_views(rearranging.strided, "as_strided"),
    # element by element
    **_same(rearranging.first_argument, "clone", "contiguous", "_to_copy", "to", "native_dropout", "dropout"),
    # rounding, as in training for whole numbers
    **_same(rearranging.first_argument, *FAKE_QUANTISED),
    # activations that torch does not mark as element-wise, or only out of place
    **_same(rearranging.first_argument, "_prelu_kernel", "prelu", "rrelu", "rrelu_with_noise", "threshold", "gelu"),
    **_same(rearranging.first_argument, "hardswish", "mish", "log_sigmoid", "log_sigmoid_forward"),
    **_same(mixing.loss, "mse_loss", shape=shapes.loss_shape),
    **_same(rearranging.constant, "zeros_like", "ones_like", "full_like", "empty_like", "rand_like", "randn_like"),
    **_same(rearranging.constant, "new_zeros", "new_ones", "new_full", "new_empty", "zero", "bernoulli"),
    **_same(rearranging.constant, "new_empty_strided", "uniform", "normal"),
    **_same(rearranging.copy, "copy"),
    **_same(rearranging.fill, "fill"),
    **_same(rearranging.gated_halves, "glu"),
    # moving and joining
    **_same(rearranging.concatenate, "cat", shape=shapes.concatenation_shape),
    **_same(rearranging.stack, "stack"),
    **_same(rearranging.repeat, "repeat"),
    **_same(rearranging.pad, "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d"),
    **_same(rearranging.pad, "replication_pad1d", "replication_pad2d", "replication_pad3d"),
    **_same(rearranging.unfold, "unfold"),
    **_same(rearranging.unfold_patches, "im2col"),
    **_same(rearranging.flip, "flip"),
    **_same(rearranging.roll, "roll"),
    **_same(rearranging.index_select, "index_select"),
    **_same(rearranging.index, "index"),
    **_same(rearranging.turned, "rot90"),
    **_same(rearranging.shuffle_channels, "channel_shuffle", "native_channel_shuffle"),
    **_same(rearranging.shuffle_pixels, "pixel_shuffle", "pixel_unshuffle"),
    **_same(indexing.gather, "gather"),
    **_same(indexing.fold_patches, "col2im"),
    # writing over a part, and adding to it
    **_same(indexing.scatter, "scatter"),
    **_same(indexing.add_by_index, "index_add", "scatter_add"),
    **_same(overwriting.slice_scatter, "slice_scatter"),
    **_same(overwriting.select_scatter, "select_scatter"),
    **_same(overwriting.index_copy, "index_copy"),
    **_same(overwriting.index_put, "index_put", "_unsafe_index_put"),
    **_same(overwriting.index_fill, "index_fill"),
    **_apart(rearranging.elementwise, masking.pointwise_seen, "masked_fill"),  # in place torch does not mark it so
    # windows
    **_same(windows.pool, "max_pool2d_with_indices", "max_pool3d_with_indices", shape=shapes.max_pool_shape),
    **_same(windows.pool, "avg_pool2d", "avg_pool3d", shape=shapes.pool_shape),
    **_same(windows.pool, "avg_pool1d", "max_pool1d", "max_pool2d", "max_pool3d"),
    **_same(windows.adaptive_pool, *_POOLED),
    **_same(windows.adaptive_pool, "_adaptive_avg_pool2d", "_adaptive_avg_pool3d", shape=shapes.adaptive_pool_shape),
    **_same(windows.adaptive_pool, "adaptive_avg_pool2d", shape=shapes.adaptive_pool_shape),
    **_same(windows.resample, *(f"{kind}_nearest{n}d" for n in (1, 2, 3) for kind in ("upsample", "_upsample"))),
    **_same(windows.resample, *(f"_upsample_nearest_exact{n}d" for n in (1, 2, 3))),
    **_same(windows.resample, "upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "upsample_bicubic2d"),
    **_same(windows.resample, "_upsample_bilinear2d_aa", "_upsample_bicubic2d_aa"),
    **_same(windows.sampled, "grid_sampler_2d", "grid_sampler_3d"),
    # mixing
    **_same(mixing.reduce, "mean", "sum", shape=shapes.mean_shape),
    **_same(mixing.reduce, "amax", "amin", "max", "min", "median", "std", "var", "prod", "any", "all"),
    **_same(mixing.reduce, "linalg_vector_norm", "norm", "logsumexp", "argmax", "argmin"),
    **_apart(mixing.layer_norm, mixing.layer_norm_seen, "native_layer_norm", "_fused_rms_norm"),
    **_apart(mixing.group_norm, mixing.group_norm_seen, "native_group_norm", "group_norm"),
    **_apart(rearranging.first_argument, mixing.statistics_seen, *_NORMS, "miopen_batch_norm", "batch_norm"),
    **_apart(rearranging.first_argument, mixing.statistics_seen, "native_batch_norm", shape=shapes.batch_norm_shape),
    **_same(rearranging.first_argument, "_native_batch_norm_legit_no_training", shape=shapes.batch_norm_shape),
    **_same(rearranging.first_argument, "_batch_norm_no_update"),
    **_apart(mixing.softmax_sources, masking.softmax_seen, "_softmax", shape=shapes.softmax_shape),
    **_apart(mixing.softmax_sources, masking.softmax_seen, "softmax", "_safe_softmax"),
    **_apart(mixing.softmax_sources, masking.mixed_along, "_log_softmax", shape=shapes.softmax_shape),
    **_apart(mixing.softmax_sources, masking.mixed_along, "log_softmax"),
    **_apart(mixing.cumulative_sources, masking.running_seen, "cumsum", "cumprod", "cummax", "cummin"),
    **_apart(mixing.cumulative_sources, masking.mixed_along, "sort", "topk"),
    **_apart(mixing.attention_sources, masking.attention_seen, "scaled_dot_product_attention", *_ATTENTION),
    **_apart(rearranging.first_argument, masking.triangle_seen, "tril", "triu"),
    **_apart(
        mixing.attention_sources,
        lambda call: call.boundary(),
        *("_native_multi_head_attention", "_transformer_encoder_layer_fwd"),
    ),
    # kernels
    **_apart(None, kernels.convolution_seen, "convolution", shape=shapes.convolution_shape),
    **_apart(None, kernels.convolution_seen, *sorted(kernels.CONVOLUTIONS - {"convolution"})),
    **_apart(None, kernels.linear_seen, "linear"),
    **{
        name: Operation(seen=kernels.product_seen, shape=shapes.product_shape(left, right))
        for name, (left, right) in kernels.PRODUCTS.items()
    },
}


def keeps_places(name: str) -> bool:
    """Whether an operation that is not element-wise still gives each element of its first argument its own."""
    return name in OPERATIONS and OPERATIONS[name].sources is rearranging.first_argument


def meta_result(func: Any, arguments: Mapping[str, Any], *, as_laid: bool = False) -> Any:
    """Return what an operation returns for these tensors without values, or None when torch has to say.

    `as_laid` leaves to torch what might not lie in memory as it does of tensors with values: by that torch chooses
    between operations. Of fake tensors, which lie so, batch norms alone are told: they take torch the longest by far.
    """
    name = func.overloadpacket.__name__
    operation = OPERATIONS.get(name)
    if name in _EVALUATED and isinstance(arguments.get("input"), FakeTensor):
        return None if operation is None or operation.shape is None else operation.shape(arguments)
    given = arguments["tensors"] if name == "cat" else arguments.values()
    tensors = [value for value in given if isinstance(value, Tensor)]
    if not tensors or any(tensor.device.type != "meta" for tensor in tensors):
        return None
    if as_laid and name not in kernels.PRODUCTS and not all(tensor.is_contiguous() for tensor in tensors):
        return None
    if operation is not None and operation.shape is not None:
        return operation.shape(arguments)
    if torch.Tag.pointwise in func.tags and len(func._schema.returns) == 1:
        return shapes.pointwise_shape(func, arguments)
    return None
