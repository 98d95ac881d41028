"""A quick copy answers as the network does, there and back, and takes part only in what provably changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, weight_norm

from reportgen.networks.core.network import Network, as_network
from reportgen.networks.core.passes import run_until
from reportgen.networks.speed.following import what_follows
from reportgen.networks.speed.frozen_convolution import FrozenConvolution
from reportgen.networks.speed.library import can_freeze
from reportgen.networks.speed.quick_copy import light_copy, quick_copy

pytestmark = pytest.mark.skipif(not can_freeze(), reason="this build of torch has no packed weights")

#: Kernel, stride, padding, dilation, channels that are taken, size of the maps.
CASES: list[tuple[Any, Any, Any, Any, int, tuple[int, ...]]] = [
    ((3, 1, 1), 1, (1, 0, 0), 1, 8, (6, 7, 9)),
    ((4, 1, 1), (2, 1, 1), (3, 0, 0), 1, 8, (6, 7, 9)),
    ((1, 3, 3), (1, 2, 2), (0, 1, 1), 1, 8, (6, 7, 9)),
    (1, 1, 0, 1, 8, (1, 7, 9)),
    (1, (1, 2, 2), 0, 1, 8, (4, 7, 9)),
    (3, 1, 1, 1, 8, (6, 7, 9)),
    (3, 1, 3, 1, 8, (4, 5, 6)),
    (3, 2, 1, 1, 8, (6, 7, 9)),
    ((2, 3, 3), 1, (0, 2, 1), (2, 2, 1), 8, (6, 7, 9)),
    (3, 1, 1, 1, 1, (6, 7, 9)),
    ((5, 7, 7), (1, 2, 2), (2, 3, 3), 1, 3, (6, 20, 18)),
    ((4, 2, 5), (3, 2, 4), (1, 0, 2), 1, 3, (9, 9, 9)),
    ((7, 7, 7), 2, 3, 1, 3, (8, 13, 12)),
    ((3, 3, 5), (4, 2, 1), (2, 1, 0), 1, 1, (10, 8, 9)),
    ((1, 7, 7), (1, 2, 2), (0, 3, 3), 1, 3, (3, 14, 13)),
    ((3, 4, 4), (3, 4, 4), 0, 1, 3, (7, 9, 8)),
    (3, 1, 1, 1, 3, (6, 8, 8)),
]


@pytest.mark.parametrize("packs", [True, False])
@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation", "channels", "size"), CASES)
def test_a_frozen_convolution_is_the_convolution(
    kernel: Any, stride: Any, padding: Any, dilation: Any, channels: int, size: tuple[int, ...], packs: bool
) -> None:
    torch.manual_seed(0)
    layer = nn.Conv3d(channels, 6, kernel, stride, padding, dilation)
    assert layer.bias is not None
    frozen = FrozenConvolution(layer, layer.weight.detach(), layer.bias.detach(), packs=packs)
    for count in (2, 1, 3):  # weights packed for one number of clips serve others
        clips = torch.randn(count, channels, *size, requires_grad=True)
        wanted, found = layer(clips), frozen(clips)
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
        slope = torch.randn_like(wanted)
        back = [torch.autograd.grad(one, clips, slope)[0] for one in (found, wanted)]
        torch.testing.assert_close(*back, atol=1e-5, rtol=1e-4)


def test_in_bfloat16_it_is_the_convolution_as_near_as_that_rounds() -> None:
    torch.manual_seed(0)
    layer = nn.Conv3d(16, 16, (3, 1, 1), padding=(1, 0, 0), bias=False)
    clips = torch.randn(2, 16, 6, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        found = FrozenConvolution(layer, layer.weight.detach(), None)(clips)
    assert found.dtype == torch.bfloat16
    assert (found - layer(clips)).abs().max() < 0.02 * layer(clips).abs().max()


class Residual(nn.Module):
    """A stem, a pool, a residual block of flat and long kernels with norms, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(3, 8, (3, 5, 5), (1, 2, 2), (1, 2, 2), bias=False), nn.BatchNorm3d(8))
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        self.a, self.a_norm = nn.Conv3d(8, 12, (3, 1, 1), padding=(1, 0, 0)), nn.BatchNorm3d(12)
        self.b, self.b_norm = nn.Conv3d(12, 8, (1, 3, 3), padding=(0, 1, 1)), nn.BatchNorm3d(8)
        self.relu = nn.ReLU(inplace=True)
        self.last = nn.Conv3d(8, 5, 3, padding=1)
        self.classes = nn.Linear(5, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.stem(x)))
        inner = self.relu(self.a_norm(self.a(x)))
        x = self.relu(self.b_norm(self.b(inner)) + x)
        return self.classes(self.last(x).mean((2, 3, 4)))


