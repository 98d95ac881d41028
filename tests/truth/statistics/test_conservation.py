"""Conservation says what it tests: what kernels hold, what biases hold, and what curvature leaves over."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.analyses.pyramid import observer
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.pyramid.shifts import Conservation
from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import graded


class Block(nn.Module):
    """Two convolutions with norms and a skip; the norm behind the sum belongs to neither."""

    def __init__(self, act: Callable[[Tensor], Tensor], norm: Callable[[int], nn.Module], *, bias: bool) -> None:
        super().__init__()
        self.act = act
        self.stem = nn.Conv3d(1, 6, 3, bias=bias)
        self.first_norm, self.second_norm, self.last_norm = norm(6), norm(6), norm(6)
        self.inner = nn.Conv3d(6, 6, 3, padding=1, bias=bias)
        self.last = nn.Conv3d(6, 6, 1, bias=bias)
        self.fc = nn.Linear(6, 3, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.act(self.first_norm(self.stem(x)))
        x = self.last_norm(x + self.second_norm(self.inner(x)))
        return self.fc(self.act(self.last(x)).mean((2, 3, 4)))


class Added(nn.Module):
    """A bias that is added by hand, in place, and a number that is subtracted."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv3d(1, 6, 3, bias=False)
        self.bias = nn.Parameter(torch.rand(6, 1, 1, 1) - 0.3)
        self.last = nn.Conv3d(6, 6, 1)
        self.fc = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x += self.bias
        x = F.relu(self.last(x.relu_()) - 0.02, inplace=True)
        return self.fc(x.mean((2, 3, 4)))


