"""Searches of deeper layers that begin in a part of the frame: what they cost, and what they reach."""

from __future__ import annotations

from contextlib import AbstractContextManager

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation
from reportgen.analyses.kernels import search_levels
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.kernels.options import AscentKeywords, AscentOptions
from reportgen.analyses.kernels.rivals import Rivals
from reportgen.analyses.kernels.schedules import exact_at_last, frame_part, levels
from reportgen.analyses.kernels.search import Search
from reportgen.networks.core.network import Network
from reportgen.progress import SilentProgress, Task

SHAPE = (4, 64, 64)


def deep(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    stem = [nn.Conv3d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool3d((1, 2, 2))]
    middle = [nn.Conv3d(8, 12, 3, padding=1), nn.ReLU(), nn.Conv3d(12, 6, 3, padding=1), nn.ReLU()]
    network = nn.Sequential(*stem, *middle)
    network.eval().requires_grad_(False)
    return network


@pytest.fixture
def any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let short searches begin small as well."""
    monkeypatch.setattr(search_levels, "LONG_SEARCH", 0.0)


def searched(network: nn.Module, layer: str, shape: tuple[int, int, int] = SHAPE) -> Search:
    options = AscentOptions(clip_shape=shape, steps=32, objective="firing", small_first=True, precision="float32")
    return Search(Network(network), layer, [0, 1], options)


@pytest.mark.parametrize(
    ("shape", "reach", "strides", "expected"),
    [
        ((8, 224, 224), (7, 19, 19), (1, 4, 4), (8, 56, 56)),
        ((8, 224, 224), (16, 43, 43), (2, 8, 8), (8, 56, 56)),
        ((8, 224, 224), (24, 107, 107), (2, 16, 16), (8, 112, 112)),
        ((8, 224, 224), (32, 299, 299), (2, 32, 32), (8, 128, 128)),
        ((16, 64, 64), (5, 7, 7), (1, 2, 2), (16, 32, 32)),
        ((16, 40, 40), (5, 7, 7), (1, 2, 2), None),
        ((16, 64, 64), (17, 60, 60), (16, 64, 64), None),
    ],
)
def test_a_part_of_the_frame_holds_what_a_unit_sees_or_half_a_side_and_all_frames(
    shape: tuple[int, int, int],
    reach: tuple[int, int, int],
    strides: tuple[int, int, int],
    expected: tuple[int, int, int] | None,
) -> None:
    assert frame_part(shape, reach, strides) == expected


def test_the_steps_of_a_search_that_cools_small_are_those_asked_for() -> None:
    paced = levels((8, 224, 224), 96, small=(8, 56, 56), cools_small=True, reduced_precision=True)
    assert [(one.shape[1], one.steps, one.cools, one.reduced_precision) for one in paced] == [
        (56, 63, False, True),
        (56, 21, True, True),
        (224, 12, True, False),
    ]
    assert [one.steps for one in exact_at_last(paced, sees_pixels=False)] == [63, 21, 9, 3]
    assert [one.steps for one in levels((8, 224, 224), 3, small=(8, 56, 56), cools_small=True)] == [2, 1]


def test_a_short_search_begins_on_whole_clips() -> None:
    assert {level.shape for level in searched(deep(3), "5").levels} == {SHAPE}


@pytest.mark.usefixtures("any_length")
def test_deeper_layers_begin_small_and_first_layers_do_not() -> None:
    assert {level.shape for level in searched(deep(3), "5").levels} == {(4, 32, 32), SHAPE}
    assert {level.shape for level in searched(deep(3), "0").levels} == {SHAPE}


@pytest.mark.usefixtures("any_length")
def test_as_many_starts_are_made_as_cost_a_quarter_of_one_on_whole_clips() -> None:
    def of(size: int) -> int:
        search = searched(deep(3), "5", (2, size, size))
        assert not search.scoring.silent[0]
        return search._starts.of(0)

    assert [of(size) for size in (64, 128, 192, 384)] == [1, 1, 4, 4]


def passed(network: nn.Sequential) -> list[int]:
    """Return the list that every pass of a network's first layer adds its clips' values to."""
    volumes: list[int] = []
    network[0].register_forward_pre_hook(lambda _, given: volumes.append(given[0].numel()))
    return volumes


@pytest.mark.long
@pytest.mark.usefixtures("any_length")
def test_a_search_that_begins_small_reaches_as_much_for_half_of_the_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rivals, whose number a clip decides."""
    monkeypatch.setattr(Rivals, "explored", lambda *_: [])
    monkeypatch.setattr(Rivals, "best", lambda *_: None)
    network, kernels = deep(3), range(3)
    volumes = passed(network)
    asked: AscentKeywords = {
        "objective": "firing",
        "clip_shape": (2, 64, 64),
        "steps": 64,
        "precision": "float32",
        "early_stop": False,
    }
    small: AscentKeywords = {**asked, "small_first": True}
    whole = maximize_activation(network, "5", kernels, **asked)
    cost = sum(volumes)
    volumes.clear()
    found = maximize_activation(network, "5", kernels, **small)
    assert sum(volumes) < 0.5 * cost
    assert float((found.activations / whole.activations).min()) > 0.95
    own = network(found.clips).mean((2, 3, 4)).diagonal()
    assert torch.allclose(own, found.activations, rtol=1e-4)
    assert [len(curve) for curve in found.curves] == found.steps.tolist()
    alone = maximize_activation(network, "5", [2], **small)
    assert float(alone.activations[0]) == pytest.approx(float(found.activations[2]), rel=1e-3)


@pytest.mark.usefixtures("any_length")
def test_what_tiles_the_whole_clip_is_no_better_than_what_is_shown() -> None:
    """The best of the starts, tiled, is the least that the last cool-down may end with."""
    search = searched(deep(5), "5", (1, 192, 192))
    task = SilentProgress().task("", 1)
    with task as own, as_searched(search.network, search.levels):
        begun = search._explored([0], 1, own)
        (reached,) = [one.reached for one in begun.values()]
        assert reached is not None
        canvas = search.scoring.canvas(search.levels[-1])
        tiled = float(search.scoring.measure(search.scoring.native(canvas, reached), [0])[0])
        (end,) = list(search._cooled(begun, 1, own))
    assert end.facets[0].activation >= tiled > 0


@pytest.mark.usefixtures("any_length")
def test_the_task_of_a_search_that_begins_small_ends_with_its_total() -> None:
    class Counting(SilentProgress):
        total = done = 0.0

        def task(self, title: str, total: float) -> AbstractContextManager[Task]:
            self.total = total
            return super().task(title, total)

    class Noting:
        def __init__(self) -> None:
            self.done = 0.0

        def advance(self, steps: float = 1) -> None:
            self.done += steps

    search, noting = searched(deep(4), "5", (1, 64, 64)), Noting()
    with as_searched(search.network, search.levels):
        assert len(list(search.run(noting))) == 2  # type: ignore[arg-type]
    assert noting.done == pytest.approx(search.most_steps)


def rated(search: Search, clip: Tensor, kernel: int, *, rough: bool) -> float:
    search.scoring.rated_at = search.levels[0] if rough else None
    return search.scoring.summed(search.scoring.own_map(clip, kernel))


def test_small_clips_are_rated_as_roughly_as_steps_are_taken_and_whole_ones_exactly() -> None:
    """By far less than the 3% that a rival must be better."""
    options = AscentOptions(clip_shape=SHAPE, steps=32, objective="firing", small_first=True, precision="mixed")
    search = Search(Network(deep(3)), "5", [0, 1], options)
    clip = torch.rand((1, 3, *SHAPE), generator=torch.Generator().manual_seed(0))
    for kernel in range(6):
        exact, rough = (rated(search, clip[..., :32, :32], kernel, rough=one) for one in (False, True))
        assert rough != exact
        assert rough == pytest.approx(exact, rel=0.01)
        assert rated(search, clip, kernel, rough=True) == rated(search, clip, kernel, rough=False)
    search.scoring.rare = [True] * 6  # near a threshold a little decides
    small = clip[..., :32, :32]
    assert rated(search, small, 0, rough=True) == rated(search, small, 0, rough=False)
