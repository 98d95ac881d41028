"""Convolutions that do a sum and a rectifier in passing answer as the network does, and where nothing else looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.networks.core.network import Network, as_network
from reportgen.networks.core.passes import run_until
from reportgen.networks.core.taps import Taps, replaced
from reportgen.networks.speed.following import Following, what_follows
from reportgen.networks.speed.library import can_freeze
from reportgen.networks.speed.quick_copy import quick_copy
from reportgen.networks.trace.rectifiers import RectifierCount
from reportgen.networks.trace.smoothed import SmoothedRectifiers

pytestmark = pytest.mark.skipif(not can_freeze(), reason="this build of torch has no packed weights")

CLIP = torch.rand(1, 3, 5, 20, 20, generator=torch.Generator().manual_seed(1))
Join = Callable[[Tensor, Tensor], Tensor]


def in_place(out: Tensor, shortcut: Tensor) -> Tensor:
    out += shortcut
    return out


def by_its_method(out: Tensor, shortcut: Tensor) -> Tensor:
    out.add_(shortcut)
    return out


JOINS: dict[str, Join] = {
    "out + shortcut": lambda out, shortcut: out + shortcut,
    "shortcut + out": lambda out, shortcut: shortcut + out,
    "torch.add": torch.add,
    "out += shortcut": in_place,
    "out.add_": by_its_method,
    "add with alpha": lambda out, shortcut: torch.add(out, shortcut, alpha=0.5),
    "onto the shortcut": lambda out, shortcut: shortcut.clone().add_(out),
    "subtracted": lambda out, shortcut: shortcut - out,
    "a mean": lambda out, shortcut: torch.stack([out, shortcut]).mean(0),
    "the branch cut off": lambda out, shortcut: shortcut + out.detach(),
}


class Block(nn.Module):
    """A residual block of two or three convolutions."""

    def __init__(self, inputs: int, outputs: int, join: Join, *, bottleneck: bool = False, stride: int = 1) -> None:
        super().__init__()
        self.join = join
        inner = outputs // 2 if bottleneck else outputs
        self.a = nn.Conv3d(inputs, inner, 1 if bottleneck else 3, stride, 0 if bottleneck else 1, bias=False)
        self.a_norm = nn.BatchNorm3d(inner)
        self.b = nn.Conv3d(inner, inner, (1, 3, 3), padding=(0, 1, 1), bias=False)
        self.b_norm = nn.BatchNorm3d(inner)
        self.c = nn.Conv3d(inner, outputs, (3, 1, 1), padding=(1, 0, 0)) if bottleneck else nn.Identity()
        self.c_norm = nn.BatchNorm3d(outputs) if bottleneck else nn.Identity()
        self.relu = nn.ReLU(inplace=True)
        self.projection = None
        if inputs != outputs or stride > 1:
            self.projection = nn.Sequential(nn.Conv3d(inputs, outputs, 1, stride), nn.BatchNorm3d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.a_norm(self.a(x)))
        out = self.b_norm(self.b(out))
        if not isinstance(self.c, nn.Identity):
            out = self.c_norm(self.c(self.relu(out)))
        shortcut = x if self.projection is None else self.projection(x)
        return self.relu(self.join(out, shortcut))


class Video(nn.Module):
    """A stem, blocks and a classifier."""

    def __init__(self, *blocks: nn.Module, outputs: int = 12) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 8, (3, 5, 5), (1, 2, 2), (1, 2, 2)), nn.BatchNorm3d(8), nn.ReLU())
        self.blocks = nn.Sequential(*blocks)
        self.classes = nn.Linear(outputs, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.classes(self.blocks(self.stem(x)).mean((2, 3, 4)))


def residual(join: Join) -> Video:
    sum_of = JOINS["out + shortcut"]
    return Video(
        Block(8, 8, join), Block(8, 12, join, stride=2), Block(12, 12, sum_of, bottleneck=True), Block(12, 12, join)
    )


class Dense(nn.Module):
    """Pre-activation: norm, rectifier, convolution, and what came before beside it."""

    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm3d(inputs), nn.Conv3d(inputs, growth, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.conv(functional.relu(self.norm(x)))], 1)


class PreActivation(nn.Module):
    """A block whose sum nothing rectifies before it is read twice."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm, self.relu = nn.BatchNorm3d(channels), nn.ReLU()
        self.conv = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(self.relu(self.norm(x)))


def convolved(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers)


