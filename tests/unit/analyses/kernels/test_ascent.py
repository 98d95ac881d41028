"""The batched ascent: each climber as if it were alone, and memory that runs out loses nothing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from reportgen.analyses.kernels.ascent import Ascent, Climber
from reportgen.analyses.kernels.schedules import Level
from reportgen.errors import OutOfMemoryError
from reportgen.networks.core.out_of_memory import is_out_of_memory
from reportgen.networks.speed.precision import full_precision
from reportgen.progress import SILENT

STEPS = 25


def hill(parameters: Tensor, kernels: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
    """Return a hill whose top depends on the kernel, seen a little aside at each step."""
    height = -(parameters - kernels[:, None] - 0.1 * draws[:, :4]).square().sum(1)
    return -height, height


def extent(parameters: Tensor) -> Tensor:
    return parameters.square().mean(1).sqrt()


def climber(kernel: int, facets: int = 1) -> Climber:
    generator = torch.Generator().manual_seed(kernel)
    parameters = torch.randn(facets, 4, generator=generator, dtype=torch.float64)
    return Climber(kernel, parameters, torch.rand(STEPS, facets, 5, generator=generator), [0.0] * facets)


def climb(kernels: list[int], *, score: object = hill, slots: int = 4, stops_early: bool = False) -> dict[int, Climber]:
    level = Level((1, 1, 1), STEPS, stops_early=stops_early)
    with SILENT.task("", 1) as task:
        ascent = Ascent(score, extent, level, learning_rate=0.1, elementwise=False, slots=slots, task=task)  # type: ignore[arg-type]
        return {one.kernel: one for one in ascent.run([climber(kernel) for kernel in kernels])}


def same(one: Climber, other: Climber) -> bool:
    return torch.equal(one.parameters, other.parameters) and one.curve == other.curve


def test_a_climber_gets_higher() -> None:
    found = climb([3])[3]
    assert found.taken == STEPS
    assert found.curve[-1][0] > found.curve[0][0]


def test_company_and_slots_do_not_change_the_way_up() -> None:
    alone = {kernel: climb([kernel])[kernel] for kernel in range(5)}
    for slots in (1, 2, 5):
        together = climb([4, 2, 0, 1, 3], slots=slots)
        assert all(same(together[kernel], alone[kernel]) for kernel in alone)


def test_a_full_memory_halves_the_batch_and_loses_nothing() -> None:
    seen: list[int] = []

    def cramped(parameters: Tensor, kernels: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(len(parameters))
        if len(parameters) > 2:
            raise torch.OutOfMemoryError("no room")
        return hill(parameters, kernels, draws)

    found = climb([0, 1, 2, 3, 4], score=cramped, slots=5)
    assert max(seen[1:]) == 2
    assert all(same(found[kernel], climb([kernel])[kernel]) for kernel in range(5))


def test_steps_may_be_rounded_where_all_else_is_computed_in_full_precision() -> None:
    seen: list[bool] = []

    def watching(parameters: Tensor, kernels: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        seen.append(torch.backends.cudnn.allow_tf32)
        return hill(parameters, kernels, draws)

    with full_precision():
        climb([0], score=watching)
        assert torch.backends.cudnn.allow_tf32 is False
    assert set(seen) == {True}


def test_memory_that_fails_in_the_middle_of_a_block_loses_nothing() -> None:
    calls: list[int] = []

    def failing_once(parameters: Tensor, kernels: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        calls.append(1)
        if len(calls) == 14:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return hill(parameters, kernels, draws)

    found = climb([0, 1], score=failing_once)
    assert all(same(found[kernel], climb([kernel])[kernel]) for kernel in range(2))


def test_one_climber_too_many_is_an_error_that_says_what_to_do() -> None:
    def full(parameters: Tensor, kernels: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(OutOfMemoryError, match="smaller clip_shape"):
        climb([0, 1], score=full)


def test_other_errors_are_not_taken_for_a_full_memory() -> None:
    def broken(parameters: Tensor, kernels: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        climb([0, 1], score=broken)
    assert not is_out_of_memory(ValueError("DefaultCPUAllocator"))


def test_progress_is_told_every_step() -> None:
    told: list[float] = []

    class Counter:
        def advance(self, steps: float = 1) -> None:
            told.append(steps)

    level = Level((1, 1, 1), STEPS)
    ascent = Ascent(hill, extent, level, learning_rate=0.1, elementwise=True, slots=2, task=Counter())  # type: ignore[arg-type]
    list(ascent.run([climber(0), climber(1), climber(2)]))
    assert sum(told) == 3 * STEPS


def test_a_new_level_begins_without_momentum() -> None:
    one = climb([0])[0]
    one.restart(one.parameters)
    assert one.step == 0
    assert one.taken == STEPS
    assert not one.first.any()
    assert one.means() == []


def test_no_step_changes_the_pixels_by_more_than_half_a_unit() -> None:
    def slope(parameters: Tensor, kernels: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        return -parameters.sum(1), parameters.sum(1)

    level = Level((1, 1, 1), STEPS, stops_early=False)
    before = climber(1).parameters
    with SILENT.task("", 1) as task:
        ascent = Ascent(slope, extent, level, learning_rate=100.0, elementwise=False, slots=1, task=task)
        (found,) = ascent.run([climber(1)])
    assert float(extent(found.parameters - before)) == pytest.approx(0.5 * STEPS)