def seeded(module: nn.Module) -> nn.Module:
    """Give a module norms that have something to say."""
    generator = torch.Generator().manual_seed(0)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm3d):
            for values in (part.weight.data, part.bias.data, part.running_mean, part.running_var):
                if values is not None:
                    values.copy_(torch.rand(values.shape, generator=generator) + 0.5)
            part.weight.data[0] *= -1
    return module.eval().requires_grad_(False)


CLIP = torch.rand(1, 3, 6, 24, 24, generator=torch.Generator().manual_seed(1))


def there_and_back(network: Network, layer: str | None) -> tuple[Tensor, Tensor]:
    asked = CLIP.clone().requires_grad_()
    found = network.logits(asked) if layer is None else run_until(network, asked, layer)
    return found.detach(), torch.autograd.grad(found.square().sum(), asked)[0]


def folds(network: Network, layer: str | None = None, keep: set[str] | None = None) -> dict[str, str]:
    found = what_follows(network, CLIP, layer, keep or set())
    return {name: one.norm for name, one in found.items() if one.norm is not None}


@pytest.mark.parametrize("layer", [None, "b", "last"])
def test_answers_and_gradients_are_those_of_the_network(layer: str | None) -> None:
    network = as_network(seeded(Residual()))
    before = {name: value.clone() for name, value in network.module.state_dict().items()}
    quick, light = quick_copy(network, [CLIP], layer), light_copy(network)
    assert quick is not None
    assert light is not None
    wanted = there_and_back(network, layer)
    for copied in (quick, light):
        for found, own in zip(there_and_back(copied, layer), wanted, strict=True):
            torch.testing.assert_close(found, own, rtol=1e-4, atol=1e-5)
    after = network.module.state_dict()
    assert all(after[name].equal(value) for name, value in before.items())
    assert not any("forward" in vars(part) for part in network.module.modules())
    weights = zip(network.module.parameters(), quick.module.parameters(), strict=True)
    assert all(one is other for one, other in weights), "no weight is held twice"


def test_norms_that_a_convolution_alone_feeds_fold() -> None:
    network = as_network(seeded(Residual()))
    assert folds(network) == {"stem.0": "stem.1", "a": "a_norm", "b": "b_norm"}
    assert folds(network, "b", {"b"}) == {"stem.0": "stem.1", "a": "a_norm"}, "the layer itself returns what it did"


