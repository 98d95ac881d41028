"""A likeness counts by its place among those of clips that have no reason to be alike."""

from __future__ import annotations

from math import sqrt
from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import Tensor

from reportgen.analyses.common.natural_path import NaturalPath, idle_clips, natural_path, rank
from reportgen.audit.kernel_badges import kernel_verdicts
from reportgen.audit.kernel_checks import _seeds_check, path_checks
from reportgen.audit.limits import Limits
from reportgen.audit.paths import at_least_by_chance, path_state, seeds_state
from reportgen.reading.figures import KernelFigures
from reportgen.reading.run_view import RunView
from reportgen.records.answers.path import PathAnswer, Rank

CLIPS, KERNELS, DRIVERS = 60, 24, 5


def answer(found: NaturalPath | None) -> PathAnswer | None:
    return PathAnswer(path_natural=found.natural, path_kernels=found.kernels, path_told=found.told) if found else None


def layer(seed: int, common: float) -> tuple[Tensor, Tensor, torch.Generator]:
    """Responses of a layer to clips, of which the drivers of a later kernel share a pattern, and that kernel's."""
    generator = torch.Generator().manual_seed(seed)
    real = torch.rand((CLIPS + 1, KERNELS), generator=generator)
    driven = torch.rand(CLIPS, generator=generator)
    driven[:DRIVERS] += 1.0
    real[:DRIVERS] += common * torch.rand(KERNELS, generator=generator)
    return real, driven, generator


def test_a_clip_that_does_not_drive_the_kernel_seldom_takes_the_natural_path() -> None:
    passed = 0
    for seed in range(200):
        real, driven, _ = layer(seed, 3.0)
        passed += path_state(answer(natural_path({"a": real[CLIPS]}, {"a": real[:CLIPS]}, driven)), Limits()) == "pass"
    assert passed <= 200 * 0.05 + 2 * sqrt(200 * 0.05 * 0.95)


def test_a_clip_like_the_drivers_does_and_one_of_another_kernel_does_not() -> None:
    states = []
    for seed in range(50):
        real, driven, generator = layer(seed, 3.0)
        other = real[CLIPS] + torch.rand((2, KERNELS), generator=generator)
        like = real[:DRIVERS].mean(0)
        found = natural_path({"a": like}, {"a": real[:CLIPS]}, driven, {"a": other})
        nearer = natural_path({"a": like + 0.3 * torch.rand(KERNELS)}, {"a": real[:CLIPS]}, driven, {"a": like[None]})
        states.append((path_state(answer(found), Limits()), path_state(answer(nearer), Limits())))
    assert states.count(("pass", "warn")) >= 48


def test_where_drivers_are_as_unlike_each_other_as_any_clips_nothing_is_tested() -> None:
    states = []
    for seed in range(50):
        real, driven, _ = layer(seed, 0.0)
        found = natural_path({"a": real[:DRIVERS].mean(0)}, {"a": real[:CLIPS]}, driven)
        states.append(path_state(answer(found), Limits()))
    assert states.count("untested") >= 45


def test_a_kernel_that_two_clips_drive_has_no_way_to_compare_with() -> None:
    real, _, _ = layer(0, 1.0)
    driven = torch.zeros(CLIPS)
    driven[:2] = 1.0
    assert natural_path({"a": real[CLIPS]}, {"a": real[:CLIPS]}, driven) is None


def test_the_clips_that_do_not_drive_a_kernel_are_the_lower_half() -> None:
    assert idle_clips(torch.tensor([3.0, 1.0, 5.0, 0.0, 2.0])) == [1, 3]


def test_clips_of_other_seeds_that_are_as_unlike_as_any_are_seldom_found_again() -> None:
    generator = torch.Generator().manual_seed(0)
    nulls = torch.rand((400, 25), generator=generator)
    passed = sum(
        seeds_state(PathAnswer(seed_kernels=rank(float(row[0]), row[1:])), Limits()) == "pass" for row in nulls
    )
    assert passed <= 400 * 0.05 + 2 * sqrt(400 * 0.05 * 0.95)


