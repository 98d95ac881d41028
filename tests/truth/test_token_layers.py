"""Layers of transformers, which have no places or run within an operation of torch's own, are read as any others."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen import maximize_activation
from reportgen.analyses.common.responses import kernel_responses
from reportgen.analyses.pyramid.ablation import ablate
from reportgen.analyses.pyramid.class_pyramid import class_pyramid

SHAPE = (4, 12, 12)


class ClassToken(nn.Module):
    """Tubelets, and a layer that is given what one token has gathered from them: `N K`, without places."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.last, self.head = nn.Conv3d(3, 6, (2, 4, 4), (2, 4, 4)), nn.Linear(6, 4), nn.Linear(4, 3)
        self.token = nn.Parameter(torch.randn(1, 1, 6))

    def forward(self, clips: Tensor) -> Tensor:
        tokens = torch.cat([self.token.expand(len(clips), -1, -1), self.embed(clips).flatten(2).mT], 1)
        gathered = ((tokens @ tokens.mT).softmax(-1) @ tokens)[:, 0]
        scores: Tensor = self.head(self.last(gathered).relu())
        return scores


class Encoded(nn.Module):
    """Tubelets and torch's own encoder, which is one operation for each of its layers where no gradient is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Conv3d(3, 8, (2, 4, 4), (2, 4, 4))
        layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(8, 3)

    def forward(self, clips: Tensor) -> Tensor:
        scores: Tensor = self.head(self.encoder(self.embed(clips).flatten(2).mT).mean(1))
        return scores


class Asked(nn.Module):
    """Tubelets that learnt queries gather, as they are or as a layer answers to them (Perceiver, attentive poolers)."""

    def __init__(self, layer: bool) -> None:
        super().__init__()
        self.embed, self.read = nn.Conv3d(3, 6, (2, 4, 4), (2, 4, 4)), nn.Linear(6, 12)
        self.ask = nn.Linear(6, 6) if layer else nn.Identity()
        self.queries, self.head = nn.Parameter(torch.randn(1, 4, 6)), nn.Linear(6, 3)

    def forward(self, clips: Tensor) -> Tensor:
        keys, values = self.read(self.embed(clips).flatten(2).mT).chunk(2, -1)
        queries = self.ask(self.queries.expand(len(clips), -1, -1))
        scores: Tensor = self.head(functional.scaled_dot_product_attention(queries, keys, values).mean(1))
        return scores


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def test_silent_kernels_of_a_layer_without_places_are_brought_to_fire() -> None:
    network = ClassToken().eval().requires_grad_(False)
    noise = torch.rand(8, 3, *SHAPE)
    highest = kernel_responses(network, noise, ["last"], objective="channel")["last"].amax(0)
    network.last.bias -= highest + 0.01  # noise fires none of them
    assert not kernel_responses(network, noise, ["last"])["last"].any()
    found = maximize_activation(network, "last", [0, 2], objective="firing", clip_shape=SHAPE, steps=12)
    assert (found.activations > 0).all()


def test_kernels_of_a_layer_without_places_have_facets() -> None:
    options = {"clip_shape": SHAPE, "steps": 8, "facets": 2}
    found = maximize_activation(ClassToken().eval(), "last", [0, 1], objective="channel", **options)  # type: ignore[arg-type]
    assert found.kernels == (0, 0, 1, 1)


def test_kernels_within_torchs_own_encoder_are_silenced() -> None:
    network = Encoded().eval().requires_grad_(False)
    clip = torch.rand(1, 3, *SHAPE)
    pyramid = class_pyramid(network, clip, 0, depth=1)
    kept = pyramid.kept()
    assert list(kept) == ["encoder.layers.1.linear2"]
    found = ablate(network, clip, 0, pyramid, draws=3)
    last = network.encoder.layers[1].linear2
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        for parameter in (last.weight, last.bias):
            parameter[list(kept["encoder.layers.1.linear2"])] = 0.0
        assert found.logit - found.together.drop == pytest.approx(network(clip)[0, 0].item(), abs=1e-5)


@pytest.mark.parametrize("layer", [False, True])
def test_kernels_in_front_of_learnt_queries_are_silenced(layer: bool) -> None:
    network, clip = Asked(layer).eval().requires_grad_(False), torch.rand(1, 3, *SHAPE)
    pyramid = class_pyramid(network, clip, 0, depth=None)
    assert layer is not any(one.name.startswith("q") for one in pyramid.layers), "answers to queries are no weights"
    found = {row.layer: row.drop for row in ablate(network, clip, 0, pyramid, draws=3, batch=4).layers}
    kept = torch.tensor(pyramid.kept()["read"])
    intact = network(clip)
    with torch.no_grad():
        network.read.weight[kept], network.read.bias[kept] = 0.0, 0.0
    assert found["read"] == pytest.approx(float((intact - network(clip))[0, 0]), abs=1e-5)
