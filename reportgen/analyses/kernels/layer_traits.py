"""What a search must know of a layer: whether it sees pixels directly, and whether it has a time axis."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from reportgen.analyses.kernels.closed_form import filters
from reportgen.analyses.kernels.schedules import small_shape
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.arrangement import PLAIN
from reportgen.networks.kernels.preactivation import Preactivation
from reportgen.networks.kernels.receptive_field import Geometry


def sees_pixels(target: Preactivation, placed: Geometry) -> bool:
    """Return whether a layer is a first one: a convolution that sees no more of the clip than its own kernel.

    What it sees is to be the clip itself: a rectifier behind a layer of single pixels bends it. So is one
    with no other layer before it that is linear in the pixels: these may be moved (patches put together for a linear
    layer) and averaged, but frames are not channels: of two or three the speed is not to be read off a filter's
    spectrum. Where the reach is not told, as of a layer that is given frames as samples or one after another, it is
    one if it is linear in the pixels and weighs no more of them than its kernel has places. That it is linear is asked
    of a clip as small as the network takes, and of a whole one before it is denied.
    """
    size = getattr(target.network.module.get_submodule(target.layer), "kernel_size", None)
    reach = [1] * (3 - len(size)) + list(size) if isinstance(size, tuple) else None
    alone = reach is not None and placed.field is not None and [axis.size for axis in placed.field] == reach
    first = alone or (placed.first and has_time(target.network, target))
    framed = reach is not None and placed.field is None and target.calls != (PLAIN,)
    if not (first or framed):
        return False
    weights = next((one for shape in _shapes(target, placed) if (one := _filter(target, shape)) is not None), None)
    if weights is None or first or reach is None:
        return weights is not None
    return all(seen <= own for seen, own in zip(weights.shape[1:], reach, strict=True))


def _shapes(target: Preactivation, placed: Geometry) -> Iterator[tuple[int, int, int]]:
    """Yield the shapes (T, H, W) of clips of which a first layer's kernel may be read, the smallest first."""
    if placed.field is not None:
        axes = zip(*((axis.size, axis.jump) for axis in placed.field), strict=True)
        if (small := small_shape(target.clip_shape, *axes)) is not None:
            yield small
    yield target.clip_shape


def _filter(target: Preactivation, shape: tuple[int, int, int]) -> Tensor | None:
    return filters(target, [0], shape).get(0)


def has_time(network: Network, target: Preactivation) -> bool:
    """Return whether a layer answers to a later clip later, and not otherwise.

    Flow networks stack two frames as channels: their order must not be shifted, and that they are alike must not be
    preferred. Their maps are `K H W`; those of tokens of frames that are samples have as many axes.
    """
    flat = len(target.map_shape) == 1 + 2 and target.calls == (PLAIN,)
    return not flat and network.adapter.input != "stacked_frames"
