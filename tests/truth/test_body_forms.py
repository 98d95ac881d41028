"""Bodies as public video networks write them: what a kernel passes on is what its weights say, whatever follows it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen import maximize_activation
from reportgen.analyses.common.responses import kernel_responses

KERNELS, SHAPE = 6, (4, 16, 16)
Way = Callable[["Body", Tensor], Tensor]


class Body(nn.Module):
    """A convolution, a norm with gains of both signs, some `parts`, and the `way` through them to a classifier."""

    def __init__(
        self, way: Way, conv: nn.Module | None = None, parts: Callable[[], nn.Module] = nn.Identity, left: int = KERNELS
    ) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = conv or nn.Conv3d(3, KERNELS, 3, padding=1)
        self.norm, self.part, self.way = nn.BatchNorm3d(KERNELS), parts(), way
        self.norm.weight.data = torch.tensor([1.0, -0.8] * 3)
        self.norm.bias.data, self.norm.running_mean = 0.1 * torch.randn(2, KERNELS)
        self.norm.running_var = 0.5 + torch.rand(KERNELS)
        self.head = nn.Linear(left, 4)

    def forward(self, clips: Tensor) -> Tensor:
        scores: Tensor = self.head(self.way(self, self.conv(clips)).mean((2, 3, 4)))
        return scores


def normed(body: Body, maps: Tensor) -> Tensor:
    """Return the norm of maps by its own numbers."""
    numbers = (body.norm.running_mean, body.norm.running_var, body.norm.weight, body.norm.bias)
    mean, variance, weight, bias = (own.view(-1, 1, 1, 1) for own in numbers if own is not None)
    return (maps - mean) / (variance + body.norm.eps).sqrt() * weight + bias


def itself(body: Body, maps: Tensor) -> Tensor:
    """Return maps as they are: another norm has no part in the response."""
    return maps


def gated(body: Body, maps: Tensor) -> Tensor:
    maps = body.norm(maps).relu()
    return maps * body.part(maps.mean((2, 3, 4))).sigmoid()[:, :, None, None, None]


def gated_before(body: Body, maps: Tensor) -> Tensor:
    maps = body.norm(maps)
    return (maps * body.part(maps.mean((2, 3, 4))).sigmoid()[:, :, None, None, None]).relu()


def non_local(body: Body, maps: Tensor) -> Tensor:
    maps = body.norm(maps).relu()
    tokens = body.part(maps.flatten(2).transpose(1, 2))
    return maps + torch.einsum("btu,buc->bct", (tokens @ tokens.mT).softmax(-1), tokens).view_as(maps)


def shuffled(maps: Tensor) -> Tensor:
    return maps.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


def shuffled_back(maps: Tensor) -> Tensor:
    return maps.unflatten(1, (-1, 2)).transpose(1, 2).flatten(1, 2)


def shifted(maps: Tensor) -> Tensor:
    """Return maps after a temporal shift written into zeros."""
    found = torch.zeros_like(maps)
    found[:, :1, :-1], found[:, 1:2, 1:], found[:, 2:] = maps[:, :1, 1:], maps[:, 1:2, :-1], maps[:, 2:]
    return found


def larger(body: Body, maps: Tensor) -> Tensor:
    """Return maps of which four channels become one of twice the side, frame by frame."""
    frames = body.norm(maps).relu().transpose(1, 2).flatten(0, 1)
    return functional.pixel_shuffle(frames[:, :4], 2).unflatten(0, (len(maps), -1)).transpose(1, 2)


class Standardised(nn.Conv3d):
    """A convolution that standardises its weights whenever it runs."""

    def forward(self, values: Tensor) -> Tensor:
        mean, spread = (of(self.weight.flatten(1), 1).view(-1, 1, 1, 1, 1) for of in (torch.mean, torch.std))
        return functional.conv3d(values, (self.weight - mean) / (5 * spread), self.bias, padding=self.padding)


class Causal(nn.Conv3d):
    """A convolution dilated in time that sees what was before alone."""

    def forward(self, values: Tensor) -> Tensor:
        return super().forward(functional.pad(values, (0, 0, 0, 0, 2, 0)))


def plain(body: Body, maps: Tensor) -> Tensor:
    return body.norm(maps).relu()


FORMS: dict[str, tuple[Body, Way]] = {
    "plain": (Body(plain), normed),
    "squeeze-excite": (Body(gated, parts=lambda: nn.Linear(KERNELS, KERNELS)), normed),
    "a gate before the activation": (Body(gated_before, parts=lambda: nn.Linear(KERNELS, KERNELS)), normed),
    "non-local": (Body(non_local, parts=lambda: nn.Linear(KERNELS, KERNELS)), normed),
    "temporal shift": (Body(lambda body, maps: body.norm(shifted(maps)).relu()), normed),
    "temporal shift by rolling": (
        Body(lambda body, maps: body.norm(torch.cat([maps[:, :2].roll(1, 2), maps[:, 2:]], 1)).relu()),
        normed,
    ),
    "channel shuffle": (
        Body(lambda body, maps: body.norm(shuffled(maps)).relu()),
        lambda body, maps: shuffled_back(normed(body, shuffled(maps))),
    ),
    "(2+1)D": (
        Body(
            lambda body, maps: body.part(body.norm(maps).relu()).relu(),
            nn.Conv3d(3, KERNELS, (1, 3, 3), padding=(0, 1, 1)),
            lambda: nn.Conv3d(KERNELS, KERNELS, (3, 1, 1), padding=(1, 0, 0)),
        ),
        normed,
    ),
    "dilated and causal": (Body(plain, Causal(3, KERNELS, (2, 3, 3), padding=(0, 1, 1), dilation=(2, 1, 1))), normed),
    "weight standardisation": (Body(plain, Standardised(3, KERNELS, 3, padding=1)), normed),
    "group norm": (
        Body(lambda body, maps: body.part(maps).relu(), parts=lambda: nn.GroupNorm(2, KERNELS)),
        itself,
    ),
    "instance norm": (
        Body(lambda body, maps: body.part(maps).relu(), parts=lambda: nn.InstanceNorm3d(KERNELS, affine=True)),
        itself,
    ),
    "layer norm": (
        Body(
            lambda body, maps: body.part(maps.movedim(1, -1)).movedim(-1, 1).relu(), parts=lambda: nn.LayerNorm(KERNELS)
        ),
        itself,
    ),
    "GELU": (Body(lambda body, maps: functional.gelu(body.norm(maps))), normed),
    "PReLU": (Body(lambda body, maps: body.part(body.norm(maps)), parts=lambda: nn.PReLU(KERNELS)), normed),
    "GLU": (Body(lambda body, maps: functional.glu(body.norm(maps), 1), left=3), normed),
    "pixel shuffle": (Body(larger, left=1), normed),
    "stochastic depth": (
        Body(lambda body, maps: body.norm(maps).relu() * (torch.rand(1) if body.training else 1.0)),
        normed,
    ),
    "in place": (Body(lambda body, maps: body.norm(maps).add_(0.0).relu_().mul_(2.0)), normed),
    "a layer's scale": (
        Body(
            lambda body, maps: (body.norm(maps) * body.part.weight.view(-1, 1, 1, 1)).relu(), parts=lambda: nn.PReLU(6)
        ),
        lambda body, maps: 0.25 * normed(body, maps),
    ),
    "compared with zero": (Body(lambda body, maps: torch.maximum(body.norm(maps), torch.zeros(()))), normed),
}
LONG = [*set(FORMS) - {"temporal shift", "channel shuffle", "weight standardisation"}]


def ready(form: str) -> tuple[Body, Way, Tensor]:
    body, passed_on = FORMS[form]
    noise = torch.rand((4, 3, *SHAPE), generator=torch.Generator().manual_seed(1))
    return body.eval().requires_grad_(False), passed_on, noise


@pytest.mark.parametrize("form", FORMS)
def test_responses_are_those_of_the_weights(form: str) -> None:
    body, passed_on, noise = ready(form)
    wanted = passed_on(body, body.conv(noise)).relu().mean((2, 3, 4))
    assert torch.allclose(kernel_responses(body, noise, ["conv"])["conv"], wanted, atol=1e-5)


@pytest.mark.parametrize("form", [pytest.param(f, marks=[pytest.mark.long] * (f in LONG)) for f in FORMS])
def test_searches_reach_and_report_what_the_weights_say(form: str) -> None:
    body, passed_on, noise = ready(form)
    found = maximize_activation(body, "conv", range(KERNELS), objective="firing", clip_shape=SHAPE, steps=16)
    own, others = (passed_on(body, body.conv(clips)).relu().mean((2, 3, 4)) for clips in (found.clips, noise))
    assert torch.allclose(found.activations, own.diagonal(), rtol=1e-3, atol=1e-5)
    assert bool((own.diagonal() >= others.amax(0)).all())
