"""What to do: the units of every chosen analysis as jobs with content keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from reportgen.analyses.base import Inapplicable, Subject, Unit
from reportgen.analyses.method import Method
from reportgen.analyses.parameters import Parameters
from reportgen.analyses.registry import find_method, methods
from reportgen.config.options import BuildOptions
from reportgen.records.jobs import Job


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


@dataclass
class Plan:
    """The jobs of a run in the order in which they run."""

    units: dict[str, list[PlannedUnit]] = field(default_factory=dict)
    skips: dict[str, list[PlannedSkip]] = field(default_factory=dict)
    _keys: dict[tuple[str, str], str] = field(default_factory=dict)

    def jobs(self) -> Iterator[Job]:
        """Yield every job, skipped ones among them, analysis by analysis."""
        for analysis in self.units:
            yield from (planned.job for planned in self.units[analysis])
            yield from (skip.job for skip in self.skips[analysis])

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all jobs."""
        return tuple(job.key for job in self.jobs())

    def key_of(self, analysis: str, unit: str) -> str:
        """Return the key of the job that answers `analysis` about `unit`."""
        return self._keys[analysis, unit]

    def add(self, method: Method[Any], subject: Subject, parameters: Parameters, inputs: Mapping[str, str]) -> None:
        """Plan a method; `inputs` are the digests that every job depends on (card, weights)."""
        self.units[method.name], self.skips[method.name] = [], []
        keyed = parameters.keyed()
        for unit in method.load().units(subject, parameters):
            job = _job(method, unit, subject.seed, keyed, inputs, self._keys)
            if isinstance(unit, Inapplicable):
                self.skips[method.name].append(PlannedSkip(job, unit.reason))
            else:
                self.units[method.name].append(PlannedUnit(unit, job))
                self._keys[method.name, unit.name] = job.key


def chosen_methods(options: BuildOptions) -> list[Method[Any]]:
    """Return the methods that a build runs, with those whose answers they read, in the registry's order.

    Raises UnknownNameError for a name that the registry does not have.
    """
    wanted = list(options.analyses or methods())
    for name in wanted:
        wanted.extend(before for before in find_method(name).after if before not in wanted)
    return [method for name, method in methods().items() if name in wanted]


def by_group(units: Sequence[PlannedUnit]) -> dict[str, list[PlannedUnit]]:
    """Return the units by their group, in order."""
    groups: dict[str, list[PlannedUnit]] = {}
    for planned in units:
        groups.setdefault(planned.unit.group, []).append(planned)
    return groups


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
