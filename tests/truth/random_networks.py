"""Small random networks out of every operation that the connection graph supports, in two and three dimensions.

Weights are random and dense, activations smooth, numbers float64: a channel that can change a response does so, and
its derivative is not zero by accident.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

SIDE = 4
CHANNELS = 4


class Kit:
    """The layers of `rank` 2 or 3 dimensions."""

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.conv: Any = nn.Conv2d if rank == 2 else nn.Conv3d
        self.transposed: Any = nn.ConvTranspose2d if rank == 2 else nn.ConvTranspose3d
        self.norm: Any = nn.BatchNorm2d if rank == 2 else nn.BatchNorm3d
        self.max_pool: Any = F.max_pool2d if rank == 2 else F.max_pool3d
        self.avg_pool: Any = F.avg_pool2d if rank == 2 else F.avg_pool3d
        self.mean: Any = F.adaptive_avg_pool2d if rank == 2 else F.adaptive_avg_pool3d

    def clip(self, seed: int) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.randn((1, 3, *[SIDE] * self.rank), generator=generator, dtype=torch.float64)


class Function(nn.Module):
    """A step without weights."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Join(nn.Module):
    """Branches that see the same tensor, and what becomes of their results."""

    def __init__(self, join: Callable[..., Tensor], *branches: nn.Module) -> None:
        super().__init__()
        self.join = join
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(*(branch(x) for branch in self.branches))


Step = Callable[[Kit, int], tuple[nn.Module, int]]
"""Makes a step for a tensor of so many channels; returns it and the number of channels behind it."""


def _same(function: Callable[[Kit, Tensor], Tensor]) -> Step:
    return lambda kit, c: (Function(lambda x: function(kit, x)), c)


def _convolution(kit: Kit, c: int) -> tuple[nn.Module, int]:
    return kit.conv(c, CHANNELS, 3, padding=1), CHANNELS


def _strided(kit: Kit, c: int) -> tuple[nn.Module, int]:
    return nn.Sequential(
        kit.conv(c, CHANNELS, 1, stride=2), Function(lambda x: F.interpolate(x, scale_factor=2))
    ), CHANNELS


def _grouped(kit: Kit, c: int) -> tuple[nn.Module, int]:
    return (
        kit.conv(c, c, 3, padding=1, groups=2) if c % 2 == 0 else kit.conv(c, 2 * c, 1, groups=c)
    ), c if c % 2 == 0 else 2 * c


def _depthwise(kit: Kit, c: int) -> tuple[nn.Module, int]:
    return kit.conv(c, c, 3, padding=1, groups=c, bias=False), c


def _transposed(kit: Kit, c: int) -> tuple[nn.Module, int]:
    groups = 2 if c % 2 == 0 else 1
    return kit.transposed(c, CHANNELS, 3, padding=1, groups=groups), CHANNELS


