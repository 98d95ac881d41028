"""Operations that mix elements along axes: reductions, normalisations, softmax, attention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.labels import Labels
from reportgen.networks.trace.rearranging import elementwise, first_argument
from reportgen.networks.trace.seen import Seen
from reportgen.networks.trace.traced import D


def _axes(call: TracedCall[Any], names: Sequence[str] = ("dim",)) -> list[int]:
    rank = len(call.source.shape)
    given = next((call.arguments[name] for name in names if call.arguments.get(name) is not None), None)
    axes = list(given) if isinstance(given, list | tuple) else [] if given is None else [given]
    return [int(axis) % rank for axis in axes] or list(range(rank))


def reduce(call: TracedCall[D]) -> D:
    """Mean, sum, maximum and the like over some axes, or over all."""
    if "other" in call.arguments:
        return elementwise(call)
    return call.limited(call.source.merged(_axes(call)).reshaped(call.shape))


def loss(call: TracedCall[D]) -> D:
    """A loss between two tensors, element by element or reduced to one number."""
    parts = [call.of(tensor) for tensor in call.tensors()]
    if call.shape == ():
        parts = [part.merged(range(len(part.shape))).reshaped(()) for part in parts]
    return call.limited(call.union(parts))


def layer_norm(call: TracedCall[D]) -> D:
    """Normalisation over the last axes."""
    rank, count = len(call.source.shape), len(call.arguments["normalized_shape"])
    return call.limited(call.source.merged(range(rank - count, rank)).broadcast(call.shape), "layer_norm")


def group_norm(call: TracedCall[D]) -> D:
    """Normalisation over the positions of groups of channels."""
    source, groups = call.source, int(call.arguments.get("group", call.arguments.get("num_groups", 1)))
    n, c, *rest = source.shape
    apart = (n, groups, c // groups, *rest)
    mixed = source.reshaped(apart).merged([2, *range(3, 3 + len(rest))]).broadcast(apart)
    return call.limited(mixed.reshaped(source.shape), "group_norm")


def layer_norm_seen(call: TracedCall[Seen]) -> Seen:
    """Each element stands where it did; what all of them are divided by is seen beside that."""
    return call.union([call.source, layer_norm(call)])


def group_norm_seen(call: TracedCall[Seen]) -> Seen:
    """Each element stands where it did; what its group is divided by is seen beside that."""
    return call.union([call.source, group_norm(call)])


def softmax_sources(call: TracedCall[Labels]) -> Labels:
    """Softmax keeps kernels apart unless it mixes them."""
    return call.source if not call.source.varies(call.axis()) else call.boundary("softmax")


def cumulative_sources(call: TracedCall[Labels]) -> Labels:
    """Running sums, and sorting, keep kernels apart unless they run over them."""
    return call.source.broadcast(call.shape) if not call.source.varies(call.axis(default=-1)) else call.boundary()


def attention_sources(call: TracedCall[Labels]) -> Labels:
    """Attention may draw on everything that it is given."""
    return call.boundary("attention")


def statistics_seen(call: TracedCall[Seen]) -> Seen:
    """In training a batch norm's statistics are over all positions and samples; each element is its own beside them."""
    source = call.source
    if not call.arguments.get("training", call.arguments.get("train", False)):
        return first_argument(call)
    over = source.merged([axis for axis in range(len(source.shape)) if axis != 1]).broadcast(source.shape)
    return call.union([first_argument(call), over])
