"""Where each class is true or not by itself, no other class has a part in what is told of it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.faithfulness.evaluation import probe
from reportgen.analyses.motion.motion_audit import motion_audit
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.saliency.attribution import attribute
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.preactivation import preactivations
from reportgen.records.card import Adapter, ClipSpec, ModelCard

CARD = ModelCard.model_validate(
    {
        "name": "several",
        "title": "Several",
        "summary": "A test.",
        "architecture": {},
        "clip": ClipSpec(frames=4, height=8, width=8, mean=(0.0,) * 3, std=(1.0,) * 3).model_dump(),
        "classes": 3,
        "classifier": "head",
        "adapter": Adapter(probabilities="sigmoid").model_dump(),
    }
)


class Several(nn.Module):
    """Three colours, each a class that is there or not: a clip may show all of them, or none."""

    def __init__(self, other: float = 0.0) -> None:
        super().__init__()
        self.look = nn.Conv3d(3, 3, 1, bias=False)
        self.head = nn.Linear(3, 3)
        self.look.weight.data = torch.eye(3).view(3, 3, 1, 1, 1)
        self.head.weight.data = 6 * torch.eye(3)
        self.head.bias.data = torch.tensor([-2.0, -2.0, -2.0 + other])

    def forward(self, clips: Tensor) -> Tensor:
        found: Tensor = self.head(torch.relu(self.look(clips)).mean((2, 3, 4)))
        return found


def network(other: float = 0.0) -> Network:
    return Network(Several(other).eval().requires_grad_(False), CARD)


@pytest.fixture
def red_and_green() -> Tensor:
    """Red grows stronger over time, green weaker, and there is no blue."""
    clip = torch.zeros(1, 3, 4, 8, 8)
    clip[:, 0] = torch.linspace(0.4, 1, 4).view(4, 1, 1)
    clip[:, 1] = torch.linspace(1, 0.4, 4).view(4, 1, 1)
    return clip


def test_a_logit_stands_for_itself(red_and_green: Tensor) -> None:
    wanted = 6 * 0.7 - 2
    for other in (0.0, 9.0):
        asked = network(other)
        assert motion_audit(asked, red_and_green, 0).logit == pytest.approx(wanted, abs=1e-5)
        assert attribute(asked, red_and_green, 0, method="gradients").above_mean == pytest.approx((wanted,), abs=1e-5)
        assert class_pyramid(asked, red_and_green, 0, depth=1).above_mean == pytest.approx(wanted, abs=1e-5)
        assert probe(asked, red_and_green, 0, steps=2, maps=2, samples=2).logit == pytest.approx(wanted, abs=1e-5)
        kernels = preactivations(asked, ["head"], (4, 8, 8), 3)["head"]
        assert float(kernels.maps(red_and_green).flatten(1)[0, 0]) == pytest.approx(wanted, abs=1e-5)


def test_both_classes_are_recognised_and_one_that_is_not_there_is_not(red_and_green: Tensor) -> None:
    found = {index: motion_audit(network(), red_and_green, index, draws=2) for index in range(3)}
    assert [found[index].rank for index in range(3)] == [0, 0, 1]
    assert found[1].predicted["reversed"].tolist() == [1], "and not the first of two that are as likely"
    assert found[1].ranks["frozen"].tolist() == [0, 0, 0, 0], "though red is the likelier one in the last frames"


def test_a_clip_may_be_taken_for_none(red_and_green: Tensor) -> None:
    assert motion_audit(network(), 0.1 * red_and_green, 0, draws=2).predicted["reversed"].tolist() == [-1]
