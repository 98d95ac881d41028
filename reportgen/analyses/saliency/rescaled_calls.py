"""Which calls of a network DeepLift's rescale rule has slopes for, as modules of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.networks.trace.rectifiers import RECTIFIERS, Builder, Replacement


class OwnStatistics(nn.Module):
    """A norm by the statistics of what it is given: values seen as of `shape`, over the axes `over` of it.

    `affine` are the weight and the bias behind it, each of a shape that fits the values' own; `centred` ones are taken
    above their mean.
    """

    def __init__(
        self,
        shape: Sequence[int],
        over: Sequence[int],
        affine: tuple[Tensor | None, Tensor | None],
        eps: float,
        centred: bool = True,
    ) -> None:
        super().__init__()
        self.shape, self.over, self.affine, self.eps, self.centred = tuple(shape), list(over), affine, eps, centred

    def above(self, given: Tensor) -> Tensor:
        """Return values of the shape that the statistics are taken in, above their means."""
        values = given.reshape(self.shape)
        return values - values.mean(self.over, keepdim=True) if self.centred else values

    def variance(self, above: Tensor) -> Tensor:
        """Return the variance of each group of values, with `eps`."""
        return above.square().mean(self.over, keepdim=True) + self.eps

    def scaled(self, normed: Tensor, like: Tensor) -> Tensor:
        """Return normed values as they were given, behind weight and bias."""
        weight, bias = self.affine
        found = normed.reshape(like.shape)
        found = found if weight is None else found * weight
        return found if bias is None else found + bias

    def forward(self, given: Tensor) -> Tensor:
        """Return the norm."""
        above = self.above(given)
        return self.scaled(above * self.variance(above).rsqrt(), given)


def _elu(_input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Replacement:
    return Replacement(nn.ELU(alpha), inplace)


def _leaky_relu(_input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Replacement:
    return Replacement(nn.LeakyReLU(negative_slope), inplace)


def _softplus(_input: Tensor, beta: float = 1, threshold: float = 20) -> Replacement:
    return Replacement(nn.Softplus(beta, threshold))


def _fitted(weight: Tensor | None, given: Tensor) -> Tensor | None:
    """Return a channel's numbers so that they fit values `N C ...`."""
    return None if weight is None else weight.view(-1, *[1] * (given.ndim - 2))


def _batch_norm(
    given: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,  # noqa: ARG001 (of torch's)
    eps: float = 1e-5,
) -> Replacement | None:
    if not training and running_mean is not None and running_var is not None:
        return None
    over = [axis for axis in range(given.ndim) if axis != 1]
    return Replacement(OwnStatistics(given.shape, over, (_fitted(weight, given), _fitted(bias, given)), eps))


def _instance_norm(
    given: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,  # noqa: ARG001 (of torch's)
    eps: float = 1e-5,
) -> Replacement | None:
    if not use_input_stats and running_mean is not None and running_var is not None:
        return None
    affine = _fitted(weight, given), _fitted(bias, given)
    return Replacement(OwnStatistics(given.shape, range(2, given.ndim), affine, eps))


def _group_norm(
    given: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Replacement:
    shape = (given.shape[0], num_groups, -1)
    return Replacement(OwnStatistics(shape, [2], (_fitted(weight, given), _fitted(bias, given)), eps))


def _layer_norm(
    given: Tensor,
    normalized_shape: Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Replacement:
    over = range(given.ndim - len(normalized_shape), given.ndim)
    return Replacement(OwnStatistics(given.shape, over, (weight, bias), eps))


def _rms_norm(
    given: Tensor, normalized_shape: Sequence[int], weight: Tensor | None = None, eps: float | None = None
) -> Replacement:
    over = range(given.ndim - len(normalized_shape), given.ndim)
    eps = torch.finfo(given.dtype).eps if eps is None else eps
    return Replacement(OwnStatistics(given.shape, over, (weight, None), eps, centred=False))


def _max_pool(kind: type[nn.Module]) -> Builder:
    def build(
        _input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Replacement | None:
        if return_indices or _input.ndim < (4 if kind is nn.MaxPool2d else 5):
            return None
        return Replacement(kind(kernel_size, stride or None, padding, dilation, ceil_mode=ceil_mode))

    return build


def _gelu(_input: Tensor, approximate: str = "none") -> Replacement:
    return Replacement(nn.GELU(approximate))


def _silu(_input: Tensor, inplace: bool = False) -> Replacement:
    return Replacement(nn.SiLU(), inplace)


def _hardswish(_input: Tensor, inplace: bool = False) -> Replacement:
    return Replacement(nn.Hardswish(), inplace)


def _mish(_input: Tensor, inplace: bool = False) -> Replacement:
    return Replacement(nn.Mish(), inplace)


def _hardsigmoid(_input: Tensor, inplace: bool = False) -> Replacement:
    return Replacement(nn.Hardsigmoid(), inplace)


WITH_RULES: Mapping[Any, Builder] = {
    **RECTIFIERS,
    F.elu: _elu,
    F.leaky_relu: _leaky_relu,
    F.softplus: _softplus,
    **dict.fromkeys((torch.sigmoid, Tensor.sigmoid), lambda _input: Replacement(nn.Sigmoid())),
    **dict.fromkeys((torch.tanh, Tensor.tanh), lambda _input: Replacement(nn.Tanh())),
    F.gelu: _gelu,
    F.silu: _silu,
    F.hardswish: _hardswish,
    F.mish: _mish,
    F.hardsigmoid: _hardsigmoid,
    F.max_pool2d: _max_pool(nn.MaxPool2d),
    F.max_pool3d: _max_pool(nn.MaxPool3d),
    F.batch_norm: _batch_norm,
    F.instance_norm: _instance_norm,
    F.group_norm: _group_norm,
    F.layer_norm: _layer_norm,
    F.rms_norm: _rms_norm,
}
"""What the rule has a slope for: element-wise functions, pools, and norms by their own statistics."""