def test_a_quick_copy_has_no_norm_left_that_folds() -> None:
    network = as_network(seeded(Residual()))
    ran: list[nn.Module] = []
    quick = quick_copy(network, [CLIP])
    assert quick is not None
    with torch.no_grad(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(functional, "batch_norm", lambda *args, **_: ran.append(args[0]))
        quick.logits(CLIP)
    assert ran == []


def heard(module: Residual) -> Residual:
    module.a.register_forward_hook(lambda _module, _args, output: 2 * output)
    return module


def read_twice(module: Residual) -> Residual:
    module.a_norm.register_forward_pre_hook(lambda _module, args: (args[0] * 1.5,))
    return module


def training(module: Residual) -> Residual:
    module.a_norm = nn.BatchNorm3d(12, track_running_stats=False)  # by the statistics of what it is given
    return module


def of_its_own_class(module: Residual) -> Residual:
    class Scaled(nn.Conv3d):
        def forward(self, input: Tensor) -> Tensor:
            return 3 * super().forward(input)

    module.a = Scaled(8, 12, (3, 1, 1), padding=(1, 0, 0))
    return module


def normed(module: Residual) -> Residual:
    module.a = parametrizations.weight_norm(module.a)
    return module


def normed_of_old(module: Residual) -> Residual:
    with pytest.warns(FutureWarning, match="weight_norm"):
        module.a = weight_norm(module.a)
    module.a.weight = module.a.weight.detach()
    return module


@pytest.mark.parametrize("change", [heard, read_twice, training, of_its_own_class, normed, normed_of_old])
def test_what_somebody_else_has_a_say_in_runs_as_it_is(change: Callable[[Residual], Residual]) -> None:
    network = as_network(seeded(change(Residual())))
    assert "a" not in folds(network)
    quick = quick_copy(network, [CLIP])
    assert quick is not None
    for found, own in zip(there_and_back(quick, None), there_and_back(network, None), strict=True):
        torch.testing.assert_close(found, own, rtol=1e-4, atol=1e-5)


class Odd(Residual):
    """A network whose ways are not those of its modules."""

    def __init__(self, way: str) -> None:
        super().__init__()
        self.way = way

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(self.relu(self.stem(x)))
        raw = self.a(x)
        if self.way == "raw output read as well":
            inner = self.relu(self.a_norm(raw) + raw)
        elif self.way == "convolution called twice":
            inner = self.relu(self.a_norm(raw) + self.a(x.flip(2)))
        elif self.way == "norm called twice":
            inner = self.relu(self.a_norm(raw) + self.a_norm(inner_of(raw)))
        elif self.way == "weights read":
            inner = self.relu(self.a_norm(functional.conv3d(x, self.a.weight, self.a.bias, padding=(1, 0, 0))))
        elif self.way == "changed in place":
            inner = self.relu(self.a_norm(raw.mul_(2)))
        else:  # a norm that the network sets to training as it goes
            self.a_norm.train()
            inner = self.relu(self.a_norm(raw))
        return self.classes(self.last(self.relu(self.b_norm(self.b(inner)))).mean((2, 3, 4)))


def inner_of(raw: Tensor) -> Tensor:
    return raw.tanh()


WAYS = (
    "raw output read as well",
    "convolution called twice",
    "norm called twice",
    "weights read",
    "changed in place",
    "norm in training",
)


@pytest.mark.parametrize("way", WAYS)
def test_a_norm_that_others_feed_or_whose_convolution_others_read_stays(way: str) -> None:
    network = as_network(seeded(Odd(way)))
    assert "a" not in folds(network)
    assert folds(network)["b"] == "b_norm"
    quick = quick_copy(network, [CLIP])
    if quick is not None:  # statistics of what it is given move: then a copy may not agree
        for found, own in zip(there_and_back(quick, None), there_and_back(network, None), strict=True):
            torch.testing.assert_close(found, own, rtol=1e-3, atol=1e-4)


def test_a_network_that_asks_for_values_keeps_its_norms() -> None:
    class Asking(Residual):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x if x.mean() > 0 else -x)

    network = as_network(seeded(Asking()))
    assert folds(network) == {}
    assert quick_copy(network, [CLIP]) is not None


def test_a_copy_that_answers_otherwise_is_not_used() -> None:
    class Strided(Residual):
        """Reads its maps in the order in which they lie."""

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            return self.classes(x.as_strided((len(x), 5), (x.numel() // len(x), 1)))

    assert quick_copy(as_network(seeded(Strided())), [CLIP]) is None


def test_a_network_that_cannot_be_copied_has_none() -> None:
    class Uncopied(Residual):
        def __deepcopy__(self, _memo: dict[int, Any]) -> Uncopied:
            raise RuntimeError("not this one")

    network = Network(seeded(Uncopied()))
    assert quick_copy(network, [CLIP]) is None
    assert light_copy(network) is None
