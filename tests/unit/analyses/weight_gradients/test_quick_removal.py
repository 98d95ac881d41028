"""Filters are removed in a quick copy where that does what silencing them in the network does, and only there."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.pyramid.ablation import Passes, Silenced
from reportgen.analyses.weight_gradients import quick_removal
from reportgen.analyses.weight_gradients.quick_removal import FEWEST_REMOVALS, TRIED, quickly_without
from reportgen.networks.core.network import Network
from reportgen.networks.speed.library import can_freeze
from reportgen.networks.trace.build import connection_graph

CLIPS = torch.rand(2, 3, 4, 20, 20, generator=torch.Generator().manual_seed(1))
LAYERS = ("stem", "wide", "back", "plain")
SIZES = {"stem": 16, "wide": 24, "back": 16, "plain": 32}
CLASSES = np.array([1, 2])

pytestmark = pytest.mark.skipif(not can_freeze(), reason="this build of torch has no packed weights")


class Net(nn.Module):
    """A stem with a stride, a branch with a shortcut, and a convolution with a bias, with norms that have run."""

    def __init__(self, last: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.stem, self.norm = nn.Conv3d(3, 16, 3, (1, 2, 2), 1, bias=False), nn.BatchNorm3d(16)
        self.wide, self.norm_wide = nn.Conv3d(16, 24, (3, 1, 1), padding=(1, 0, 0), bias=False), nn.BatchNorm3d(24)
        self.back, self.norm_back = nn.Conv3d(24, 16, 1, bias=False), nn.BatchNorm3d(16)
        self.plain, self.last = nn.Conv3d(16, 32, (1, 3, 3)), last
        self.first, self.second, self.third = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.classes = nn.Linear(32, 4)
        for norm in (self.norm, self.norm_wide, self.norm_back):
            for values in (norm.running_mean, norm.running_var, norm.weight.data, norm.bias.data):
                assert values is not None
                values.uniform_(0.2, 0.9)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(self.norm(self.stem(x)))
        branch = self.norm_back(self.back(self.second(self.norm_wide(self.wide(x)))))
        x = self.last(self.plain(self.third(x + branch)))
        return self.classes(x.mean((2, 3, 4)))


def network(last: nn.Module | None = None) -> Network:
    return Network(Net(last or nn.ReLU()).eval().requires_grad_(False))


def conditions() -> list[Silenced]:
    """Return removals of a half, a quarter and ever fewer of the filters of some layers, and of one filter."""
    generator = np.random.default_rng(3)
    found: list[Silenced] = []
    for number in range(FEWEST_REMOVALS):
        layers = LAYERS[number % 3 :]
        share = 2 + number % 7
        found.append({name: generator.permutation(SIZES[name])[: SIZES[name] // share] for name in layers})
    return found


def told(asked: Network, *, reduced: bool = False) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the logits `conditions N K` by what is quick and by the network, and how often that was then asked."""
    graph = connection_graph(asked, tuple(CLIPS[:1].shape))
    passes = Passes(asked, CLIPS, graph, LAYERS)
    passes.resume(LAYERS)
    wanted = np.stack([passes.intact - passes.without(one) for one in conditions()])
    calls: list[int] = []
    own = passes.without

    def counted(silenced: Silenced) -> np.ndarray:
        calls.append(1)
        return own(silenced)

    passes.without = counted  # type: ignore[method-assign]
    ask = quickly_without(asked, CLIPS, passes, LAYERS, conditions(), CLASSES, reduced=reduced)
    np.testing.assert_allclose(ask({}), passes.intact, rtol=1e-5 if not reduced else 0.02, atol=1e-6)
    return np.stack([ask(one) for one in conditions()]), wanted, len(calls)


def test_a_copy_without_filters_answers_as_the_network_that_is_silenced() -> None:
    found, wanted, calls = told(network())
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert float(np.ptp(wanted, axis=0).min()) > 1e-3, "the removals matter"
    assert calls == TRIED


def test_a_copy_in_bfloat16_tells_removals_apart() -> None:
    found, wanted, calls = told(network(), reduced=True)
    assert not np.allclose(found, wanted, rtol=1e-5), "it was asked in bfloat16"
    error = np.sqrt(np.square(found - wanted).mean(0))
    assert (error <= 0.1 * wanted.std(0)).all()
    assert calls == TRIED


def test_bfloat16_is_left_where_it_does_not_tell_removals_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_removal, "_ROUNDED", 1e-9)
    found, wanted, _ = told(network(), reduced=True)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_the_network_itself_is_asked_where_a_silent_filter_is_not_zero_behind_its_activation() -> None:
    """Silencing comes behind a sigmoid, which makes one half of what a filter without weights answers."""
    found, wanted, calls = told(network(nn.Sigmoid()))
    np.testing.assert_array_equal(found, wanted)
    assert calls == TRIED + FEWEST_REMOVALS


def test_few_removals_ask_the_network_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick_removal, "FEWEST_REMOVALS", FEWEST_REMOVALS + 1)
    assert told(network())[2] == FEWEST_REMOVALS


def test_a_copy_has_all_its_filters_again_after_each_removal() -> None:
    asked = network()
    passes = Passes(asked, CLIPS, connection_graph(asked, tuple(CLIPS[:1].shape)), LAYERS)
    passes.resume(LAYERS)
    ask = quickly_without(asked, CLIPS, passes, LAYERS, conditions(), CLASSES, reduced=False)
    intact, first = ask({}), ask(conditions()[0])
    ask(conditions()[1])
    np.testing.assert_array_equal(ask({}), intact)
    np.testing.assert_array_equal(ask(conditions()[0]), first)
