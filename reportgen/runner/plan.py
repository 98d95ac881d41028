"""What to do: the units of every chosen method as jobs with content keys. Planning computes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import JsonValue

from reportgen.analyses.base import Inapplicable, Subject, Unit
from reportgen.analyses.method import Method, PresetName
from reportgen.analyses.parameters import Parameters
from reportgen.analyses.registry import find_method, methods
from reportgen.records.jobs import Job
from reportgen.records.plan import PlannedJob, RunPlan
from reportgen.runner.chunking import chunk_count, in_parts


@dataclass(frozen=True)
class PlannedUnit:
    """A unit and its job."""

    unit: Unit
    job: Job


@dataclass(frozen=True)
class PlannedSkip:
    """A unit that does not apply, with its job and the reason."""

    job: Job
    reason: str


@dataclass(frozen=True)
class MethodPlan:
    """One method's part of a plan."""

    method: Method[Any]
    parameters: Parameters
    units: tuple[PlannedUnit, ...]
    skips: tuple[PlannedSkip, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    """Of the groups that are computed in several chunks, in how many."""

    def groups(self) -> dict[str, list[PlannedUnit]]:
        """Return the units by their groups, in order."""
        found: dict[str, list[PlannedUnit]] = {}
        for planned in self.units:
            found.setdefault(planned.unit.group, []).append(planned)
        return found

    def chunks(self) -> dict[str, list[PlannedUnit]]:
        """Return the units that are computed together, in order: those of a group, or of a part of one."""
        found: dict[str, list[PlannedUnit]] = {}
        for group, units in self.groups().items():
            if (count := self.counts.get(group, 1)) == 1:
                found[group] = units
            else:
                parts = enumerate(in_parts(units, count), start=1)
                found.update((f"{group}/{number}", list(part)) for number, part in parts)
        return found


@dataclass(frozen=True)
class Plan:
    """The jobs of a run in the order in which they run."""

    parts: tuple[MethodPlan, ...] = ()
    keys_of_units: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def jobs(self) -> Iterator[Job]:
        """Yield every job, inapplicable ones among them, method by method."""
        for part in self.parts:
            yield from (planned.job for planned in part.units)
            yield from (skip.job for skip in part.skips)

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all jobs."""
        return tuple(job.key for job in self.jobs())

    def key_of(self, analysis: str, unit: str) -> str:
        """Return the key of the job that answers `analysis` about `unit`."""
        return self.keys_of_units[analysis, unit]

    def stored(self, threads: int) -> RunPlan:
        """Return the plan as it is kept with the run, which is computed with so many threads."""
        return RunPlan.of(self._stored(), threads)

    def _stored(self) -> Iterator[PlannedJob]:
        for part in self.parts:
            for group, units in part.chunks().items():
                yield from (PlannedJob(job=one.job, chunk=f"{part.method.name}/{group}") for one in units)
            for skip in part.skips:
                yield PlannedJob(job=skip.job, chunk=part.method.name, inapplicable=skip.reason)


def plan_jobs(
    subject: Subject,
    chosen: Iterable[Method[Any]],
    parameters: Mapping[str, Parameters],
    inputs: Mapping[str, str],
) -> Plan:
    """Return the jobs of the `chosen` methods; `inputs` are the digests that every job depends on."""
    keys: dict[tuple[str, str], str] = {}
    parts = []
    for method in chosen:
        own = parameters[method.name]
        keyed = own.keyed()
        units: list[PlannedUnit] = []
        skips: list[PlannedSkip] = []
        for unit in method.load().units(subject, own):
            job = _job(method, unit, subject.seed, keyed, inputs, keys)
            if isinstance(unit, Inapplicable):
                skips.append(PlannedSkip(job, unit.reason))
            else:
                units.append(PlannedUnit(unit, job))
                keys[method.name, unit.name] = job.key
        part = MethodPlan(method, own, tuple(units), tuple(skips))
        parts.append(replace(part, counts=_chunk_counts(part, subject)) if method.most_chunks > 1 else part)
    return Plan(tuple(parts), keys)


def _chunk_counts(part: MethodPlan, subject: Subject) -> dict[str, int]:
    """Return of the groups that are computed in several chunks in how many."""
    device, most = subject.network.device.type, part.method.most_chunks
    counts = {
        group: chunk_count([one.job for one in units], subject.layers, device, most)
        for group, units in part.groups().items()
    }
    return {group: count for group, count in counts.items() if count > 1}


def chosen_methods(names: Iterable[str], preset: PresetName = "standard") -> list[Method[Any]]:
    """Return the methods of these names, with those whose answers they read, in order.

    Where no name is given they are all methods but those that are off in the preset.

    Raises UnknownNameError for a name that the registry does not have.
    """
    wanted = list(names) or [name for name, method in methods().items() if preset not in method.off_in]
    for name in wanted:
        wanted.extend(before for before in find_method(name).after if before not in wanted)
    return [method for name, method in methods().items() if name in wanted]


def _job(
    method: Method[Any],
    unit: Unit | Inapplicable,
    seed: int,
    keyed: Mapping[str, JsonValue],
    inputs: Mapping[str, str],
    keys: Mapping[tuple[str, str], str],
) -> Job:
    if isinstance(unit, Inapplicable):
        return Job(
            analysis=method.name,
            version=method.version,
            unit=unit.name,
            parameters=dict(keyed),
            seed=seed,
            inputs={**inputs, "reason": unit.reason},
        )
    return Job(
        analysis=method.name,
        version=method.version,
        unit=unit.name,
        parameters={**keyed, **unit.parameters},
        seed=seed,
        inputs={**inputs, **unit.inputs},
        needs=tuple(keys[needed, name] for needed, name, _role in unit.needs),
    )
