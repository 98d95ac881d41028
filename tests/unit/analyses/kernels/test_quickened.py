"""A search whose steps ask a quick copy of the network takes the steps that it takes by the network itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from reportgen.analyses.common import quickened
from reportgen.analyses.kernels import search as searching
from reportgen.analyses.kernels import search_levels
from reportgen.analyses.kernels.ascent import Score
from reportgen.analyses.kernels.maximize import as_searched, maximize_activation
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.robustness import DRAWS
from reportgen.analyses.kernels.schedules import Level, exact_at_last
from reportgen.analyses.kernels.search import Search
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.preactivation import placement
from reportgen.networks.speed.library import can_freeze
from reportgen.networks.speed.quick_copy import NetworkAnswers

pytestmark = pytest.mark.skipif(not can_freeze(), reason="this build of torch has no packed weights")

SHAPE = (6, 24, 24)


def network() -> Network:
    torch.manual_seed(3)
    layers: list[nn.Module] = [nn.Conv3d(3, 8, (3, 5, 5), (1, 2, 2), (1, 2, 2), bias=False), nn.BatchNorm3d(8)]
    layers += [nn.ReLU(inplace=True), nn.MaxPool3d((1, 2, 2)), nn.Conv3d(8, 12, (3, 1, 1), padding=(1, 0, 0))]
    layers += [nn.BatchNorm3d(12), nn.ReLU(), nn.Conv3d(12, 8, (1, 3, 3)), nn.BatchNorm3d(8)]
    module = nn.Sequential(*layers)
    for part in module:
        if isinstance(part, nn.BatchNorm3d):
            assert part.running_mean is not None
            part.running_mean.uniform_(-0.2, 0.2)
            part.weight.data.uniform_(-1, 1.5)
    return Network(module.eval().requires_grad_(False))


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "LEAST_WORK", 0.0)


def gradient(one: Network, score: Score, search: Search) -> tuple[torch.Tensor, torch.Tensor]:
    facets = search.options.facets
    kernels = torch.tensor([1] * facets + [5] * facets)
    canvas, generator = search.scoring.canvas(search.levels[0]), torch.Generator().manual_seed(1)
    parameters = torch.stack([canvas.initial(generator, 0.5) for _ in kernels]).to(**placement(one)).requires_grad_()
    loss, activations = score(parameters, kernels, torch.rand(len(kernels), DRAWS, generator=generator))
    return activations.detach(), torch.autograd.grad(loss.sum(), parameters)[0]


@pytest.mark.parametrize(
    "options", [{}, {"objective": "firing"}, {"objective": "neuron"}, {"facets": 2}, {"grow": True}], ids=str
)
@pytest.mark.usefixtures("always")
def test_activations_and_gradients_are_those_of_the_network(options: dict[str, Any]) -> None:
    one = network()
    search = Search(one, "7", [1, 5], AscentOptions(clip_shape=SHAPE, precision="float32", **options))
    search.quicken()
    assert search.scoring.climbed is not search.target
    with as_searched(one, search.levels):
        quick = gradient(one, search.scoring.score(search.levels[0]), search)
        search.scoring.climbed = search.target
        own = gradient(one, search.scoring.score(search.levels[0]), search)
    for found, wanted in zip(quick, own, strict=True):
        assert (found - wanted).abs().max() < 1e-3 * wanted.abs().max()


@pytest.mark.slow
@pytest.mark.usefixtures("always")
def test_a_whole_search_finds_what_it_finds_by_the_network_itself() -> None:
    options: dict[str, Any] = {"clip_shape": SHAPE, "steps": 24, "precision": "float32", "objective": "firing"}
    quick = maximize_activation(network(), "7", [1, 5], **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quickened, "quick_copy", lambda *_, **__: None)
        own = maximize_activation(network(), "7", [1, 5], **options)
    torch.testing.assert_close(quick.activations, own.activations, rtol=0.01, atol=0)


@pytest.mark.usefixtures("always")
def test_simple_patterns_are_rated_by_the_copy_as_by_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    one = network()
    search = Search(one, "7", [1, 5], AscentOptions(clip_shape=SHAPE, objective="firing", precision="float32"))
    search.quicken()
    scoring = search.scoring
    clip = torch.rand(1, 3, *SHAPE, generator=torch.Generator().manual_seed(2))
    wanted = scoring.target.maps(clip)
    monkeypatch.setattr(one.module, "forward", lambda *_: pytest.fail("the network itself was asked"))
    torch.testing.assert_close(scoring.own_map(clip, 5), wanted[:, 5], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(scoring.all_maps(clip), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.usefixtures("always")
def test_a_cool_down_in_two_levels_goes_on_where_it_was() -> None:
    def exactly(paced: tuple[Level, ...], **_: bool) -> tuple[Level, ...]:
        mixed = exact_at_last([replace(level, reduced_precision=True) for level in paced], sees_pixels=False)
        return tuple(replace(level, reduced_precision=False) for level in mixed)

    options: dict[str, Any] = {"clip_shape": SHAPE, "steps": 32, "precision": "float32", "objective": "firing"}
    whole = maximize_activation(network(), "7", [1, 5], **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_levels, "exact_at_last", exactly)
        assert len(Search(network(), "7", [1], AscentOptions(**options)).levels) == 3
        parts = maximize_activation(network(), "7", [1, 5], **options)
    assert parts.steps.tolist() == whole.steps.tolist()
    torch.testing.assert_close(parts.clips, whole.clips, rtol=0, atol=1e-4)


@pytest.mark.long
@pytest.mark.usefixtures("always")
def test_bfloat16_explores_as_well_as_float32() -> None:
    """Rounding decides which of two patterns that are nearly as good a search goes on from: neither way on average."""

    def reached(precision: str, seed: int) -> torch.Tensor:
        options: dict[str, Any] = {"clip_shape": SHAPE, "steps": 32, "objective": "firing", "seed": seed}
        return maximize_activation(network(), "7", [1, 5], precision=precision, **options).activations

    ratios = [reached("mixed", seed) / reached("float32", seed) for seed in range(4)]
    assert float(torch.stack(ratios).mean()) == pytest.approx(1, abs=0.05)


@pytest.mark.usefixtures("always")
def test_bfloat16_is_left_where_its_gradient_is_another(monkeypatch: pytest.MonkeyPatch) -> None:
    search = Search(network(), "7", [1], AscentOptions(clip_shape=SHAPE, precision="mixed"))
    search.quicken()
    assert search.levels[0].reduced_precision
    assert search.notes == ()
    monkeypatch.setattr(quickened, "likeness_reduced", lambda *_: 0.5)
    search.quicken()
    assert not search.levels[0].reduced_precision
    assert "its gradient has a cosine of 0.50" in search.notes[0]


def test_a_copy_is_held_against_one_answer_of_the_network() -> None:
    one, asked = network(), []
    one.module.register_forward_pre_hook(lambda _module, args: asked.append(args[0].device.type))
    quick, fault = quickened.quickened(NetworkAnswers(one, "7"), [SHAPE, SHAPE], seed=0, reduced_precision=True)
    assert quick is not None
    assert fault is None
    assert asked.count("cpu") == 3, "the network's own, the copy's, and that in bfloat16"


def test_a_first_layer_and_a_short_search_ask_the_network_itself() -> None:
    for layer in ("0", "7"):
        search = Search(network(), layer, [1], AscentOptions(clip_shape=SHAPE, steps=2))
        search.quicken()
        assert search.scoring.climbed is search.target
