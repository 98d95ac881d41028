"""What each kernel contributes through each channel that it reads: its weights times their gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from reportgen.analyses.pyramid.measure import LayerMeasure
from reportgen.errors import NetworkError
from reportgen.networks.trace.graph import KernelLayer


def kernel_products(
    layer: KernelLayer, measured: LayerMeasure, rows: NDArray[np.int64], channels: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Return C(j -> i) = <K_ij, dy_c/dK_ij> for the kernels `rows`: (rows, channels of a group).

    `channels` picks channels of a group; only what is asked for is read.
    """
    total: NDArray[np.float32] | None = None
    for weight, gradient in zip(measured.weights, measured.gradients, strict=True):
        kernels, slopes = (as_kernels(layer, tensor, rows, channels) for tensor in (weight, gradient))
        if kernels.device.type == "cpu":  # a few thousand numbers: torch's threads cost more than they bring
            products = np.einsum("ijt,ijt->ij", kernels.numpy(), slopes.numpy())
        else:
            products = torch.linalg.vecdot(kernels, slopes).cpu().numpy()
        total = products if total is None else total + products
    if total is None:
        raise NetworkError(f"{layer.name} was not measured: its weight gradient is missing.")
    return total.astype(np.float32)


def as_kernels(
    layer: KernelLayer,
    weight: Tensor,
    rows: NDArray[np.int64] | None = None,
    channels: NDArray[np.int64] | None = None,
) -> Tensor:
    """Return a weight tensor's kernels `rows` (None: all) as (rows, channels of a group, taps)."""
    if layer.layout == "conv":
        matrix = weight
    elif layer.layout == "conv_transpose":
        matrix = weight.reshape(layer.groups, -1, *weight.shape[1:]).transpose(1, 2).flatten(0, 1)
    else:
        matrix = weight.transpose(-1, -2) if layer.layout == "in_out" else weight
        matrix = matrix.movedim(0, -1) if matrix.ndim == 3 else matrix  # a batch of matrices counts as taps
    if rows is None:
        chosen = matrix
    elif matrix.device.type == "cpu":
        chosen = torch.from_numpy(_taken(matrix.numpy(), rows, channels))
    elif channels is None:
        chosen = matrix.index_select(0, torch.from_numpy(rows).to(weight.device))
    else:
        chosen = matrix[tuple(torch.from_numpy(i).to(weight.device) for i in np.ix_(rows, channels))]
    return chosen.flatten(2) if chosen.ndim > 2 else chosen.unsqueeze(-1)


def _taken(values: NDArray[Any], rows: NDArray[np.int64], channels: NDArray[np.int64] | None) -> NDArray[Any]:
    """Return `values[rows][:, channels]`; whole kernels of contiguous weights, several times faster than torch does."""
    if channels is None:
        return values.take(rows, axis=0)
    if not values.flags.c_contiguous:
        return np.asarray(values[np.ix_(rows, channels)])
    flat = (rows[:, None] * values.shape[1] + channels).ravel()
    taken = values.reshape(values.shape[0] * values.shape[1], -1).take(flat, axis=0)
    return np.asarray(taken.reshape(len(rows), len(channels), -1))
