"""Convolutions of 3x3x3 by Winograd's transform beside the vendor library's own, in turn, on one thread.

    python -m benchmarks.cubes

For each size of maps the medians of the processor seconds there and back, their ratios, and how far the answers are
apart as a share of the largest. `chosen` says which of the two a quick copy of a network takes on this processor.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from reportgen.networks.speed.library import PackedConvolution
from reportgen.networks.speed.winograd import WinogradConvolution, by_winograd

_ONE = (1, 1, 1)
_CASES = (  # channels, kernels, maps T H W
    ("r3d_18 layer1", 64, 64, (16, 56, 56)),
    ("c3d conv2", 64, 128, (16, 56, 56)),
    ("r3d_18 layer2", 128, 128, (8, 28, 28)),
    ("c3d conv3a", 128, 256, (8, 28, 28)),
    ("c3d conv3b", 256, 256, (8, 28, 28)),
    ("c3d conv4b", 512, 512, (4, 14, 14)),
    ("c3d conv5b", 512, 512, (2, 7, 7)),
    ("i3d_inception mixed_4", 112, 224, (16, 14, 14)),
)


def _medians(ways: Sequence[Callable[[], Tensor]], rounds: int) -> list[float]:
    """Return the median processor seconds of each way, all asked once a round."""
    spent: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()
    for _ in range(rounds):
        for way, own in zip(ways, spent, strict=True):
            began = time.process_time()
            way()
            own.append(time.process_time() - began)
    return [statistics.median(own) for own in spent]


def _measured(channels: int, kernels: int, sides: Sequence[int], rounds: int) -> str:
    """Return the figures of convolutions of maps T H W."""
    maps = torch.randn(1, channels, *sides).contiguous(memory_format=torch.channels_last_3d)
    weight = torch.randn(kernels, channels, 3, 3, 3) / (27 * channels) ** 0.5
    gradient = torch.randn(1, kernels, *sides).contiguous(memory_format=torch.channels_last_3d)
    own = PackedConvolution(maps, weight, None, _ONE, _ONE, _ONE, packs=True)
    quick = WinogradConvolution(weight, None, _ONE)
    with torch.no_grad():
        wanted = own.forward(maps)
        apart = float((quick.forward(maps) - wanted).abs().max() / wanted.abs().max())
        there = _medians([lambda: own.forward(maps), lambda: quick.forward(maps)], rounds)
        back = _medians([lambda: own.backward(gradient, None), lambda: quick.backward(gradient)], rounds)
    told = "  ".join(f"{1000 * a:7.1f} {1000 * b:7.1f} {a / b:5.2f}x" for a, b in (there, back))
    chosen = "transform" if by_winograd(maps, weight, _ONE, _ONE, _ONE) else "library"
    return f"{'x'.join(map(str, sides)):9} {told}  {apart:.0e} apart  chosen: {chosen}"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"vectors: {torch.backends.cpu.get_cpu_capability()}; ms of the library and of the transform")
    for name, channels, kernels, sides in _CASES:
        print(
            f"{name:22} {channels:3} to {kernels:3} of {_measured(channels, kernels, sides, options.rounds)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
