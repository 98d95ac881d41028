"""What operations mean to whoever follows a layer's kernels to what reads them: which move them, scale them, pool them.

Names are those of ATen without the mark of what works in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.labels import NONE, Labels
from reportgen.networks.trace.operations import FAKE_QUANTISED

INDEXED = frozenset({"index_copy", "index_put", "_unsafe_index_put", "index_fill", "masked_fill", "scatter"})
"""Operations that write where an index or a mask says."""
MOVES = frozenset(
    {
        "clone",
        "contiguous",
        "_to_copy",
        "to",
        "cat",
        "stack",
        "repeat",
        "index_select",
        "index",
        "flip",
        "roll",
        "copy",
        "gather",
    }
    | {"channel_shuffle", "native_channel_shuffle", "detach", "constant_pad_nd", "pixel_shuffle", "pixel_unshuffle"}
    | {"unfold", "im2col", "slice_scatter", "select_scatter", "rot90", *INDEXED}
    | {f"{kind}_pad{axes}d" for kind in ("reflection", "replication") for axes in (1, 2, 3)}
    | {f"{kind}_nearest{axes}d" for kind in ("upsample", "_upsample") for axes in (1, 2, 3)}
    | {f"_upsample_nearest_exact{axes}d" for axes in (1, 2, 3)}
)
"""Operations whose results are elements of their arguments."""
_POOLED = ("avg", "max", "adaptive_avg", "_adaptive_avg", "adaptive_max")
POOLS = frozenset(
    {f"{kind}_pool{axes}d" for kind in _POOLED for axes in (1, 2, 3)}
    | {"max_pool2d_with_indices", "max_pool3d_with_indices", "mean", "sum", "amax", "amin", "max", "min", "median"}
    | {"upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d", "_upsample_bilinear2d_aa"}
    | {"index_add", "scatter_add", "col2im", *FAKE_QUANTISED}
)
"""Operations that keep kernels apart and pass on more where there is more: a norm behind them reads the kernels too."""
NORMS = frozenset({"native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm", "batch_norm"})
SCALES = frozenset({"mul", "div", "add", "sub", "neg", "rsub", "addcmul", "addcdiv"})
OF_NUMBERS = frozenset({"arange", "zeros", "ones", "full", "linspace", "eye", "scalar_tensor"})
"""Operations that make a tensor of numbers alone, the same whenever they run."""
_RELUS: Mapping[str, tuple[Any, ...]] = {
    "relu": (),
    "threshold": (0, 0),
    "clamp_min": (0,),
    "clamp": (0, None),
}
"""The spellings of a ReLU, with what must stand behind their input."""


def smoothing(call: TracedCall[Any], weight: Tensor) -> float | None:
    """Return what a convolution makes of a constant 1, where it smooths each channel by one filter of no negative tap.

    That is a pool in all but name, as the blurring pools of networks that do not alias; else None.
    """
    if call.arguments.get("transposed") or weight.device.type == "meta":
        return None
    apart = call.arguments.get("groups") == len(weight) > 1 and weight.shape[1] == 1
    one = apart and bool((weight == weight[:1]).all()) and bool((weight >= 0).all())
    return float(weight[0].sum()) if one and bool(weight.any()) else None


@dataclass(frozen=True)
class OverPlaces:
    """What becomes of each channel, `C`, on the mean over places that are not set to zero; `even`: alike at all."""

    scales: Tensor
    shifts: Tensor
    even: bool


def over_places(gains: Tensor, offsets: Tensor) -> OverPlaces | None:
    """Return what channels are scaled and shifted by on the mean, given that of each place, `C P`.

    None where one of them is turned round at some places and not at others.
    """
    turned = (gains > 0).any(1) & (gains < 0).any(1)
    if bool(turned.any()) or not bool((torch.isfinite(gains) & torch.isfinite(offsets)).all()):
        return None
    used = (gains != 0).double()
    scales, shifts = ((values * used).sum(1) / used.sum(1).clamp(min=1) for values in (gains, offsets))
    differs = ((gains - scales[:, None]) * used).abs() > 1e-9 * scales.abs()[:, None]
    return OverPlaces(scales, shifts, not bool(differs.any()) and not bool(offsets.any()))


def is_relu(call: TracedCall[Any]) -> bool:
    """Whether an operation is a ReLU, however it is spelt."""
    wanted = _RELUS.get(call.name)
    given = [value for value in call.arguments.values() if not isinstance(value, Tensor)]
    return wanted is not None and given[: len(wanted)] == list(wanted)


def indices(call: TracedCall[Any]) -> list[Tensor]:
    """Return what says where an operation of `INDEXED` writes."""
    found = [call.arguments.get(name) for name in ("index", "mask")] + list(call.arguments.get("indices", ()))
    return [one for one in found if isinstance(one, Tensor)]


def of_whole_channels(known: Labels) -> Labels:
    """Return labels in which the zeros that stand for parts of a kernel's map count as the kernel's.

    A temporal shift leaves the first or the last frame of some channels as zeros, beside what the kernel has elsewhere.
    """
    if len(known.cells) != 1 or len(kernel_axes(known)) < 2:
        return known
    channels = known.cells.swapaxes(1, 2).reshape(known.cells.shape[2], -1)
    own = channels.max(axis=1)
    if not ((channels == own[:, None]) | (channels == NONE)).all():
        return known
    return Labels(own.reshape(1, 1, -1, *[1] * (len(known.shape) - 2)), known.shape)


def kernel_axes(known: Labels) -> list[int]:
    """Return the axes along which kernels lie; a single kernel lies along the second one."""
    axes = [axis for axis in range(len(known.shape)) if known.varies(axis)]
    return axes if axes or len(known.shape) < 2 or known.shape[1] != 1 else [1]


def channel_axis(known: Labels) -> int | None:
    """Return the axis that an operation may scale: that of the kernels, or the second where they lie along several.

    A pixel shuffle puts several kernels into one channel, at positions of their own.
    """
    axes = kernel_axes(known)
    return axes[0] if len(axes) == 1 else 1 if len(axes) > 1 else None


def of_kernels_alone(known: Labels) -> bool:
    """Whether every channel has something of a kernel."""
    axis = channel_axis(known)
    channels = known.cells if axis is None else np.moveaxis(known.cells, axis + 1, 0)
    return bool((channels.reshape(len(channels), -1) != NONE).any(axis=1).all())