def prepared(module: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for each in module.modules():
        if isinstance(each, nn.BatchNorm3d):
            each.running_mean = torch.randn(6, generator=generator) * 0.2
            each.running_var = torch.rand(6, generator=generator) + 0.5
            if each.affine:
                nn.init.uniform_(each.weight, 0.5, 1.5)
                nn.init.uniform_(each.bias, -0.5, 0.5)
    return module.double().eval()


def conserved(module: nn.Module) -> Conservation:
    clip = torch.rand((1, 1, 5, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = class_pyramid(module, clip, 1, depth=1).conservation
    assert found is not None
    assert [name for name, _, _ in found.cuts] == ["fc", "last", "stem"]
    return found


def joined(values: Tensor, kind: str, constant: Tensor) -> Tensor:
    """Return values `N 6 T H W` with a constant `1 6 1 1 1` beside or among them, in `kind`'s way."""
    whole = constant.expand_as(values)
    match kind:
        case "channels":
            return torch.cat([values[:, :4], whole[:, :2]], 1)
        case "a token":
            return torch.cat([whole[:, :, :1], values], 2)
        case "a stack":
            return torch.stack([values, whole], -1).flatten(4)
        case "padding":
            return F.pad(values, (1, 1), value=0.7)
        case "a choice":
            return torch.where(torch.arange(values.shape[-1]) % 2 == 0, values, constant)
        case "filled":
            return (2 * values).index_fill(1, torch.tensor([0, 3]), 0.4)
        case "copied into zeros":
            zeros = torch.zeros(values.shape, dtype=values.dtype)
            zeros[:, 1:] = values[:, 1:]
            return zeros + constant
        case "copied into its like":
            like = torch.zeros_like(values)
            like[:, :, 1:] = values[:, :, :-1]
            return like + constant
        case "overwritten in part":
            frame = torch.ones((*values.shape[:4], values.shape[4] + 2), dtype=values.dtype)
            frame[..., 1:-1] = values
            return frame
        case "overwritten in parts":
            frame = torch.full(values.shape, 0.7, dtype=values.dtype)
            frame[:, :2] = values[:, :2]
            frame[:, 3:, 1:] = values[:, 3:, 1:]
            return frame + frame.flip(1)
        case "written into values":
            own = 2 * values
            own[:, 2:4] = whole[:, 2:4]
            own[..., 0] = 0.3
            return own * 1.5
        case "written, and over again":
            own = 2 * values
            own[:, :, 0] = 0.3
            part = own.clone()
            own[:, :, :1] = values[:, :, :1]
            return own + part
        case "ones":
            return torch.cat([values, torch.ones_like(values)], 2)
        case _:
            return torch.addcmul(constant, values, constant)


_KINDS = [
    "channels",
    "a token",
    "a stack",
    "padding",
    "a choice",
    "filled",
    "copied into zeros",
    "copied into its like",
    "overwritten in part",
    "overwritten in parts",
    "written into values",
    "written, and over again",
]


@pytest.mark.parametrize("kind", [*_KINDS, "ones", "a full one", "scaled and added"])
def test_constants_beside_values_are_no_curvature(kind: str) -> None:
    """In a network of straight pieces, what its kernels do not hold is what it adds."""

    class Joined(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(3)
            self.stem, self.last, self.fc = nn.Conv3d(1, 6, 3), nn.Conv3d(6, 6, 1), nn.Linear(6, 3)
            self.constant = nn.Parameter(torch.rand(1, 6, 1, 1, 1))
            nn.init.uniform_(self.last.bias, 0.2, 0.6)

        def behind(self, maps: Tensor) -> Tensor:
            return self.fc(F.relu(self.last(joined(maps, kind, self.constant))).mean((2, 3, 4)))

        def forward(self, x: Tensor) -> Tensor:
            return self.behind(F.relu(self.stem(x)) + 0)

    network = Joined().double().eval()
    found = conserved(network)
    clip = torch.rand((1, 1, 5, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    maps = F.relu(network.stem(clip)).detach().requires_grad_()
    logit = network.behind(maps)[0, 1]
    (gradient,) = torch.autograd.grad(logit, maps)
    kernels = (maps * gradient).sum() / (logit - network.fc.bias[1])
    assert found.bias_share == pytest.approx(1 - float(kernels.detach()), abs=1e-9)
    assert found.error < 1e-9


class Causal(nn.Module):
    """Attention of each frame to those before it, its mask of numbers as `low` as is said or of truth values."""

    def __init__(self, low: float | None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.low = nn.Conv3d(1, 4, 3, padding=1), low
        self.query, self.value, self.fc = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        frames = self.stem(x).relu().mean((3, 4)).transpose(1, 2)
        kept = torch.ones(2 * frames.shape[1:2], dtype=torch.bool).tril()
        mask = kept if self.low is None else torch.zeros(kept.shape).masked_fill(~kept, self.low)
        query = self.query(frames)
        mixed = F.scaled_dot_product_attention(query, query, self.value(frames), attn_mask=mask)
        scores: Tensor = self.fc((frames + mixed).mean(1))
        return scores


@pytest.mark.parametrize("low", [None, float("-inf")])
def test_a_mask_of_attention_adds_nothing_to_the_logit(low: float | None) -> None:
    clip = torch.rand(1, 1, 5, 6, 6, generator=torch.Generator().manual_seed(0))
    found, wanted = (class_pyramid(Causal(one), clip, 0).conservation for one in (low, -1e4))
    assert found is not None
    assert wanted is not None
    assert found.cuts[0] == ("fc", pytest.approx(1.0), pytest.approx(0.0, abs=1e-6))
    assert [cut[1:] for cut in found.cuts] == [pytest.approx(cut[1:], abs=1e-4) for cut in wanted.cuts]


def test_of_a_logit_that_is_its_bias_alone_nothing_is_left_over() -> None:
    network = prepared(Block(F.relu, lambda _: nn.Identity(), bias=True))
    with torch.no_grad():
        network.get_submodule("last").bias.fill_(-100.0)  # type: ignore[union-attr, operator]
    found = conserved(network)
    assert (found.error, found.bias_share, found.curvature_share) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("make", [
    lambda: Block(F.relu, nn.BatchNorm3d, bias=True),
    lambda: Block(F.relu, nn.BatchNorm3d, bias=False),
    lambda: Block(lambda x: F.relu(x, inplace=True), nn.BatchNorm3d, bias=True),
    lambda: Block(F.leaky_relu, lambda size: nn.BatchNorm3d(size, affine=False), bias=True),
    lambda: Block(F.relu, lambda _: nn.Identity(), bias=True),
    Added,
])  # fmt: skip
def test_relevance_and_biases_add_up_in_piecewise_linear_networks(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(2)
    found = conserved(prepared(make()))
    assert found.error <= 1e-9
    assert abs(found.bias_share) > 0.01, "there are biases, and they are told"
    assert graded(found.error, *Limits().conservation) == "pass"


def test_the_share_of_biases_is_what_the_logit_loses_without_them_where_nothing_is_rectified() -> None:
    torch.manual_seed(2)
    module = prepared(Block(lambda x: x, lambda _: nn.Identity(), bias=True))
    found = conserved(module)
    clip = torch.rand((1, 1, 5, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        whole = float(module(clip)[0, 1] - module.fc.bias[1])  # type: ignore[operator, union-attr, index]
        for layer in (module.inner, module.last, module.fc):
            layer.bias.zero_()  # type: ignore[operator, union-attr]
        without = float(module(clip)[0, 1])
    assert found.bias_share == pytest.approx(1 - without / whole, abs=1e-9)


def test_a_network_without_biases_is_not_told_that_biases_hold_part_of_its_logit() -> None:
    torch.manual_seed(2)
    module = prepared(Block(F.silu, lambda _: nn.Identity(), bias=False))
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(4.0)
    found = conserved(module)
    assert found.bias_share == 0.0
    assert abs(found.curvature_share) > 0.1
    assert found.error == pytest.approx(max(abs(1 - share) for _, share, _ in found.cuts))


def test_curvature_and_biases_stand_apart() -> None:
    torch.manual_seed(2)
    found = conserved(prepared(Block(F.silu, nn.BatchNorm3d, bias=True)))
    _, relevance, bias = found.cuts[-1]
    assert (found.bias_share, found.curvature_share) == (bias, pytest.approx(1 - relevance - bias))
    assert abs(bias) > 0.01


class Squared(nn.Module):
    """Squares what its kernels say: their relevance is twice the logit."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.last = nn.Conv3d(1, 6, 3, bias=False), nn.Conv3d(6, 6, 1, bias=False)
        self.fc = nn.Linear(6, 3, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.last(self.stem(x).relu()).relu().square().mean((2, 3, 4)))


def test_the_check_fails_where_relevance_is_not_conserved() -> None:
    torch.manual_seed(2)
    found = conserved(prepared(Squared()))
    assert found.cuts[-1][1] == pytest.approx(2.0)
    assert graded(found.error, *Limits().conservation) == "fail"


def test_the_check_fails_where_relevance_is_measured_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(2)
    module = prepared(Block(F.relu, nn.BatchNorm3d, bias=True))
    own = observer.Response.per_kernel
    monkeypatch.setattr(observer.Response, "per_kernel", lambda self, values: 1.2 * own(self, values))
    assert graded(conserved(module).error, *Limits().conservation) == "fail"


class Streams(nn.Module):
    """Two streams with heads of their own, whose scores are put together in the end, behind a common layer or not."""

    def __init__(self, *, common: bool) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.common = nn.Conv3d(1, 4, 1) if common else None
        self.one, self.other = (nn.Conv3d(4 if common else 1, 6, size) for size in (1, 3))
        self.head, self.second = nn.Linear(6, 3), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x if self.common is None else F.relu(self.common(x))
        scores = self.head(F.relu(self.one(x)).mean((2, 3, 4)))
        return 0.3 * scores + 0.7 * self.second(F.relu(self.other(x)).mean((2, 3, 4)))


@pytest.mark.parametrize("common", [False, True])
def test_no_stream_of_two_holds_the_whole_logit(common: bool) -> None:
    clip = torch.rand((1, 1, 5, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found = class_pyramid(Streams(common=common).double().eval(), clip, 1, depth=None).conservation
    assert found is not None
    assert [name for name, _, _ in found.cuts] == ["head and second", *(["common"] if common else [])]
    assert found.cuts[0] == ("head and second", pytest.approx(1.0), pytest.approx(0.0, abs=1e-9))
    assert found.error < 1e-9
    assert common == (abs(found.bias_share) > 0.01)
