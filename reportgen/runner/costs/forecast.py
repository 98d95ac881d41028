"""What a plan will cost and when it will be done, before anything runs and in the middle of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import Field

from reportgen.records.base import Frozen
from reportgen.records.jobs import Job
from reportgen.runner.costs.model import CostError, CostEstimate, CostModel
from reportgen.runner.costs.schedule import TimedChunk, seconds_until_done
from reportgen.runner.costs.work import Layers, cost_kind, work_of
from reportgen.runner.machine import threads_of
from reportgen.runner.plan import MethodPlan, Plan

_HOUR = 3600.0


class PlanCost(Frozen):
    """What one analysis of a run will cost, or with the analysis ``all`` the whole run."""

    run: str
    analysis: str
    jobs: int
    done: int = Field(description="Answered already: they are not computed again.")
    left: int
    hours: float | None = Field(description="Of what is left, in `unit`; None: not known.")
    unit: str = Field(description="core-hours on a processor, GPU-hours on a GPU.")
    bytes: int | None = Field(description="That the files of what is left will have in the run; None: not known.")
    error_median: float | None = Field(
        None, description="Relative error of the hours of a chunk, cross-validated: its median. None: not known."
    )
    error_ninety: float | None = Field(None, description="What nine in ten of these errors are within.")
    basis: str = Field(description="What the hours rest on.")


class PlanEnd(Frozen):
    """When a run would be done if it were begun now, by so many workers of one kind."""

    run: str
    executor: str
    workers: int
    machine: str
    hours: float | None = Field(description="Until the end, without waiting in a queue; None: not known.")
    end: str | None = Field(description="Local time, ISO 8601.")


class PlanForecast(Frozen):
    """What a run will cost: one row an analysis and one for all, and its end for each executor."""

    run: str
    machine: str
    costs: tuple[PlanCost, ...]
    ends: tuple[PlanEnd, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlanFacts:
    """A plan with what its costs depend on.

    `done` are the keys of the jobs that are answered, `only` of those to do (None: all), `alone` the analyses that one
    process does before the workers begin, `clips` the number of reference clips, and `site` the bytes of a site of it.
    """

    run: str
    plan: Plan
    layers: Layers
    clips: int
    pixels: int
    site: int
    done: Collection[str]
    only: Collection[str] | None = None
    alone: Collection[str] = ()

    def left(self, part: MethodPlan) -> list[Job]:
        """Return the jobs of a method that are to be computed."""
        jobs = (one.job for one in part.units)
        return [job for job in jobs if job.key not in self.done and (self.only is None or job.key in self.only)]


def plan_costs(facts: PlanFacts, model: CostModel, machine: str) -> tuple[PlanCost, ...]:
    """Return what each analysis of a plan costs on a machine, and the whole."""
    rows = [_cost(facts, part, model, machine) for part in facts.plan.parts if part.units]
    known = [row.hours for row in rows if row.left]
    sizes = [row.bytes for row in rows if row.left]
    error = model.error()
    whole = PlanCost(
        run=facts.run,
        analysis="all",
        jobs=sum(row.jobs for row in rows),
        done=sum(row.done for row in rows),
        left=sum(row.left for row in rows),
        hours=_sum(known),
        unit=_unit(machine),
        bytes=_sum(sizes),
        basis=", ".join(dict.fromkeys(row.basis for row in rows if row.left)) or "nothing is left",
        **_told(error),
    )
    return (*rows, whole)


def _cost(facts: PlanFacts, part: MethodPlan, model: CostModel, machine: str) -> PlanCost:
    wanted = [one.job for one in part.units if facts.only is None or one.job.key in facts.only]
    left = facts.left(part)
    estimates = list(_estimates(facts, model, left).values())
    sizes = [model.bytes_of(kind, len(jobs), facts.pixels) for kind, jobs in _by_kind(left).items()]
    seconds = _sum([one.seconds for one in estimates])
    errors = [one.error for one in estimates if one.error]
    worst = max(errors, key=lambda one: one.median) if errors and len(errors) == len(estimates) else None
    return PlanCost(
        run=facts.run,
        analysis=part.method.name,
        jobs=len(wanted),
        done=len(wanted) - len(left),
        left=len(left),
        hours=None if seconds is None else seconds * (threads_of(machine) or 1) / _HOUR,
        unit=_unit(machine),
        bytes=_sum(sizes),
        basis=", ".join(dict.fromkeys(one.basis for one in estimates)) or "nothing is left",
        **_told(worst),
    )


def plan_ends(
    facts: PlanFacts,
    model: CostModel,
    machine: str,
    executors: Sequence[tuple[str, int, float]],
    now: datetime,
) -> tuple[PlanEnd, ...]:
    """Return when a plan is done by each of the `executors`: name, workers, and how many are at work at full speed."""
    chunks = list(_chunks(facts, model))
    known = all(chunk.seconds >= 0 for chunk in chunks)
    alone = sum(chunk.seconds for chunk in chunks if chunk.name.partition("/")[0] in facts.alone)
    shared = [chunk for chunk in chunks if chunk.name.partition("/")[0] not in facts.alone]
    found = []
    for executor, workers, at_once in executors:
        seconds = alone + seconds_until_done(shared, workers, at_once) if known else None
        end = (now + timedelta(seconds=seconds)).isoformat(timespec="minutes") if seconds is not None else None
        hours = None if seconds is None else seconds / _HOUR
        found.append(PlanEnd(run=facts.run, executor=executor, workers=workers, machine=machine, hours=hours, end=end))
    return tuple(found)


def _chunks(facts: PlanFacts, model: CostModel) -> Iterator[TimedChunk]:
    """Yield the chunks that are left with their seconds, -1 where these are not known."""
    where: dict[str, str] = {}
    for part in facts.plan.parts:
        left = {job.key for job in facts.left(part)}
        for group, units in part.chunks().items():
            name = f"{part.method.name}/{group}"
            jobs = [one.job for one in units if one.job.key in left]
            if not jobs:
                continue
            where.update(dict.fromkeys((job.key for job in jobs), name))
            seconds = _sum([one.seconds for one in _estimates(facts, model, jobs).values()])
            needs = frozenset(where[key] for job in jobs for key in job.needs if key in where) - {name}
            yield TimedChunk(name, -1.0 if seconds is None else seconds, needs)


def _estimates(facts: PlanFacts, model: CostModel, jobs: Sequence[Job]) -> Mapping[str, CostEstimate]:
    found = {}
    for kind, own in _by_kind(jobs).items():
        work = sum(work_of(job, facts.layers, facts.clips) for job in own)
        found[kind] = model.estimate(kind, len(own), work)
    return found


def _by_kind(jobs: Iterable[Job]) -> Mapping[str, list[Job]]:
    found: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        found[cost_kind(job)].append(job)
    return found


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _unit(machine: str) -> str:
    return "GPU-hours" if threads_of(machine) is None else "core-hours"


def _told(error: CostError | None) -> dict[str, float]:
    return {"error_median": error.median, "error_ninety": error.ninety} if error else {}
