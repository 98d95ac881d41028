"""What a search must know of a layer: whether it sees pixels directly, and whether it has a time axis."""

from __future__ import annotations

from reportgen.analyses.kernels.closed_form import filters
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.arrangement import PLAIN
from reportgen.networks.kernels.preactivation import Preactivation
from reportgen.networks.kernels.receptive_field import Field


def sees_pixels(target: Preactivation, field: Field | None) -> bool:
    """Return whether a layer is a first one: it sees no more of the clip than its own kernel.

    Where the reach is not told, as of a layer that is given frames as samples or one after another, it is one if it is
    linear in the pixels and weighs no more of them.
    """
    size = getattr(target.network.module.get_submodule(target.layer), "kernel_size", None)
    if not isinstance(size, tuple) or (field is None and target.calls == (PLAIN,)):
        return False
    reach = [1] * (3 - len(size)) + list(size)
    if field is not None:
        return [axis.size for axis in field] == reach
    weights = filters(target.network, target.layer, [0], target.clip_shape).get(0)
    return weights is not None and all(seen <= own for seen, own in zip(weights.shape[1:], reach, strict=True))


def has_time(network: Network, target: Preactivation) -> bool:
    """Return whether a layer answers to a later clip later, and not otherwise.

    Flow networks stack two frames as channels: their order must not be shifted, and that they are alike must not be
    preferred.
    """
    return len(target.map_shape) != 1 + 2 and network.adapter.input != "stacked_frames"
