"""What to do: the units of every chosen analysis as jobs with content keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from reportgen.analyses.base import Analysis, Inapplicable, Subject, Unit
from reportgen.analyses.registry import SUITE
from reportgen.errors import unknown_name
from reportgen.options import BuildOptions
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

    def add(
        self, analysis: Analysis, subject: Subject, parameters: Mapping[str, JsonValue], inputs: Mapping[str, str]
    ) -> None:
        """Plan an analysis; `inputs` are the digests that every job depends on (card, weights)."""
        self.units[analysis.name], self.skips[analysis.name] = [], []
        for unit in analysis.units(subject, parameters):
            job = _job(analysis, unit, subject.seed, parameters, inputs, self._keys)
            if isinstance(unit, Inapplicable):
                self.skips[analysis.name].append(PlannedSkip(job, unit.reason))
            else:
                self.units[analysis.name].append(PlannedUnit(unit, job))
                self._keys[analysis.name, unit.name] = job.key


def chosen_analyses(options: BuildOptions) -> list[Analysis]:
    """Return the analyses that a build runs, with those whose answers they read, in the suite's order.

    Raises UnknownNameError for a name that the suite does not have.
    """
    wanted = list(options.analyses or SUITE)
    for name in wanted:
        if name not in SUITE:
            raise unknown_name("analysis", name, SUITE)
        wanted.extend(before for before in SUITE[name].after if before not in wanted)
    return [analysis for name, analysis in SUITE.items() if name in wanted]


def by_group(units: Sequence[PlannedUnit]) -> dict[str, list[PlannedUnit]]:
    """Return the units by their group, in order."""
    groups: dict[str, list[PlannedUnit]] = {}
    for planned in units:
        groups.setdefault(planned.unit.group, []).append(planned)
    return groups


def _job(
    analysis: Analysis,
    unit: Unit | Inapplicable,
    seed: int,
    parameters: Mapping[str, JsonValue],
    inputs: Mapping[str, str],
    keys: Mapping[tuple[str, str], str],
) -> Job:
    general = {name: value for name, value in parameters.items() if name not in analysis.choosing}
    if isinstance(unit, Inapplicable):
        return Job(
            analysis=analysis.name,
            version=analysis.version,
            unit=unit.name,
            parameters=general,
            seed=seed,
            inputs={**inputs, "reason": unit.reason},
        )
    return Job(
        analysis=analysis.name,
        version=analysis.version,
        unit=unit.name,
        parameters={**general, **unit.parameters},
        seed=seed,
        inputs={**inputs, **unit.inputs},
        needs=tuple(keys[needed, name] for needed, name, _role in unit.needs),
    )
