"""Probes are made in bfloat16 where it tells parts of the clip at hand apart as float32 does, and only there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.common import reducing
from reportgen.analyses.common.reducing import reducing_pays
from reportgen.analyses.faithfulness.hiding import hiding_tests
from reportgen.analyses.faithfulness.parameters import FaithfulnessParameters
from reportgen.analyses.faithfulness.rounding import _VALUE, measuring_network
from reportgen.clips import Clip
from reportgen.networks.core.network import Network
from reportgen.networks.speed.library import library_computes
from reportgen.networks.speed.reduced import ReducedNetwork
from reportgen.progress import SILENT
from tests.unit.analyses.faithfulness.test_shared_copies import subject

CLIP = 0.2 * torch.rand(1, 3, 4, 28, 28, generator=torch.Generator().manual_seed(1))
CLIP[:, :, 1:3, 8:20, 8:20] += 0.8  # what the class is of
CHECKS = FaithfulnessParameters(maps=4, curve_steps=6, hidden=24)


class Net(nn.Module):
    """Convolutions, and a classifier that is a linear layer, or one more convolution, far from 0; class 0 is there."""

    def __init__(self, *, linear: bool) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.first, self.second = nn.Conv3d(3, 16, 3, (1, 2, 2), 1), nn.Conv3d(16, 512, (1, 3, 3), padding=(0, 1, 1))
        self.classes: nn.Module = nn.Linear(512, 4) if linear else nn.Conv3d(512, 4, 1)
        assert isinstance(self.classes.weight, nn.Parameter)
        assert isinstance(self.classes.bias, nn.Parameter)
        self.classes.weight.data[0].abs_()  # of all that is bright
        self.classes.bias.data += torch.tensor([20.0, -20.0, 20.0, -20.0])

    def forward(self, x: Tensor) -> Tensor:
        maps = self.second(self.first(x).relu()).relu().mean((2, 3, 4))
        found: Tensor = self.classes(maps if isinstance(self.classes, nn.Linear) else maps[..., None, None, None])
        return found.flatten(1)


def network(*, linear: bool) -> Network:
    return Network(Net(linear=linear).eval().requires_grad_(False))


@pytest.mark.parametrize("linear", [True, False])
def test_bfloat16_measures_where_it_tells_parts_apart(linear: bool) -> None:
    """A classifier that is a convolution rounds its logits, whose last bit is then worth more than most parts."""
    asked = network(linear=linear)
    for baseline in ("blur", "mean_frame"):
        found = measuring_network(asked, asked, CLIP, 0, baseline, seed=0, reduced=True)
        assert isinstance(found, ReducedNetwork) is linear
        assert measuring_network(asked, asked, CLIP, 0, baseline, seed=0, reduced=False) is asked


@pytest.mark.skipif(
    not library_computes(torch.bfloat16), reason="this processor, tens of times slower in bfloat16, is not asked in it"
)
def test_figures_in_bfloat16_are_those_in_float32() -> None:
    asked = network(linear=True)
    heat = torch.zeros(CLIP.shape[2:])
    heat[1:3, 8:20, 8:20] = 1 + torch.rand(2, 12, 12, generator=torch.Generator().manual_seed(3))
    clip = Clip("clip", CLIP.clamp(0, 1).numpy(), known_as="drawn")
    rough, exact = (
        hiding_tests(asked, 0, clip, 0, [heat], CHECKS, SILENT, quick=asked, reduced=reduced)[0]
        for reduced in (True, False)
    )
    for baseline, wanted in exact.items():
        found = rough[baseline]
        assert found != wanted, "it was asked in bfloat16"
        assert wanted.insertion_band is not None
        assert found.insertion_band is not None
        assert found.insertion_auc == pytest.approx(wanted.insertion_auc, abs=_VALUE)
        assert found.deletion_auc == pytest.approx(wanted.deletion_auc, abs=_VALUE)
        assert found.insertion_band.low == pytest.approx(wanted.insertion_band.low, abs=_VALUE)
        assert found.unexplained == pytest.approx(wanted.unexplained, abs=0.02)


def test_a_linear_layer_adds_up_in_float32() -> None:
    asked = network(linear=True)
    rough = ReducedNetwork.of(asked).logits(CLIP)
    assert rough.dtype == torch.float32
    assert isinstance(asked.module.classes, nn.Linear)
    assert "forward" not in vars(asked.module.classes)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = asked.logits(CLIP).float()
    exact = asked.logits(CLIP)
    assert not torch.equal(rough, exact)
    assert float((rough - exact).abs().max()) < 0.1 * float((rounded - exact).abs().max())


def test_bfloat16_is_asked_where_there_is_much_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reducing, "reduced_precision_pays", lambda _device: True)
    layers, device = subject(network(linear=True)).layers, torch.device("cpu")
    assert not reducing_pays(layers, 300, device)
    monkeypatch.setattr(reducing, "forward_work", lambda _layers: 28.0)
    assert reducing_pays(layers, 300, device)
    assert not reducing_pays(layers, 30, device)
    monkeypatch.setattr(reducing, "reduced_precision_pays", lambda _device: False)
    assert not reducing_pays(layers, 300, device)
