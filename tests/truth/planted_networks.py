"""Small bias-free networks in which it is known which kernels make class 0: a planted pathway among distractors.

Planted kernels excite planted kernels. Distractors are as active, are fed by planted kernels and by each other, and
reach the class by negative weights, or by weights ten thousand times smaller, alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

WIDTH = 8
CLASSES = 4
NOISE = 1e-4


@dataclass(frozen=True, eq=False)
class Planted:
    """A network, a clip, and the kernels of each layer that make class 0 about it."""

    network: nn.Module
    clip: Tensor
    kernels: dict[str, set[int]]


class Plain(nn.Module):
    """Three convolutions and a classifier; with groups, or with depth-wise convolutions in between."""

    def __init__(self, conv: Any, groups: Sequence[int] = (1, 1)) -> None:
        super().__init__()
        self.first = conv(3, WIDTH, 3, padding=1, bias=False)
        self.second = conv(WIDTH, WIDTH, 3, padding=1, bias=False, groups=groups[0])
        self.third = conv(WIDTH, WIDTH, 3, padding=1, bias=False, groups=groups[1])
        self.classifier = nn.Linear(WIDTH, CLASSES, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.first, self.second, self.third):
            x = F.relu(layer(x))
        return self.classifier(x.flatten(2).mean(2))


class Skip(nn.Module):
    """A residual block between a stem and a classifier."""

    def __init__(self, conv: Any) -> None:
        super().__init__()
        self.stem = conv(3, WIDTH, 3, padding=1, bias=False)
        self.inner = conv(WIDTH, WIDTH, 3, padding=1, bias=False)
        self.outer = conv(WIDTH, WIDTH, 1, bias=False)
        self.classifier = nn.Linear(WIDTH, CLASSES, bias=False)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.stem(x))
        out = self.outer(self.relu(self.inner(x)))
        out += x
        return self.classifier(self.relu(out).flatten(2).mean(2))


class Branches(nn.Module):
    """A block of three branches, one of them with pooling and one of two layers, and a convolution over all."""

    def __init__(self, conv: Any) -> None:
        super().__init__()
        self.pool = F.max_pool2d if conv is nn.Conv2d else F.max_pool3d
        self.stem = conv(3, WIDTH, 3, padding=1, bias=False)
        self.narrow = conv(WIDTH, WIDTH, 1, bias=False)
        self.reduce = conv(WIDTH, WIDTH, 1, bias=False)
        self.wide = conv(WIDTH, WIDTH, 3, padding=1, bias=False)
        self.pooled = conv(WIDTH, WIDTH, 1, bias=False)
        self.last = conv(3 * WIDTH, WIDTH, 1, bias=False)
        self.classifier = conv(WIDTH, CLASSES, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x))
        parts = self.narrow(x), self.wide(F.relu(self.reduce(x))), self.pooled(self.pool(x, 3, 1, 1))
        x = F.relu(self.last(F.relu(torch.cat(parts, 1))))
        return self.classifier(x).flatten(2).mean(2)


class Gardener:
    """Plants pathways, from a seed."""

    def __init__(self, rank: int, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)
        self.rank = rank

    def clip(self) -> Tensor:
        return torch.rand((1, 3, *[6, 8, 8][-self.rank :]), generator=self.generator)

    def some(self, count: int, of: int = WIDTH) -> set[int]:
        return set(torch.randperm(of, generator=self.generator)[:count].tolist())

    def one_per_pair(self) -> set[int]:
        picks = torch.randint(2, (WIDTH // 2,), generator=self.generator)
        return {2 * pair + int(pick) for pair, pick in enumerate(picks)}

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, generator=self.generator) + 0.5

    def plant(self, layer: Any, outputs: set[int], inputs: set[int], *, derivative: bool = False) -> None:
        """Set a convolution's weights so that `outputs` are excited by `inputs` and by next to nothing else.

        With `derivative` each planted kernel reads one planted channel by taps that sum to zero.
        """
        weight = layer.weight.data
        taps = weight[0, 0].numel()
        weight.copy_(torch.rand(weight.shape, generator=self.generator) * 2 / weight[0].numel())
        chosen = sorted(inputs)
        for place, out in enumerate(sorted(outputs)):
            first = out // (weight.shape[0] // layer.groups) * weight.shape[1]
            read = {chosen[place % len(chosen)]} if derivative else inputs
            for channel in range(weight.shape[1]):
                if first + channel not in read:
                    weight[out, channel] *= NOISE
                elif derivative:
                    weight[out, channel] = self._zero_mean(weight.shape[2:])
                else:
                    weight[out, channel] = self._uniform(1)[0] / taps

    def _zero_mean(self, shape: Sequence[int]) -> Tensor:
        """A difference between two moments (three dimensions) or two rows (two), elsewhere in the kernel each time."""
        profile = torch.zeros(3, 3 ** (len(shape) - 1))
        column = torch.randint(profile.shape[1], (1,), generator=self.generator)
        sign = 1.0 if torch.rand(1, generator=self.generator) < 0.5 else -1.0
        profile[0, column], profile[2, column] = -2 * sign, 2 * sign
        return profile.reshape(*shape)

    def sharpen(self, layer: Any, outputs: set[int]) -> None:
        """Let kernels read one input channel, most of all, at their centre: they then differ in where they respond."""
        for out in outputs:
            kernel = layer.weight.data[out]
            peak = torch.zeros_like(kernel).flatten(1)
            peak[torch.randint(len(kernel), (1,), generator=self.generator), peak.shape[1] // 2] = 1.0
            kernel.mul_(0.2).add_(peak.reshape(kernel.shape))

    def inhibit(self, layer: Any, before: Tensor, outputs: set[int], inhibitors: set[int]) -> None:
        """Let `inhibitors` among the input channels `before` silence `outputs` at half of all positions.

        The sum of all that reaches such a kernel is then often negative, though it responds.
        """
        drive = F.conv2d if self.rank == 2 else F.conv3d
        share = 1 / layer.weight[0, 0].numel()
        for out in outputs:
            weight = layer.weight.data[out : out + 1]
            against = torch.zeros_like(weight)
            against[:, sorted(inhibitors)] = share
            weight *= torch.where(against > 0, torch.zeros(()), torch.ones(()))
            ratio = drive(before, weight, padding=1) / drive(before, against, padding=1)
            weight -= float(ratio.quantile(0.5)) * against
            weight /= F.relu(drive(before, weight, padding=1)).mean()

    def classify(self, layer: Any, inputs: set[int]) -> None:
        """Class 0 is excited by `inputs` and inhibited by every other kernel."""
        weight = layer.weight.data
        weight.copy_(torch.randn(weight.shape, generator=self.generator))
        for channel in range(weight.shape[1]):
            sign = 1.0 if channel in inputs else -0.02
            weight[0, channel] = sign * self._uniform(1)[0]


def _conv(rank: int) -> Any:
    return nn.Conv2d if rank == 2 else nn.Conv3d


EVERY = {0, 1, 2}


def plain(rank: int, seed: int, **how: Any) -> Planted:
    garden, network = Gardener(rank, seed), Plain(_conv(rank))
    first, second, third = (garden.some(3) for _ in range(3))
    garden.plant(network.first, first, EVERY, derivative=how.get("derivative", False))
    garden.plant(network.second, second, first, **how)
    garden.plant(network.third, third, second, **how)
    garden.classify(network.classifier, third)
    return Planted(network, garden.clip(), {"first": first, "second": second, "third": third})


def zero_mean(rank: int, seed: int) -> Planted:
    return plain(rank, seed, derivative=True)


def inhibition(rank: int, seed: int) -> Planted:
    """Planted kernels are inhibited by as many kernels as excite them."""
    garden, network = Gardener(rank, seed), Plain(_conv(rank))
    order = torch.randperm(WIDTH, generator=garden.generator).tolist()
    first, against = set(order[:3]), set(order[3:6])
    second, third = garden.some(3), garden.some(3)
    clip = garden.clip() ** 8  # few bright spots
    garden.plant(network.first, first | against, EVERY)
    garden.sharpen(network.first, first | against)
    garden.plant(network.second, second, first)
    garden.inhibit(network.second, F.relu(network.first(clip)).detach(), second, against)
    garden.plant(network.third, third, second)
    garden.classify(network.classifier, third)
    return Planted(network, clip, {"first": first, "second": second, "third": third})


def groups(rank: int, seed: int) -> Planted:
    garden, network = Gardener(rank, seed), Plain(_conv(rank), groups=(2, 4))
    first, second, third = (garden.one_per_pair() for _ in range(3))
    garden.plant(network.first, first, EVERY)
    garden.plant(network.second, second, first)
    garden.plant(network.third, third, second)
    garden.classify(network.classifier, third)
    return Planted(network, garden.clip(), {"first": first, "second": second, "third": third})


def depthwise(rank: int, seed: int) -> Planted:
    garden, network = Gardener(rank, seed), Plain(_conv(rank), groups=(WIDTH, WIDTH))
    path = garden.some(3)
    garden.plant(network.first, path, EVERY)
    garden.plant(network.second, path, path)
    garden.plant(network.third, path, path)
    garden.classify(network.classifier, path)
    return Planted(network, garden.clip(), {"first": path, "second": path, "third": path})


def skip_path(rank: int, seed: int) -> Planted:
    """Channels 0 and 1 reach the class by the skip path alone, 2 and 3 also through the block, 4 only through it."""
    garden, network = Gardener(rank, seed), Skip(_conv(rank))
    order = torch.randperm(WIDTH, generator=garden.generator).tolist()
    by_skip, by_both, into = set(order[:2]), set(order[2:4]), {order[4]}
    inner = garden.some(3)
    garden.plant(network.stem, by_skip | by_both | into, EVERY)
    garden.plant(network.inner, inner, into)
    garden.plant(network.outer, by_both, inner)
    for channel in by_skip:
        network.outer.weight.data[channel] = -NOISE
    garden.classify(network.classifier, by_skip | by_both)
    kernels = {"stem": by_skip | by_both | into, "inner": inner, "outer": by_both}
    return Planted(network, garden.clip(), kernels)


def branches(rank: int, seed: int) -> Planted:
    garden, network = Gardener(rank, seed), Branches(_conv(rank))
    stem, last = garden.some(3), garden.some(3)
    narrow, reduce, wide, pooled = (garden.some(2) for _ in range(4))
    garden.plant(network.stem, stem, EVERY)
    for layer, outputs, inputs in (
        (network.narrow, narrow, stem),
        (network.reduce, reduce, stem),
        (network.wide, wide, reduce),
        (network.pooled, pooled, stem),
    ):
        garden.plant(layer, outputs, inputs)
    joined = narrow | {WIDTH + i for i in wide} | {2 * WIDTH + i for i in pooled}
    garden.plant(network.last, last, joined)
    garden.classify(network.classifier, last)
    kernels = {"stem": stem, "narrow": narrow, "reduce": reduce, "wide": wide, "pooled": pooled, "last": last}
    return Planted(network, garden.clip(), kernels)


CASES = {
    "uniform": plain,
    "zero_mean": zero_mean,
    "inhibition": inhibition,
    "groups": groups,
    "depthwise": depthwise,
    "skip_path": skip_path,
    "branches": branches,
}
