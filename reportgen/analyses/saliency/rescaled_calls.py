"""Which calls of a network DeepLift's rescale rule has slopes for, as modules of their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.analyses.saliency.rescale_paths import AlongLine
from reportgen.analyses.saliency.rescale_rules import (
    Attention,
    Larger,
    MeanSquares,
    OwnStatistics,
    Pointwise,
    Product,
    Quotient,
    Softmax,
    along,
    windows,
)
from reportgen.analyses.saliency.rescaled_lines import ALONG_LINES, along_line, depends, largest_of
from reportgen.networks.trace.rectifiers import RECTIFIERS, Builder, Replacement


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


def _max_pool(rank: int) -> Builder:
    def build(
        given: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Replacement | None:
        if return_indices or given.ndim < rank + 2:
            return None
        return Replacement(windows(rank, kernel_size, stride or None, padding, dilation, ceil_mode=ceil_mode))

    return build


def _largest(given: Tensor, dim: Any = (), keepdim: bool = False) -> Replacement:
    axes = [dim] if isinstance(dim, int) else list(dim) or list(range(given.ndim))
    return Replacement(along(axes, keepdim, given.ndim))


def _of_two(made: Callable[[], nn.Module], otherwise: Any = None, *, in_place: bool = False) -> Builder:
    """Return what answers calls of two tensors; `otherwise` is asked first, and of what else it may be given.

    A factor that is a weight leaves the call linear; a threshold that is one does not.
    """

    def build(first: Any, other: Any = None, *more: Any, **named: Any) -> Replacement | None:
        found: Replacement | None = None if otherwise is None else otherwise(first, other, *more, **named)
        each = (depends(first), depends(other))
        tensors = isinstance(first, Tensor) and isinstance(other, Tensor)
        nonlinear = tensors and (any(each) if made is Larger else all(each))
        if found is not None or more or named or not nonlinear:
            return found
        return Replacement(made(), in_place, first, beside=(other,))

    return build


def _products(*functions: Any, made: Callable[[], nn.Module], in_place: bool = False) -> dict[Any, Builder]:
    return {one: _of_two(made, RECTIFIERS.get(one), in_place=in_place) for one in functions}


def _largest_or_rectified(function: Any) -> Any:
    def build(first: Any, other: Any = None, *more: Any, dim: Any = None, **named: Any) -> Replacement | None:
        axis = other if dim is None else dim
        if isinstance(axis, int):
            return largest_of(first, axis, *more, **named)
        if other is None and not more and not named and depends(first):
            return Replacement(along(range(first.ndim), keepdim=False, rank=first.ndim))
        found: Replacement | None = RECTIFIERS[function](first, other, *more, **named)
        return found

    return build


def _einsum(equation: Any, *operands: Any) -> Replacement | None:
    if isinstance(equation, str) and len(operands) > 2:
        return along_line(torch.einsum, 2)(equation, *operands)
    if not isinstance(equation, str) or len(operands) != 2 or not all(map(depends, operands)):
        return None
    return Replacement(Product(partial(torch.einsum, equation)), given=operands[0], beside=operands[1:])


def _softmax(_input: Tensor, dim: Any = None, _stacklevel: int = 3, dtype: Any = None) -> Replacement | None:
    return Replacement(Softmax(dim)) if isinstance(dim, int) and dtype is None else None


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Replacement | None:
    if dropout_p:
        return None
    if enable_gqa or query.shape[:-2] != key.shape[:-2]:
        more = {"is_causal": is_causal, "scale": scale, "enable_gqa": enable_gqa}
        return along_line(F.scaled_dot_product_attention)(query, key, value, attn_mask, **more)
    mask = attn_mask
    if is_causal:
        mask = torch.ones(query.shape[-2], key.shape[-2], dtype=torch.bool, device=query.device).tril()
    if mask is not None and mask.dtype == torch.bool:
        mask = torch.zeros_like(mask, dtype=query.dtype).masked_fill(~mask, torch.finfo(query.dtype).min / 2)
    found = Attention(mask, query.shape[-1] ** -0.5 if scale is None else scale)
    return Replacement(found, given=query, beside=(key, value))


def _spread(function: Callable[[Tensor], Tensor], *, centred: bool) -> Builder:
    """Return what answers `var` and `std`, or a norm, over axes that are told."""

    def build(
        given: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None
    ) -> Replacement | None:
        axes = [dim] if isinstance(dim, int) else list(range(given.ndim) if dim is None else dim)
        if isinstance(dim, bool):
            return None
        count = math.prod(given.shape[axis] for axis in axes)
        less = (1 if unbiased else 0) if correction is None else correction
        scale = count / max(1, count - less) if centred else count
        return Replacement(MeanSquares(axes, function, scale, centred=centred, keepdim=keepdim))

    return build


def _vector_norm(
    given: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Replacement | None:
    if ord != 2 or dtype is not None:
        return None
    return _spread(torch.sqrt, centred=False)(given, dim, keepdim=keepdim)


def _power(_input: Any, exponent: Any) -> Replacement | None:
    if not depends(_input) or isinstance(exponent, Tensor):
        return None
    return Replacement(Pointwise(lambda values: values.pow(exponent)))


def _pointwise(name: str) -> dict[Any, Builder]:
    function = getattr(torch, name)

    def build(given: Tensor) -> Replacement | None:
        if given.is_complex():
            spelt = AlongLine(lambda parts: function(torch.view_as_complex(parts.contiguous())))
            return Replacement(spelt, given=torch.view_as_real(given)) if name == "abs" else None
        return Replacement(Pointwise(function))

    return dict.fromkeys((function, getattr(Tensor, name)), build)


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


def _same(values: Tensor) -> Tensor:
    return values.clone()


def _otherwise_pointwise(function: Any) -> Builder:
    """Return what answers an element-wise function that has no rule of its own with these arguments."""
    own = RECTIFIERS.get(function)

    def build(given: Any, *more: Any, **named: Any) -> Replacement | None:
        found = None if own is None else own(given, *more, **named)
        others = [one for one in (*more, *named.values()) if isinstance(one, Tensor)]
        if found is not None or not depends(given) or any(map(depends, others)):
            return found
        in_place = function.__name__.endswith("_") or bool(named.pop("inplace", False))
        plain = getattr(torch, function.__name__.rstrip("_"), function)
        return Replacement(Pointwise(lambda values: plain(values, *more, **named)), in_place, given)

    return build


_BOUNDED = ("clamp", "clip", "clamp_min", "clamp_max", "clamp_", "clip_", "clamp_min_", "clamp_max_")
_ACTIVATIONS = ("selu", "celu", "prelu", "softsign", "tanhshrink", "hardshrink", "softshrink", "logsigmoid")
_CONVOLUTIONS = tuple(f"conv{kind}{rank}d" for kind in ("", "_transpose") for rank in (1, 2, 3))


def _convolution(function: Any) -> Builder:
    """Return what answers a convolution by kernels that the clip makes."""

    def build(given: Any, weight: Any = None, bias: Any = None, *more: Any, **named: Any) -> Replacement | None:
        if not (depends(given) and depends(weight)) or depends(bias):
            return None
        found = Product(lambda maps, kernels: function(maps, kernels, bias, *more, **named))
        return Replacement(found, given=given, beside=(weight,))

    return build


_POINTWISE = ("exp", "log", "sqrt", "rsqrt", "square", "abs", "reciprocal", "erf", "sin", "cos", "log1p", "sign")

WITH_RULES: Mapping[Any, Builder] = {
    **RECTIFIERS,
    **ALONG_LINES,
    **{one: _otherwise_pointwise(one) for name in _BOUNDED for one in (getattr(torch, name), getattr(Tensor, name))},
    **{one: _otherwise_pointwise(one) for one in (F.hardtanh, *(getattr(F, name) for name in _ACTIVATIONS))},
    **{one: _convolution(one) for one in (getattr(F, name) for name in (*_CONVOLUTIONS, "linear"))},
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
    F.max_pool2d: _max_pool(2),
    F.max_pool3d: _max_pool(3),
    **dict.fromkeys((torch.amax, Tensor.amax), _largest),
    **_products(torch.maximum, Tensor.maximum, made=Larger),
    **{one: _of_two(Larger, _largest_or_rectified(one)) for one in (torch.max, Tensor.max)},
    **_products(torch.mul, Tensor.mul, torch.multiply, Tensor.multiply, made=partial(Product, torch.mul)),
    **_products(Tensor.__mul__, Tensor.__rmul__, made=partial(Product, torch.mul)),
    **_products(Tensor.mul_, Tensor.__imul__, made=partial(Product, torch.mul), in_place=True),
    **_products(torch.div, Tensor.div, torch.true_divide, Tensor.__truediv__, made=Quotient),
    **_products(torch.matmul, Tensor.matmul, Tensor.__matmul__, made=partial(Product, torch.matmul)),
    **_products(torch.bmm, Tensor.bmm, torch.mm, Tensor.mm, made=partial(Product, torch.matmul)),
    torch.einsum: _einsum,
    **dict.fromkeys((torch.var, Tensor.var), _spread(_same, centred=True)),
    **dict.fromkeys((torch.std, Tensor.std), _spread(torch.sqrt, centred=True)),
    torch.linalg.vector_norm: _vector_norm,
    **dict.fromkeys((F.softmax, torch.softmax, Tensor.softmax), _softmax),
    F.scaled_dot_product_attention: _attention,
    **dict.fromkeys((torch.pow, Tensor.pow, Tensor.__pow__), _power),
    **{call: one for name in _POINTWISE for call, one in _pointwise(name).items()},
    F.batch_norm: _batch_norm,
    F.instance_norm: _instance_norm,
    F.group_norm: _group_norm,
    F.layer_norm: _layer_norm,
    F.rms_norm: _rms_norm,
}
"""What has a rule: element-wise functions, products, maxima, softmax, attention, norms by their own statistics."""
