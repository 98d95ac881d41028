"""What a search must know of a layer: whether it sees pixels directly, and whether it has a time axis."""

from __future__ import annotations

from reportgen.networks.core.network import Network
from reportgen.networks.kernels.preactivation import Preactivation
from reportgen.networks.kernels.receptive_field import Field


def sees_pixels(target: Preactivation, field: Field | None) -> bool:
    """Return whether a layer is a first one: it sees no more of the clip than its own kernel."""
    size = getattr(target.network.module.get_submodule(target.layer), "kernel_size", None)
    if field is None or not isinstance(size, tuple):
        return False
    return [axis.size for axis in field] == [1] * (len(field) - len(size)) + list(size)


def has_time(network: Network, target: Preactivation) -> bool:
    """Return whether a layer answers to a later clip later, and not otherwise.

    Flow networks stack two frames as channels: their order must not be shifted, and that they are alike must not be
    preferred.
    """
    return len(target.map_shape) != 1 + 2 and network.adapter.input != "stacked_frames"