FORMS: dict[str, Callable[[], nn.Module]] = {
    **{f"residual, {name}": lambda join=join: residual(join) for name, join in JOINS.items()},  # type: ignore[misc]
    "plain": lambda: Video(
        nn.Conv3d(8, 10, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(10, 12, 3, padding=1), nn.ReLU(True)
    ),
    "depthwise and grouped": lambda: Video(
        convolved(nn.Conv3d(8, 8, 3, padding=1, groups=8), nn.BatchNorm3d(8), nn.ReLU()),
        convolved(nn.Conv3d(8, 12, 3, padding=1, groups=4), nn.BatchNorm3d(12), nn.ReLU()),
    ),
    "dense": lambda: Video(Dense(8, 2), Dense(10, 2)),
    "pre-activation": lambda: Video(PreActivation(8), PreActivation(8), nn.ReLU(), outputs=8),
    "another rectifier": lambda: Video(nn.Conv3d(8, 12, 3), nn.ReLU6(), nn.Conv3d(12, 12, 1), nn.LeakyReLU()),
    "one pixel": lambda: Video(nn.AdaptiveAvgPool3d(1), Block(8, 8, JOINS["out + shortcut"]), outputs=8),
    "one channel": lambda: Video(nn.Conv3d(8, 1, 1), nn.ReLU(), Block(1, 1, in_place), outputs=1),
}


def seeded(module: nn.Module) -> Network:
    """Return a network with norms that have something to say."""
    generator = torch.Generator().manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm3d):
            assert part.running_mean is not None
            assert part.running_var is not None
            for values in (part.weight.data, part.running_var):
                values.copy_(torch.rand(values.shape, generator=generator) + 0.5)
            for values in (part.bias.data, part.running_mean):
                values.copy_(torch.rand(values.shape, generator=generator) - 0.5)
        elif isinstance(part, nn.Conv3d | nn.Linear):
            part.weight.data.copy_(torch.randn(part.weight.shape, generator=generator))
            part.weight.data /= part.weight[0].numel() ** 0.5
    return as_network(module.eval().requires_grad_(False))


def quick(network: Network, layer: str | None = None) -> Network:
    found = quick_copy(network, [CLIP], layer)
    assert found is not None, "the copy does not agree"
    return found


def there_and_back(network: Network, count: int = 1) -> tuple[Tensor, Tensor]:
    clips = torch.cat([CLIP] * count).mul(torch.linspace(1, 0.5, count).view(-1, 1, 1, 1, 1)).requires_grad_()
    found = network.logits(clips)
    return found.detach(), torch.autograd.grad((found * torch.linspace(-1, 1, 4)).sum(), clips)[0]


def rectified(network: Network) -> int:
    """Return how many rectifiers ran as operations of their own."""
    with torch.no_grad(), RectifierCount() as count:
        network.logits(CLIP)
    return count.count


@pytest.mark.parametrize("form", FORMS)
def test_answers_and_gradients_are_those_of_the_network(form: str) -> None:
    network = seeded(FORMS[form]())
    copied = quick(network)
    for count in (1, 3):
        for found, wanted in zip(there_and_back(copied, count), there_and_back(network, count), strict=True):
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["residual, out += shortcut", "plain"])
def test_in_bfloat16_they_are_as_near_as_that_rounds(form: str) -> None:
    network = seeded(FORMS[form]())
    copied = quick(network)
    wanted = there_and_back(network, 2)
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        found = there_and_back(copied, 2)
        own = there_and_back(network, 2)
    for one, other, exact in zip(found, own, wanted, strict=True):
        fault, usual = (float((side.float() - exact).norm() / exact.norm()) for side in (one, other))
        assert fault < max(2 * usual, 0.02), (fault, usual)


@pytest.mark.parametrize("join", ["out + shortcut", "shortcut + out", "torch.add", "out += shortcut", "out.add_"])
def test_no_rectifier_and_no_sum_is_left_where_convolutions_can_do_them(join: str) -> None:
    network = seeded(residual(JOINS[join]))
    copied = quick(network)
    assert rectified(network) == 10
    assert rectified(copied) == 0
    found = what_follows(network, CLIP, None, ())
    assert found["blocks.0.a"] == Following("blocks.0.a_norm", False, "blocks.0.relu", gathers=True)
    assert found["blocks.0.b"] == Following("blocks.0.b_norm", True, "blocks.0.relu")
    assert found["blocks.1.projection.0"] == Following("blocks.1.projection.1", True, "blocks.1.relu")


