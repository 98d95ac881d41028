"""Calls whose gain DeepLift shares out by their mean slope on the line from the baseline to the clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)
from torch.utils._pytree import tree_flatten, tree_unflatten

from reportgen.analyses.saliency.rescale_lengths import Cosine, LargestAndPlaces, OverLength
from reportgen.analyses.saliency.rescale_paths import AlongLine
from reportgen.networks.trace.rectifiers import Builder, Replacement


def depends(value: Any) -> bool:
    """Whether a factor may depend on the clip."""
    return isinstance(value, Tensor) and value.is_floating_point() and not isinstance(value, nn.Parameter)


def along_line(function: Callable[..., Any], least: int = 1) -> Builder:
    """Return what answers calls of a function of at least so many tensors that may depend on the clip."""

    def build(*args: Any, **named: Any) -> Replacement | None:
        leaves, structure = tree_flatten((args, named))
        places = [place for place, leaf in enumerate(leaves) if depends(leaf)]
        if len(places) < least:
            return None
        fixed = [None if place in places else leaf for place, leaf in enumerate(leaves)]

        def answered(*given: Tensor) -> Any:
            filled = list(fixed)
            for place, one in zip(places, given, strict=True):
                filled[place] = one
            own, more = tree_unflatten(filled, structure)
            return function(*own, **more)

        first, *others = (leaves[place] for place in places)
        return Replacement(AlongLine(answered), given=first, beside=tuple(others))

    return build


def _normalize(given: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, **_out: None) -> Replacement | None:
    if p == 2 and isinstance(dim, int):
        return Replacement(OverLength(dim, eps), given=given)
    return along_line(F.normalize)(given, p=p, dim=dim, eps=eps)


def _cosine(first: Tensor, second: Tensor, dim: int = 1, eps: float = 1e-8) -> Replacement:
    return Replacement(Cosine(dim, eps), given=first, beside=(second,))


def largest_of(first: Any, dim: Any = None, keepdim: bool = False) -> Replacement | None:
    """Return what answers `max` along an axis, which returns places, too."""
    if not depends(first) or not isinstance(dim, int):
        return None
    return Replacement(LargestAndPlaces(dim, keepdim), given=first)


_RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
_ALONE = ("local_response_norm", "lp_pool2d", "lp_pool3d", "glu", "log_softmax", "softmin")
_OF_SEVERAL = ("grid_sample", "bilinear", "multi_head_attention_forward")
_METHODS = ("logsumexp", "log_softmax", "prod", "cumprod", "norm", "sort", "topk", "median", "kthvalue", "amin")
_POLYNOMIALS = ("addcmul", "addcdiv", "addmm", "addbmm", "baddbmm", "addmv", "lerp")
_MAXIMA = ("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d", "max_pool1d")

ALONG_LINES: Mapping[Any, Builder] = {
    **{one: along_line(one) for one in (getattr(torch, name) for name in _RECURRENT)},
    **{one: along_line(one) for one in (getattr(F, name) for name in (*_ALONE, *_OF_SEVERAL, *_MAXIMA))},
    **{one: along_line(one) for name in _METHODS for one in (getattr(torch, name), getattr(Tensor, name))},
    **{one: along_line(one, 2) for name in _POLYNOMIALS for one in (getattr(torch, name), getattr(Tensor, name))},
    **{one: along_line(one) for one in (F.pairwise_distance, torch.cdist)},
    F.normalize: _normalize,
    **dict.fromkeys((F.cosine_similarity, torch.cosine_similarity), _cosine),
    **{one: along_line(one) for one in (torch.std_mean, torch.var_mean, torch.linalg.norm, torch.grid_sampler)},
}
"""Recurrent layers, norms of lengths, sampled maps, sorted values, and sums of products."""
