"""A step of a search asks its device for no value and brings none from the host: it could be recorded, and never waits.

On torch's meta device tensors have no values: asking for one raises an error, and so does mixing them with the host's.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import nn

from reportgen.analyses.kernels.ascent import Climber, _Batch
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.robustness import draw_views
from reportgen.analyses.kernels.scoring import ClipScoring
from reportgen.analyses.kernels.search import Search
from reportgen.networks.core.network import Network

SHAPE = (8, 32, 32)


@pytest.fixture
def network() -> Network:
    layers: list[nn.Module] = [nn.Conv3d(3, 6, 3, (1, 2, 2), 1), nn.BatchNorm3d(6), nn.ReLU(inplace=True)]
    layers += [nn.Conv3d(6, 5, 3, padding=1), nn.BatchNorm3d(5), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(5, 4, 3)]
    module = nn.Sequential(*layers).eval().requires_grad_(False).to("meta")
    return Network(module, device=torch.device("meta"))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"basis": "pixels"},
        {"constraint": "ball"},
        {"facets": 2},
        {"objective": "neuron"},
        {"objective": "firing", "grow": True},
        {"scale": (0.9, 1.1), "rotation": 5.0, "jitter": (1, 4)},
        {"total_variation": 0.1, "temporal_smoothness": 0.1},
    ],
    ids=str,
)
def test_a_step_stays_on_its_device(network: Network, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClipScoring, "precision", lambda *_: nullcontext())  # the meta device has no autocast
    search = Search(network, "3", [0, 2], AscentOptions(clip_shape=SHAPE, **options))
    with as_searched(network, search.levels):
        for level in search.levels:
            canvas, generator = search.scoring.canvas(level), torch.Generator().manual_seed(0)
            facets = search.options.facets
            climbers = [
                Climber(
                    kernel=kernel,
                    parameters=torch.stack([canvas.initial(generator, 0.5) for _ in range(facets)]),
                    draws=torch.stack([draw_views(4, generator) for _ in range(facets)], dim=1),
                    start=[0.0] * facets,
                )
                for kernel in search.kernels
            ]
            elementwise = search.options.basis == "pixels"
            batch = _Batch(
                search.scoring.score(level), canvas.deviation, climbers, elementwise=elementwise, recorded=False
            )
            batch.step()
            assert batch.parameters.device.type == batch.activations.device.type == "meta"


def test_what_asks_for_a_value_would_be_found(network: Network) -> None:
    with pytest.raises((RuntimeError, NotImplementedError)):
        float(network.module(torch.zeros(1, 3, *SHAPE, device="meta")).mean())
    with pytest.raises(RuntimeError):
        network.module(torch.zeros(1, 3, *SHAPE, device="meta")) * torch.ones(4, 1, 1, 1)
