"""What a search has found is held against the same clip turned, and against simple patterns of its kernel's own."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Self

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation
from reportgen.analyses.kernels import rivals
from reportgen.analyses.kernels import search as searching
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.rivals import Rivals, affordable_rivals
from reportgen.analyses.kernels.schedules import levels
from reportgen.analyses.kernels.search import Search
from reportgen.analyses.kernels.simple_optima import SimpleOptima, SimpleOptimum
from reportgen.networks.core.network import Network
from reportgen.progress import SilentProgress, Task

SHAPE = (8, 16, 16)


def brightening(rise: float, fall: float) -> nn.Module:
    """Return a network whose kernel 0 of layer 2 answers `rise` times to brightening and `fall` times to darkening."""
    changes, weighed = nn.Conv3d(3, 2, (2, 1, 1), bias=False), nn.Conv3d(2, 1, 1, bias=False)
    with torch.no_grad():
        changes.weight.copy_(torch.tensor([[-1.0, 1.0], [1.0, -1.0]]).view(2, 1, 2, 1, 1).expand(-1, 3, -1, -1, -1) / 3)
        weighed.weight.copy_(torch.tensor([rise, fall]).view(1, 2, 1, 1, 1))
    return nn.Sequential(changes, nn.ReLU(), weighed).eval().requires_grad_(False)


def rival(network: nn.Module, found: Tensor, steps: int) -> SimpleOptimum | None:
    options = AscentOptions(clip_shape=SHAPE, steps=steps, objective="firing", precision="float32")
    search = Search(Network(network), "2", [0], options)
    simple = SimpleOptima(search.scoring, [0], SHAPE)
    return Rivals(search.scoring, simple, search.levels, SHAPE).best(found, 0, seed=0)


@pytest.fixture
def ramp() -> Tensor:
    """A clip `C T H W` that brightens by 0.1 a frame."""
    return (0.1 + 0.1 * torch.arange(8.0)).view(1, -1, 1, 1).expand(3, -1, 16, 16)


def test_a_clip_that_is_better_backwards_is_turned(ramp: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rivals, "_ROUNDS", 0)  # what it leads to is better still
    best = rival(brightening(1, 2), ramp, steps=16)
    assert best is not None
    assert torch.allclose(best.reached.sigmoid()[0], ramp.flip(1), atol=1e-6)


def test_clips_that_are_as_good_either_way_stay_as_they_are(ramp: Tensor) -> None:
    assert rival(brightening(1, 1), ramp, steps=16) is None
    assert rival(brightening(2, 1), ramp, steps=16) is None
    assert rival(brightening(1, 1.02), ramp, steps=16) is None  # too little to go on from


def test_a_rival_leads_to_better_ones(ramp: Tensor) -> None:
    network = brightening(1, 2)
    best = rival(network, ramp, steps=16)
    assert best is not None
    assert float(network(best.reached.sigmoid()).mean()) > 2 * float(network(ramp.flip(1)[None]).mean())


def test_a_longer_search_affords_the_simple_patterns_of_the_filter_about_a_clip(ramp: Tensor) -> None:
    """Where frames are dark and bright in turn, the kernel fires at every change: no ramp comes near to that."""
    network = brightening(1, 2)
    best = rival(network, ramp, steps=96)
    assert best is not None
    assert float(network(best.reached.sigmoid()).mean()) > 1.3
    assert float(network(ramp.flip(1)[None]).mean()) == pytest.approx(0.2, abs=1e-5)


def test_rivals_cost_a_twelfth_of_a_search_at_most() -> None:
    small, whole = (8, 32, 32), (16, 64, 64)
    assert affordable_rivals(levels(whole, 1), small) == 0
    for steps in (4, 16, 32, 96, 500):
        for own in (small, None):
            paced = levels(whole, steps, small=own)
            volumes = [level.steps * level.shape[0] * level.shape[1] * level.shape[2] for level in paced]
            spent = affordable_rivals(paced, small) / 8  # of a whole clip's pass, as 8 small ones are
            assert spent <= 0.08 * 3 * sum(volumes) / (16 * 64 * 64)
    assert affordable_rivals(levels(whole, 96), small) >= 21
    begun_small = levels(whole, 96, small=small, cools_small=True)
    assert affordable_rivals(begun_small, small) == affordable_rivals(levels(whole, 96), small)


def deep(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    stem = [nn.Conv3d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool3d((1, 2, 2))]
    middle = [nn.Conv3d(8, 12, 3, padding=1), nn.ReLU(), nn.Conv3d(12, 6, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*stem, *middle).eval().requires_grad_(False)


@pytest.mark.slow
def test_no_kernel_loses_by_its_rivals_and_some_gain(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"objective": "firing", "clip_shape": (4, 16, 16), "steps": 32}
    network = deep(3)
    held = maximize_activation(network, "5", range(6), **options)
    assert [len(curve) for curve in held.curves] == held.steps.tolist()
    alone = maximize_activation(network, "5", [0], **options)
    assert float(alone.activations[0]) == pytest.approx(float(held.activations[0]), rel=1e-4)
    monkeypatch.setattr(Rivals, "best", lambda *_: None)
    gain = held.activations / maximize_activation(network, "5", range(6), **options).activations
    assert bool((gain >= 1 - 1e-5).all())
    assert float(gain.max()) > 1.05
    own = network(held.clips).mean((2, 3, 4)).diagonal()
    assert torch.allclose(own, held.activations, rtol=1e-4)


@pytest.mark.long
def test_a_search_goes_on_from_a_second_rival_where_one_is_better(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which kernels have one is a matter of their maxima, and of how a processor rounds on the way to these."""
    options = {"objective": "firing", "clip_shape": (4, 16, 16), "steps": 96}
    for seed in range(2, 14):
        network = deep(seed)
        twice = maximize_activation(network, "5", range(5), **options)
        with monkeypatch.context() as patched:
            patched.setattr(searching, "_FURTHER", 1)
            once = maximize_activation(network, "5", range(5), **options)
        further, gain = twice.steps - once.steps, twice.activations / once.activations
        assert set(further.tolist()) <= {0, 24}
        assert bool((gain >= 1 - 1e-5).all())
        if bool((gain[further > 0] > 1.1).any()):
            return
    pytest.fail("no kernel has a second rival that is better")