@pytest.mark.parametrize(
    ("kernels", "natural", "state"),
    [
        (Rank(reached=0, of=19), None, "pass"),
        (Rank(reached=1, of=19), None, "fail"),
        (Rank(reached=0, of=18), None, "untested"),
        (Rank(reached=0, of=19), Rank(reached=5, of=40), "fail"),
        (Rank(reached=0, of=19), Rank(reached=5, of=6), "pass"),
        (None, Rank(reached=0, of=40), "untested"),
    ],
)
def test_seeds_agree_where_no_other_clip_is_as_like(kernels: Rank | None, natural: Rank | None, state: str) -> None:
    assert seeds_state(PathAnswer(seed_kernels=kernels, seed_natural=natural), Limits()) == state


@pytest.mark.parametrize(
    ("natural", "kernels", "told", "state"),
    [
        (Rank(reached=0, of=19), Rank(reached=0, of=2), Rank(reached=0, of=19), "pass"),
        (Rank(reached=0, of=19), Rank(reached=0, of=0), Rank(reached=0, of=19), "pass"),
        (Rank(reached=0, of=19), Rank(reached=1, of=2), Rank(reached=0, of=19), "warn"),
        (Rank(reached=0, of=39), Rank(reached=1, of=39), Rank(reached=0, of=39), "pass"),
        (Rank(reached=1, of=19), Rank(reached=0, of=2), Rank(reached=0, of=19), "fail"),
        (Rank(reached=0, of=19), Rank(reached=0, of=2), Rank(reached=1, of=19), "untested"),
        (Rank(reached=0, of=18), Rank(reached=0, of=2), Rank(reached=0, of=18), "untested"),
        (None, None, None, "untested"),
    ],
)
def test_a_path_passes_only_where_everything_speaks_for_it(
    natural: Rank | None, kernels: Rank | None, told: Rank | None, state: str
) -> None:
    path = PathAnswer(path_natural=natural, path_kernels=kernels, path_told=told)
    assert path_state(path, Limits()) == state
    (badge,) = (each for each in kernel_verdicts(KernelFigures(path=path), Limits()) if each.name == "natural path")
    assert badge.state == state, "the badge goes by the same rule"


@pytest.mark.parametrize(("tested", "state"), [(10, "pass"), (5, "pass"), (4, "warn")])
def test_where_most_paths_cannot_be_tested_the_check_does_not_pass(tested: int, state: str) -> None:
    first = Rank(reached=0, of=40)
    natural = PathAnswer(path_natural=first, path_told=first)
    untold = PathAnswer(path_natural=first, path_told=Rank(reached=20, of=40))
    paths = [natural] * tested + [untold] * (10 - tested)
    kernels = [SimpleNamespace(figures=KernelFigures(path=path)) for path in paths]
    model = cast(RunView, SimpleNamespace(all_kernels=kernels, addresses=SimpleNamespace(home="")))
    assert path_checks(model, Limits())[0].state == state


def test_as_many_firsts_as_chance_finds_are_told_by_their_probability() -> None:
    assert at_least_by_chance(2, [0.5, 0.5]) == pytest.approx(0.25)
    assert at_least_by_chance(1, [0.5, 0.25]) == pytest.approx(1 - 0.5 * 0.75)
    assert at_least_by_chance(0, []) == 1.0


@pytest.mark.parametrize(
    ("reached", "others", "state"),
    [
        ((0, 0, 0, 0), 2, "pass"),
        ((1, 1, 1, 0), 2, "fail"),
        ((0, 0), 2, "untested"),
        ((0, 2, 3, 0), 19, "warn"),
        ((0, 2, 3, 5), 19, "fail"),
        ((), 2, "untested"),
    ],
)
def test_the_check_of_seeds_needs_more_than_chance(reached: tuple[int, ...], others: int, state: str) -> None:
    paths = [PathAnswer(seed_kernels=Rank(reached=each, of=others)) for each in reached]
    assert _seeds_check(paths, Limits(), "").state == state