def test_the_layer_asked_for_returns_what_it_does_in_the_network() -> None:
    network = seeded(residual(in_place))
    for layer in ("blocks.0.b", "blocks.0.b_norm", "blocks.0.relu", "blocks.0", "blocks.1.projection", "stem.2"):
        with torch.no_grad():
            wanted, found = (run_until(one, CLIP, layer) for one in (network, quick(network, layer)))
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_layers_that_are_kept_return_what_they_do_in_the_network() -> None:
    network = seeded(residual(in_place))
    names = ["stem.1", "blocks.0.a_norm", "blocks.0.b", "blocks.1.projection", "blocks.2.relu", "blocks.3"]
    copied = quick_copy(network, [CLIP], None, names)
    assert copied is not None
    kept = []
    for one in (network, copied):
        with torch.no_grad(), Taps(one.module, names) as taps:
            one.logits(CLIP)
        kept.append([value for name in names for value in taps.all[name]])
    for wanted, found in zip(*kept, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_rectifiers_that_are_answered_otherwise_are_left_to_whoever_does() -> None:
    network = seeded(residual(in_place))
    copied = quick(network)
    found = []
    for one in (network, copied):
        with SmoothedRectifiers():
            found.append(there_and_back(one))
    for wanted, own in zip(*found, strict=True):
        torch.testing.assert_close(own, wanted, rtol=1e-3, atol=1e-4)
    assert not found[0][0].allclose(there_and_back(network)[0])


def test_rectifiers_that_somebody_hooks_or_replaces_run_again() -> None:
    network = seeded(residual(in_place))
    copied = quick(network)
    found = []
    for one in (network, copied):
        handle = one.module.get_submodule("blocks.0.relu").register_forward_hook(lambda _m, _a, output: 2 * output)
        with replaced(one.module, "blocks.2.relu", nn.Softplus()):
            found.append(there_and_back(one))
        handle.remove()
    for wanted, own in zip(*found, strict=True):
        torch.testing.assert_close(own, wanted, rtol=1e-4, atol=1e-5)
    assert rectified(copied) == 0


def test_a_rule_for_the_way_back_through_a_rectifier_holds() -> None:
    network = seeded(residual(JOINS["out + shortcut"]))
    copied = quick(network)
    found = []
    for one in (network, copied):
        rectifier = one.module.get_submodule("stem.2")
        handle = rectifier.register_full_backward_hook(lambda _m, _given, told: told)  # back through all units
        found.append(there_and_back(one)[1])
        handle.remove()
    torch.testing.assert_close(found[1], found[0], rtol=1e-4, atol=1e-5)
    assert not found[0].allclose(there_and_back(network)[1])


def test_a_way_back_can_be_gone_twice_and_in_part_first() -> None:
    copied = quick(seeded(residual(in_place)), "blocks.3")
    clip = CLIP.clone().requires_grad_()
    inner: list[Tensor] = []
    block = copied.module.get_submodule("blocks.3")
    handle = block.b.register_forward_pre_hook(lambda _module, args: inner.append(args[0]))
    score = copied.logits(clip)[0, 0]
    handle.remove()
    wanted = torch.autograd.grad(copied.logits(clip)[0, 0], clip)[0]
    torch.autograd.grad(3 * score, inner, retain_graph=True)  # the shortcut's gradient is given, and never taken
    for _ in range(2):
        found = torch.autograd.grad(score, clip, retain_graph=True)[0]
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


class Aside(nn.Module):
    """A sum whose other map is read again, by a convolution that does not lead to it."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.side = nn.Conv3d(8, 8, 1), nn.Conv3d(8, 8, 1)
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        shortcut = self.relu(x * 0.5)
        side = self.side(shortcut)
        return torch.cat([self.relu(self.main(x) + shortcut), side], 1)


class ReadTwice(nn.Module):
    """Convolutions of which something else reads what lies between."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = (nn.Conv3d(8, 8, 3, padding=1) for _ in range(3))
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        a = self.a(x)
        b = self.b(self.relu(a)) + a
        total = self.c(x) + b
        return self.relu(total) + total.sin()


@pytest.mark.parametrize("block", [Aside, ReadTwice])
def test_what_others_read_is_computed_by_itself(block: type[nn.Module]) -> None:
    network = seeded(Video(block(), outputs=16 if block is Aside else 8))
    found = what_follows(network, CLIP, None, ())
    assert not any(one.gathers for one in found.values())
    if block is ReadTwice:
        assert found["blocks.0.a"] == found["blocks.0.b"] == found["blocks.0.c"] == Following()
    for one, wanted in zip(there_and_back(quick(network)), there_and_back(network), strict=True):
        torch.testing.assert_close(one, wanted, rtol=1e-4, atol=1e-5)


def test_maps_that_wait_for_their_sum_are_computed_for_whoever_else_asks() -> None:
    network = seeded(residual(JOINS["out + shortcut"]))
    copied = quick(network)
    seen: list[tuple[Tensor, ...]] = []
    for one in (network, copied):
        hook = one.module.get_submodule("blocks.0.b_norm").register_forward_hook(
            lambda _module, _args, output: seen.append((output * 1, output.clone(), torch.cat([output, output])))
        )
        there_and_back(one)
        hook.remove()
    for wanted, found in zip(*seen, strict=True):
        assert type(found) is Tensor
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)