def test_the_task_of_a_search_ends_with_its_total() -> None:
    """Whatever number of rivals its kernels went on from, and wherever they stopped early."""

    class Counting(SilentProgress):
        total = done = 0.0

        def task(self, title: str, total: float) -> AbstractContextManager[Task]:
            self.total = total
            return self

        def advance(self, steps: float = 1) -> None:
            self.done += steps

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            """End without a word."""

    counting = Counting()
    found = maximize_activation(
        deep(4), "5", range(3), objective="firing", clip_shape=(4, 16, 16), steps=96, progress=counting
    )
    assert len(found.steps.unique()) > 1
    assert counting.done == pytest.approx(counting.total)
    assert counting.total == 3 * (96 + 2 * 24)


def test_what_a_clip_is_held_against_again_is_not_rated_anew(ramp: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held against the same twice, a clip has the same rival; a clip that differs in one pixel is rated by itself."""
    network = brightening(1, 2)
    options = AscentOptions(clip_shape=SHAPE, steps=96, objective="firing", precision="float32")
    search = Search(Network(network), "2", [0], options)
    simple = SimpleOptima(search.scoring, [0], SHAPE)
    held = Rivals(search.scoring, simple, search.levels, SHAPE)
    asked: list[Tensor] = []
    own_map = search.scoring.own_map

    def counted(clip: Tensor, kernel: int) -> Tensor:
        asked.append(clip)
        return own_map(clip, kernel)

    monkeypatch.setattr(search.scoring, "own_map", counted)
    first = held.best(ramp, 0, seed=0)
    once = len(asked)
    again = held.best(ramp.clone(), 0, seed=0)
    assert first is not None
    assert again is not None
    assert torch.equal(first.reached, again.reached)
    assert len(asked) == once > 20
    other = ramp.clone()
    other[0, 0, 0, 0] += 0.1
    held.best(other, 0, seed=0)
    assert len(asked) >= once + 8, "the clip itself and its seven reversals"
    assert not any(torch.equal(one, two) for place, one in enumerate(asked) for two in asked[:place])
