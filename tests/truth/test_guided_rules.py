"""Guided backprop reaches a ReLU however it is spelt, or says that it does not."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.analyses.base import Subject, Unit
from reportgen.analyses.saliency.analysis import SaliencyAnalysis
from reportgen.analyses.saliency.attribution import attribute
from reportgen.analyses.saliency.parameters import SaliencyParameters
from reportgen.clips import Clip
from reportgen.errors import NetworkError, NoAnswerError
from reportgen.networks.core.network import Network
from reportgen.progress import SILENT
from reportgen.records.figures import Result
from reportgen.records.targets import Target

SPELLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "clamp": lambda z: z.clamp(min=0),
    "clamp in place": lambda z: (2 * z / 2).clamp_(min=0.0),
    "clamp between": lambda z: torch.clamp(z, 0, 5000),
    "clip": lambda z: z.clip(0),
    "clamp_min": lambda z: torch.clamp_min(z, 0),
    "relu6": lambda z: 1000 * functional.relu6(z / 1000),
    "hardtanh": nn.Hardtanh(0, 5000),
    "threshold": lambda z: functional.threshold(z, 0, 0),
    "maximum": lambda z: torch.maximum(z, torch.zeros(())),
    "maximum the other way": lambda z: torch.max(torch.zeros_like(z), z),
    "where": lambda z: torch.where(z > 0, z, 0.0),
    "where not": lambda z: torch.where(z <= 0, torch.zeros_like(z), z),
    "mask": lambda z: z * (z > 0),
    "mask of numbers": lambda z: (z >= 0).to(z.dtype) * z,
    "what is missing added": lambda z: z + torch.relu(-z),
    "what is too much taken away": lambda z: z - z.clamp(max=0),
    "half of it and its magnitude": lambda z: (z + z.abs()) / 2,
    "twice a half": lambda z: 2 * (0.5 * (abs(z) + z) * 0.5),
    "the least of its negative": lambda z: -torch.minimum(-z, torch.zeros(())),
    "its sign": lambda z: z * ((z.sign() + 1) / 2),
    "its root": lambda z: (z + (z * z).sqrt()) / 2,
    "filled": lambda z: z.masked_fill(z < 0, 0.0),
    "leaky without a leak": lambda z: functional.leaky_relu(z, 0.0),
    "written": lambda z: in_place(z, lambda own: own.__setitem__(own < 0, 0.0)),
    "masked in place": lambda z: in_place(z, lambda own: own.mul_(own > 0)),
    "threshold in place": lambda z: in_place(z, lambda own: functional.threshold_(own, 0, 0)),
    "the largest of a stack": lambda z: torch.stack([z, torch.zeros_like(z)]).amax(0),
    "the maximum along a new axis": lambda z: torch.stack([torch.zeros_like(z), z], -1).max(-1).values,
    "the first of a sorted stack": lambda z: torch.stack([z, 0 * z]).sort(0, descending=True)[0][0],
    "pooled with zeros": lambda z: functional.max_pool1d(torch.stack([z, 0 * z], -1), 2).squeeze(-1),
    "einsum with a mask": lambda z: torch.einsum("nk,nk->nk", z, (z > 0).to(z.dtype)),
    "with its step": lambda z: z * torch.heaviside(z.detach(), torch.zeros(())),
    "put": lambda z: z.index_put((z < 0,), torch.zeros(())),
    "put in place": lambda z: in_place(z, lambda own: own.index_put_((own < 0,), torch.zeros(()))),
    "scattered": lambda z: torch.zeros_like(z).masked_scatter(z > 0, z[z > 0]),
    "half of it and a norm": lambda z: torch.linalg.vector_norm(torch.stack([z, 0 * z]), 1, 0) / 2 + z / 2,
    "as exported": torch.ops.aten.relu.default,
    "as exported, by hand": lambda z: torch.ops.aten.add.Tensor(z, torch.ops.aten.relu.default(-z)),
}


def in_place(z: Tensor, overwrite: Callable[[Tensor], object]) -> Tensor:
    own = z.clone()
    overwrite(own)
    return own


class TwoLayers(nn.Module):
    """z = W x rectified, then V z rectified: two places where a gradient may turn negative."""

    def __init__(self, rectify: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.first = nn.Parameter(torch.randn(40, 24, generator=generator))
        self.second = nn.Parameter(torch.randn(20, 40, generator=generator))
        self.third = nn.Parameter(torch.randn(3, 20, generator=generator))
        self.rectify = rectify

    def forward(self, clip: Tensor) -> Tensor:
        hidden = self.rectify(clip.flatten(1) @ self.first.T)
        return self.rectify(hidden @ self.second.T) @ self.third.T


def by_hand(network: TwoLayers, clip: Tensor, class_index: int) -> Tensor:
    first = clip.flatten(1) @ network.first.T
    second = first.relu() @ network.second.T
    gradient = (network.third[class_index] * (second > 0)).relu()
    gradient = ((gradient @ network.second) * (first > 0)).relu()
    return (gradient @ network.first).reshape(clip.shape).detach()


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_guided_backprop_is_that_of_a_relu_however_it_is_spelt(spelling: str) -> None:
    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    network = TwoLayers(SPELLINGS[spelling])
    expected = by_hand(network, clip, 1)
    assert expected.any()
    assert not torch.allclose(expected, attribute(network, clip, 1, "gradients").attribution, atol=1e-3)
    torch.testing.assert_close(attribute(network, clip, 1, "guided_backprop").attribution, expected)


def test_what_is_no_rectifier_is_let_alone() -> None:
    def others(z: Tensor) -> Tensor:
        gate = torch.where(z > 0.1, z, 0.0) + z.clamp(min=-1) + z.clamp(max=300) + torch.maximum(z, torch.ones(()))
        return torch.relu(z) + 0 * gate * (z > 1)

    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    network = TwoLayers(others)
    torch.testing.assert_close(attribute(network, clip, 1, "guided_backprop").attribution, by_hand(network, clip, 1))


def test_factors_of_values_that_show_nothing_of_a_mask_are_no_rectifier() -> None:
    """A first state of zeros whose gate is any number, and positive values times ones."""

    def gated(z: Tensor) -> Tensor:
        return z.sigmoid() * torch.zeros_like(z) + (z.sigmoid() * torch.ones_like(z)).tanh()

    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    with pytest.raises(NoAnswerError, match="has no ReLU whose gradient could be replaced"):
        attribute(TwoLayers(gated), clip, 1, "guided_backprop")


def test_the_relu_of_a_constant_has_no_gradient_to_replace() -> None:
    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    network = TwoLayers(lambda z: torch.relu(z) * torch.relu(torch.ones(())))
    torch.testing.assert_close(attribute(network, clip, 1, "guided_backprop").attribution, by_hand(network, clip, 1))


def test_a_few_values_in_proportion_to_a_positive_part_are_no_rectifier() -> None:
    """Of three numbers a gate that is closed for two of them is the positive part, times what the third one is."""

    def gated(z: Tensor) -> Tensor:
        gate = functional.hardsigmoid(torch.tensor([-4.0, 1.5, -5.0]) + 0 * z[0, :3])
        return torch.relu(z) * gate[1]

    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    found = attribute(TwoLayers(gated), clip, 1, "guided_backprop").attribution
    torch.testing.assert_close(found, by_hand(TwoLayers(gated), clip, 1) * 0.75**2)


class OwnGradient(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return z.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        return gradients[0] * (z > 0)


class OwnSwish(torch.autograd.Function):
    """As X3D and EfficientNet have it, to save memory."""

    @staticmethod
    def forward(ctx: Any, z: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        return z * torch.sigmoid(z)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (z,) = ctx.saved_tensors
        share = torch.sigmoid(z)
        return gradients[0] * (share + z * share * (1 - share))


def test_a_rectifier_that_cannot_be_reached_is_refused() -> None:
    clip = torch.rand(1, 1, 2, 3, 4)
    own = TwoLayers(lambda z: torch.relu(OwnGradient.apply(z)))  # type: ignore[no-untyped-call]
    with pytest.raises(NetworkError, match="ReLUs whose gradient cannot be replaced"):
        attribute(own, clip, 1, "guided_backprop")


def largest(z: Tensor) -> Tensor:
    return torch.stack([z, torch.zeros_like(z)]).amax(0)


def half(z: Tensor) -> Tensor:
    return (z + z.abs()) / 2


@pytest.mark.parametrize("inner", [torch.relu, half, lambda z: z * (z > 0), largest])
def test_what_runs_under_vmap_is_refused(inner: Callable[[Tensor], Tensor]) -> None:
    network = TwoLayers(lambda z: torch.relu(torch.vmap(inner)(z)))
    with pytest.raises(NetworkError, match=r"under torch\.vmap"):
        attribute(network, torch.rand(1, 1, 2, 3, 4), 1, "guided_backprop")


def test_what_runs_on_sparse_values_is_refused() -> None:
    network = TwoLayers(lambda z: torch.relu(torch.relu(z.to_sparse()).to_dense()))
    with pytest.raises(NetworkError, match="on sparse values"):
        attribute(network, torch.rand(1, 1, 2, 3, 4), 1, "guided_backprop")


def test_sparse_values_behind_the_rectifiers_do_not_matter() -> None:
    clip = torch.rand(1, 1, 2, 3, 4)
    plain, behind = TwoLayers(torch.relu), TwoLayers(lambda z: torch.relu(z).to_sparse().to_dense())
    behind.load_state_dict(plain.state_dict())
    maps = [attribute(network, clip, 1, "guided_backprop").attribution for network in (plain, behind)]
    torch.testing.assert_close(*maps)


def test_rectifiers_without_a_rule_are_named_beside_the_map() -> None:
    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    found = attribute(TwoLayers(lambda z: torch.relu(functional.silu(z))), clip, 1, "guided_backprop")
    assert found.notes == (
        "Guided backprop has a rule for ReLUs alone: 2 of the rectifiers are ReLUs; the others (2 silu) pass back "
        "their plain gradient.",
    )
    assert attribute(TwoLayers(torch.relu), clip, 1, "guided_backprop").notes == ()


WRITTEN_OUT: dict[str, Callable[[Tensor], Tensor]] = {
    "silu": lambda z: z * torch.sigmoid(z),
    "silu in place": lambda z: in_place(z, lambda own: own.mul_(torch.sigmoid(own.clone()))),
    "silu as a quotient": lambda z: z / (1 + torch.exp(-z)),
    "gelu": lambda z: 0.5 * z * (1 + torch.erf(z / 2**0.5)),
    "mish": lambda z: z * torch.tanh(torch.log1p(torch.exp(z))),
    "leaky": lambda z: torch.maximum(z, 0.2 * z),
    "elu": lambda z: torch.where(z > 0, z, z.exp() - 1),
    "silu with a gradient of its own": OwnSwish.apply,  # type: ignore[dict-item]
}


@pytest.mark.parametrize("spelling", WRITTEN_OUT)
def test_rectifiers_without_a_rule_are_counted_however_they_are_spelt(spelling: str) -> None:
    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    network = TwoLayers(lambda z: torch.relu(WRITTEN_OUT[spelling](z)))
    assert attribute(network, clip, 1, "guided_backprop").notes == (
        "Guided backprop has a rule for ReLUs alone: 2 of the rectifiers are ReLUs; the others (2 that the network "
        "writes out itself) pass back their plain gradient.",
    )


def test_the_relu6_of_a_hard_swish_is_no_rectifier_of_all_that_passes() -> None:
    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    (note,) = attribute(TwoLayers(lambda z: z * functional.relu6(z + 3) / 6), clip, 1, "guided_backprop").notes
    assert "2 that the network writes out itself" in note


def scripted(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made: Callable[[Tensor], Tensor] = torch.jit.script(function)
        return made


@scripted
def scripted_relu(z: Tensor) -> Tensor:
    return torch.relu(z)


@scripted
def scripted_elu(z: Tensor) -> Tensor:
    return torch.nn.functional.elu(z)


@scripted
def scripted_prelu(z: Tensor) -> Tensor:
    return torch.prelu(z, torch.full([1], 0.2))


@scripted
def scripted_softplus(z: Tensor) -> Tensor:
    return torch.nn.functional.softplus(z)


@scripted
def scripted_silu(z: Tensor) -> Tensor:
    return z * torch.sigmoid(z)


@pytest.mark.parametrize(
    ("activation", "name"),
    [
        (scripted_elu, "elu"),
        (scripted_prelu, "prelu"),
        (scripted_softplus, "softplus"),
        (scripted_silu, "that the network writes out itself"),
        (torch.vmap(functional.elu), "elu"),
        (torch.vmap(functional.softplus), "softplus"),
        (lambda z: torch.prelu(z, torch.full((1,), 0.2)), "prelu"),
        (functional.elu, "elu"),
        (functional.softplus, "softplus"),
    ],
)
def test_a_rectifier_without_a_rule_counts_once_whatever_runs_it(
    activation: Callable[[Tensor], Tensor], name: str
) -> None:
    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    network = TwoLayers(lambda z: torch.relu(activation(z) - 0.1))
    assert attribute(network, clip, 1, "guided_backprop").notes == (
        f"Guided backprop has a rule for ReLUs alone: 2 of the rectifiers are ReLUs; the others (2 {name}) pass back "
        "their plain gradient.",
    )


def test_scripted_relus_are_refused_with_their_number() -> None:
    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    with pytest.raises(NetworkError, match=r"\(2 of 2 run in compiled or scripted code"):
        attribute(TwoLayers(scripted_relu), clip, 1, "guided_backprop")
    with pytest.raises(NetworkError, match=r"\(2 of 4 run in compiled or scripted code"):
        attribute(TwoLayers(lambda z: torch.relu(scripted_relu(z) - 0.1)), clip, 1, "guided_backprop")


@pytest.mark.parametrize(
    "gate",
    [
        lambda z: z * 0.5,
        lambda z: z * torch.linspace(0.1, 2, z.shape[-1]),
        lambda z: z * z.mean(-1, keepdim=True).sigmoid(),
        lambda z: z * z.flip(-1).sigmoid(),
        lambda z: torch.nn.functional.layer_norm(z, z.shape[-1:]),
        lambda z: z + z.roll(1, -1),
        lambda z: z * z.abs(),
        torch.tanh,
    ],
)
def test_what_scales_or_mixes_values_is_no_rectifier(gate: Callable[[Tensor], Tensor]) -> None:
    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    assert attribute(TwoLayers(lambda z: torch.relu(gate(z))), clip, 1, "guided_backprop").notes == ()


def no_answers(analysis: str, unit: str, role: str) -> Any:
    raise AssertionError("saliency reads no other method's answer")


def test_a_report_on_a_network_without_relus_has_its_other_maps() -> None:
    clip = torch.rand(1, 1, 2, 3, 4, generator=torch.Generator().manual_seed(1))
    network = Network(TwoLayers(functional.gelu).requires_grad_(False))
    subject = Subject(network, {}, (), clips=(Clip("clip", clip.numpy()),), targets={"clip": (Target.of(1),)})
    parameters = SaliencyParameters(methods=("gradients", "guided_backprop", "integrated_gradients"), steps=4)
    units = [unit for unit in SaliencyAnalysis().units(subject, parameters) if isinstance(unit, Unit)]
    found = SaliencyAnalysis().run(subject, units, parameters, no_answers, SILENT)
    assert {unit.method: type(answer) for unit, answer in found} == {
        "gradients": Result,
        "guided_backprop": NoAnswerError,
        "integrated_gradients": Result,
    }
