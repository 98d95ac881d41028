"""From a clip to class logits: where the scores lie in what a network returns."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen.networks.core.network import Network, class_positions
from reportgen.records.card import Adapter, ClipSpec, ModelCard

CLASSES, POSITIONS = 5, 4


class Averaging(nn.Module):
    """Class scores at every frame from a layer of either kind, averaged after its softmax."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.linear = kind == "linear"
        self.head = nn.Linear(3, CLASSES) if self.linear else nn.Conv3d(3, CLASSES, 1)

    def forward(self, clips: Tensor) -> Tensor:
        if self.linear:
            return torch.as_tensor(self.head(clips.mean(dim=(3, 4)).transpose(1, 2)).softmax(2).mean(1))
        return torch.as_tensor(self.head(clips).softmax(1).mean(dim=(2, 3, 4)))


class Shared(nn.Module):
    """A module under two names, and a weight that two modules have."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first, self.second = nn.Conv3d(3, 4, 1), nn.Linear(4, 4), nn.Linear(4, 4)
        self.layers = nn.ModuleList([self.stem, nn.ReLU()])
        self.second.weight = self.first.weight

    def forward(self, clips: Tensor) -> Tensor:
        for layer in self.layers:
            clips = layer(clips)
        return torch.as_tensor(self.second(self.first(clips.mean((2, 3, 4)))))


def test_a_pass_without_arithmetic_leaves_every_weight_where_it_was() -> None:
    module = Shared().eval()
    before = {name: id(value) for name, value in module.named_parameters(remove_duplicate=False)}
    clips = torch.rand(2, 3, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    wanted = module(clips)
    network = Network(module, device=torch.device("cpu"))
    assert network.run(clips.to("meta")).device.type == "meta"
    assert {name: id(value) for name, value in module.named_parameters(remove_duplicate=False)} == before
    assert torch.equal(module(clips), wanted)


@pytest.mark.parametrize("kind", ["linear", "convolution"])
def test_logits_behind_a_softmax_are_averaged_over_positions_not_over_classes(kind: str) -> None:
    card = ModelCard(
        name="averaging",
        title="Averaging",
        clip=ClipSpec(frames=POSITIONS, height=2, width=2, mean=(0.0,) * 3, std=(1.0,) * 3),
        adapter=Adapter(scores="probabilities"),
        classes=CLASSES,
        classifier="head",
    )
    module = Averaging(kind).eval().requires_grad_(False)
    clips = torch.rand(2, 3, POSITIONS, 2, 2, generator=torch.Generator().manual_seed(0))
    weight = module.head.weight.flatten(1)
    expected = clips.mean(dim=(2, 3, 4)) @ weight.t() + module.head.bias
    assert torch.allclose(Network(module, card).logits(clips), expected, atol=1e-6)


def test_classes_lie_along_axis_1_or_the_last_one() -> None:
    scores = torch.arange(2.0 * 3 * 4 * 5).view(2, 3, 4, 5)
    assert torch.equal(class_positions(scores), scores.mean(dim=(2, 3)))
    assert torch.equal(class_positions(scores, last=True), scores.mean(dim=(1, 2)))
    assert torch.equal(class_positions(scores[:, :, 0, 0]), scores[:, :, 0, 0])