def _two_plus_one(kit: Kit, c: int) -> tuple[nn.Module, int]:
    flat, line = (1,) + (3,) * (kit.rank - 1), (3,) + (1,) * (kit.rank - 1)
    space = kit.conv(c, 3, flat, padding=tuple(k // 2 for k in flat))
    return nn.Sequential(
        space, nn.Softplus(), kit.conv(3, CHANNELS, line, padding=tuple(k // 2 for k in line))
    ), CHANNELS


def _weight_norm(kit: Kit, c: int) -> tuple[nn.Module, int]:
    return nn.utils.parametrizations.weight_norm(kit.conv(c, CHANNELS, 1)), CHANNELS


def _residual(kit: Kit, c: int) -> tuple[nn.Module, int]:
    body = nn.Sequential(kit.conv(c, c, 3, padding=1), kit.norm(c))
    return Join(lambda x, y: x.add(y), body, nn.Identity()), c


def _residual_in_place(kit: Kit, c: int) -> tuple[nn.Module, int]:
    def add(x: Tensor, y: Tensor) -> Tensor:
        x += y
        return x

    return Join(add, kit.conv(c, c, 1), nn.Identity()), c


def _dense(kit: Kit, c: int) -> tuple[nn.Module, int]:
    return Join(lambda x, y: torch.cat([x, y], 1), nn.Identity(), kit.conv(c, 2, 1)), c + 2


def _inception(kit: Kit, c: int) -> tuple[nn.Module, int]:
    pool = Function(lambda x: kit.max_pool(x, 3, 1, 1))
    branches = kit.conv(c, 2, 1), nn.Sequential(kit.conv(c, 2, 1), kit.conv(2, 3, 3, padding=1)), pool
    return Join(lambda *parts: torch.cat(parts, 1), *branches), c + 5


def _fibres(kit: Kit, c: int) -> tuple[nn.Module, int]:
    """A multi-fibre unit: a multiplexer added to the input, then convolutions in fibres."""
    mixer = nn.Sequential(kit.conv(c, 2, 1), nn.Tanh(), kit.conv(2, c, 1))
    fibres = 2 if c % 2 == 0 else 1
    return nn.Sequential(Join(torch.add, mixer, nn.Identity()), kit.conv(c, 2 * c, 3, padding=1, groups=fibres)), 2 * c


def _gate(kit: Kit, c: int) -> tuple[nn.Module, int]:
    """Squeeze and excitation by convolutions."""
    squeeze = Function(lambda x: kit.mean(x, 1))
    gate = nn.Sequential(squeeze, kit.conv(c, 2, 1), nn.Tanh(), kit.conv(2, c, 1), nn.Sigmoid())
    return Join(torch.mul, nn.Identity(), gate), c


def _linear_gate(kit: Kit, c: int) -> tuple[nn.Module, int]:
    """Squeeze and excitation by linear layers."""
    flat = Function(lambda x: kit.mean(x, 1).flatten(1))
    back = Function(lambda x: x.reshape(*x.shape, *[1] * kit.rank))
    gate = nn.Sequential(flat, nn.Linear(c, 2), nn.Tanh(), nn.Linear(2, c), nn.Sigmoid(), back)
    return Join(torch.mul, nn.Identity(), gate), c


def _sliced(kit: Kit, c: int) -> tuple[nn.Module, int]:
    return Function(lambda x: x[:, 1:]), c - 1


def _chunked(kit: Kit, c: int) -> tuple[nn.Module, int]:
    def swap(x: Tensor) -> Tensor:
        first, second = x.split([1, c - 1], 1)
        return torch.cat([second, first * 2], 1)

    return Function(swap), c


def _shuffled(kit: Kit, c: int) -> tuple[nn.Module, int]:
    groups = 2 if c % 2 == 0 else 1
    return Function(lambda x: x.view(1, groups, c // groups, *x.shape[2:]).transpose(1, 2).reshape(x.shape)), c


def _patches(kit: Kit, c: int) -> tuple[nn.Module, int]:
    """Patches of every frame as columns, and what is in each of them put together."""

    def averaged(x: Tensor) -> Tensor:
        frames = x if kit.rank == 2 else x.transpose(1, 2).flatten(0, 1)
        columns = F.unfold(frames, 3, padding=1).view(len(frames), c, 9, -1).mean(2).view(frames.shape)
        return columns if kit.rank == 2 else columns.view(len(x), -1, *frames.shape[1:]).transpose(1, 2)

    return Function(averaged), c


def _channels_last(kit: Kit, c: int) -> tuple[nn.Module, int]:
    """A linear layer over the channel axis, moved to the end and back."""
    linear = nn.Linear(c, CHANNELS)
    return nn.Sequential(Function(lambda x: x.movedim(1, -1)), linear, Function(lambda x: x.movedim(-1, 1))), CHANNELS


def _written(kit: Kit, c: int) -> tuple[nn.Module, int]:
    """A temporal shift, written slice by slice into zeros."""

    def shift(x: Tensor) -> Tensor:
        out = torch.zeros_like(x)
        out[:, :1, 1:] = x[:, 1:2, :-1]
        out[:, 1:] = x[:, 1:]
        return out

    return Function(shift), c


def _indexed(kit: Kit, c: int) -> tuple[nn.Module, int]:
    order = torch.arange(c).roll(1)
    return Function(lambda x: x[:, order]), c


def _padded_channels(kit: Kit, c: int) -> tuple[nn.Module, int]:
    """The parameter-free shortcut of residual networks: zeros for the new channels."""
    return Function(lambda x: F.pad(x, (*[0] * (2 * kit.rank), 0, 1))), c + 1


STEPS: dict[str, Step] = {
    "convolution": _convolution,
    "strided": _strided,
    "grouped": _grouped,
    "depthwise": _depthwise,
    "transposed": _transposed,
    "two_plus_one": _two_plus_one,
    "weight_norm": _weight_norm,
    "residual": _residual,
    "residual_in_place": _residual_in_place,
    "dense": _dense,
    "inception": _inception,
    "fibres": _fibres,
    "gate": _gate,
    "linear_gate": _linear_gate,
    "sliced": _sliced,
    "chunked": _chunked,
    "shuffled": _shuffled,
    "channels_last": _channels_last,
    "written": _written,
    "indexed": _indexed,
    "padded_channels": _padded_channels,
    "norm": lambda kit, c: (kit.norm(c), c),
    "tanh": lambda kit, c: (nn.Tanh(), c),
    "silu": lambda kit, c: (nn.SiLU(), c),
    "gelu": lambda kit, c: (nn.GELU(), c),
    "max_pool": _same(lambda kit, x: kit.max_pool(x, 3, 1, 1)),
    "avg_pool": _same(lambda kit, x: kit.avg_pool(x, 3, 1, 1)),
    "padded": _same(lambda kit, x: F.pad(x, [1, 0] * kit.rank)[(..., *[slice(1, None)] * kit.rank)]),
    "flipped": _same(lambda kit, x: x.flip(1)),
    "rolled": _same(lambda kit, x: torch.roll(x, 1, 1)),
    "unbound": _same(lambda kit, x: torch.stack(x.unbind(1)[::-1], 1)),
    "scaled": _same(lambda kit, x: x * 2 - 1),
}


def _written_by_index(kit: Kit, c: int) -> tuple[nn.Module, int]:
    """Channels that are written by an index and scattered into others, and places that a mask fills."""
    ends, back = torch.tensor([c - 1, 0]), torch.tensor([0, c - 1])

    def write(x: Tensor) -> Tensor:
        out = torch.zeros_like(x)
        out[:, ends] = x[:, back]
        out = out.index_copy(1, torch.tensor([1]), x[:, 2:3]).index_fill(-1, torch.tensor([0]), 0.5)
        out = torch.select_scatter(torch.slice_scatter(out, x[:, 1:2], 1, 2, 3), x[:, 0], 1, 3)
        out[torch.eye(SIDE, dtype=torch.bool).expand_as(out)] = 1
        return torch.rot90(out.masked_fill_(torch.eye(SIDE, dtype=torch.bool).flip(0), 0), 1, (-2, -1))

    return Function(write), c


def _gathered(kit: Kit, c: int) -> tuple[nn.Module, int]:
    """Channels that are gathered, scattered and added by an index."""

    def index(*channels: int) -> Tensor:
        return torch.tensor(channels).view(1, -1, *[1] * kit.rank).repeat(1, 1, *[SIDE] * kit.rank)

    taken, written, first = index(2, 1, 2), index(c - 1, 0, 1), index(1)
    added = torch.tensor([0, 0])

    def move(x: Tensor) -> Tensor:
        out = torch.zeros_like(x).scatter(1, written, x.gather(1, taken).tanh())
        return out.index_add(1, added, x[:, 2:4]).scatter_add(1, first, x[:, 1:2])

    return Function(move), c


def _folded(kit: Kit, c: int) -> tuple[nn.Module, int]:
    """Patches of every frame as columns, of which one tap is left out, and their sums."""

    def fold(x: Tensor) -> Tensor:
        frames = x if kit.rank == 2 else x.transpose(1, 2).flatten(0, 1)
        columns = F.unfold(frames, 3, padding=1)
        columns = torch.cat([columns[:, :9].tanh(), columns[:, 9:-9], columns[:, :9]], 1)
        found = F.fold(columns, frames.shape[2:], 3, padding=1)
        return found if kit.rank == 2 else found.view(len(x), -1, *frames.shape[1:]).transpose(1, 2)

    return Function(fold), c


WINDOWS: dict[str, Step] = {
    "gathered": _gathered,
    "folded": _folded,
    "written by an index": _written_by_index,
    "patches": _patches,
    "running": _same(lambda kit, x: x.cummax(-1).values + x.cumsum(-1)),
    "windows": _same(lambda kit, x: F.pad(x, (1, 1)).unfold(-1, 3, 1).amax(-1)),
}
"""Steps that are tried by themselves."""

HEADS = ("linear", "flatten", "convolution")


class RandomNetwork(nn.Module):
    """A stem, some steps, and a classifier of three classes."""

    def __init__(self, rank: int, steps: list[str], head: str, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.kit = Kit(rank)
        self.stem = self.kit.conv(3, CHANNELS, 3, padding=1)
        made, channels = [], CHANNELS
        for name in steps:
            if channels > 1 or name not in {"sliced", "chunked", "written"}:
                step, channels = {**STEPS, **WINDOWS}[name](self.kit, channels)
                made.append(step)
        self.steps = nn.Sequential(*made)
        width = channels * SIDE**rank if head == "flatten" else channels
        self.head = self.kit.conv(channels, 3, 1) if head == "convolution" else nn.Linear(width, 3)
        self.flatten = head == "flatten"
        self.double().eval()
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2.0)
                nn.init.uniform_(module.weight, 0.5, 2.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.steps(self.stem(x))
        if isinstance(self.head, nn.Linear):
            return self.head(x.flatten(1) if self.flatten else self.kit.mean(x, 1).flatten(1))
        return self.head(x).flatten(2).mean(2)
