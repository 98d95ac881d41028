"""A channel that a kernel does not read is even in the clip that drives it most: it is no part of what was found."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation

SHAPE = (8, 24, 24)


def wave() -> Tensor:
    """Return a drifting grating under a window, `T H W`, without a response to even clips."""
    t, y, x = torch.meshgrid(*[torch.linspace(-1, 1, n) for n in (3, 7, 7)], indexing="ij")
    window = torch.exp(-(t**2) - y**2 - x**2)
    waves = window * torch.cos(2 * math.pi * (x - 0.5 * t))
    return waves - window * waves.sum() / window.sum()


def reading(*channels: tuple[int, ...], of: int = 3) -> nn.Conv3d:
    """Return a layer with a kernel for each set of channels, which reads these alone."""
    layer = nn.Conv3d(of, len(channels), (3, 7, 7))
    layer.weight.data.zero_()
    layer.bias.data.zero_()
    for kernel, read in zip(layer.weight.data, channels, strict=True):
        kernel[list(read)] = wave()
    return layer


def deeper(first: nn.Conv3d) -> nn.Sequential:
    """Return a second layer that sums each kernel's own rectified map over a neighbourhood."""
    second = nn.Conv3d(first.out_channels, first.out_channels, 3, groups=first.out_channels)
    second.weight.data.fill_(1 / 27)
    second.bias.data.zero_()
    return nn.Sequential(first, nn.ReLU(), second)


def moving(clip: Tensor) -> set[int]:
    """Return the channels of a clip `C T H W` that are not even."""
    return {place for place, values in enumerate(clip) if float(values.std()) > 0.05}


@pytest.mark.parametrize(("depth", "channels"), [(1, 3), (2, 2)])
def test_only_what_a_kernel_reads_is_shown(depth: int, channels: int) -> None:
    sets = ((0,), (1,), tuple(range(channels)))
    first = reading(*sets, of=channels)
    network = (nn.Sequential(first) if depth == 1 else deeper(first)).requires_grad_(False)
    layer = str(len(network) - 1)
    found = maximize_activation(network, layer, range(3), objective="firing", clip_shape=SHAPE, steps=16)
    assert [moving(clip) for clip in found.clips] == [set(read) for read in sets]
    assert all(
        bool((clip[place] == 0.5).all())
        for clip, read in zip(found.clips, sets, strict=True)
        for place in set(range(channels)) - set(read)
    )
    with torch.no_grad():
        again = network(found.clips).relu().flatten(2).mean(2).diagonal()
    torch.testing.assert_close(again, found.activations)


def test_a_kernel_that_reads_nothing_is_not_said_to_want_grey() -> None:
    first = reading((), (0, 1, 2)).requires_grad_(False)
    found = maximize_activation(nn.Sequential(first), "0", [0], clip_shape=SHAPE, steps=8)
    assert moving(found.clips[0]) == {0, 1, 2}
