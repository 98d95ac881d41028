"""The plan of a run: every job with the chunk in which it is computed, written before anything is computed.

Jobs of one method share most of what they are asked with: that is written once for all of them, so that the plan of a
hundred thousand jobs is some 20 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from itertools import groupby
from typing import Any, TypeVar

from pydantic import Field, JsonValue, model_validator

from reportgen.records.base import Document, Frozen
from reportgen.records.jobs import Job
from reportgen.records.paths import JobKey

MOST_THREADS = 1024

_Value = TypeVar("_Value")


class PlannedJob(Frozen):
    """A job; `chunk` are the jobs that are computed together."""

    job: Job
    chunk: str
    inapplicable: str | None = Field(None, description="Why the question does not apply; such a job is not computed.")


class PartJob(Frozen):
    """A job of a part: what it does not share with the others."""

    unit: str
    chunk: int = Field(ge=0, description="Place of its chunk's name in the part's chunks.")
    parameters: dict[str, JsonValue] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict)
    needs: int | None = Field(None, ge=0, description="Place of what it needs in the part's needs; None: nothing.")
    inapplicable: str | None = Field(None, description="Why the question does not apply; such a job is not computed.")


class PlanPart(Frozen):
    """Jobs of one analysis: what they share, and what each has of its own."""

    analysis: str
    version: int
    seed: int
    parameters: dict[str, JsonValue] = Field(default_factory=dict, description="Shared by all jobs of the part.")
    inputs: dict[str, str] = Field(default_factory=dict, description="Shared by all jobs of the part.")
    chunks: tuple[str, ...]
    needs: tuple[tuple[JobKey, ...], ...] = Field((), description="Keys of jobs; many jobs need the same.")
    jobs: tuple[PartJob, ...]

    def planned(self) -> Iterator[PlannedJob]:
        """Yield the jobs of the part."""
        for one in self.jobs:
            job = Job.model_construct(
                analysis=self.analysis,
                version=self.version,
                unit=one.unit,
                parameters={**self.parameters, **one.parameters},
                seed=self.seed,
                inputs={**self.inputs, **one.inputs},
                needs=() if one.needs is None else self.needs[one.needs],
            )
            yield PlannedJob.model_construct(job=job, chunk=self.chunks[one.chunk], inapplicable=one.inapplicable)

    @model_validator(mode="after")
    def _chunks_exist(self) -> PlanPart:
        if any(one.chunk >= len(self.chunks) or (one.needs or 0) >= max(len(self.needs), 1) for one in self.jobs):
            raise ValueError("a job names a chunk or needs that the part does not have")
        if not self.needs and any(one.needs is not None for one in self.jobs):
            raise ValueError("a job names needs that the part does not have")
        return self


class RunPlan(Document):
    """All jobs of a run, in the order in which they are computed: what a job needs comes before it."""

    parts: tuple[PlanPart, ...]
    threads: int = Field(ge=1, le=MOST_THREADS, description="Of the processor: whoever goes on takes as many.")

    @classmethod
    def of(cls, jobs: Iterable[PlannedJob], threads: int) -> RunPlan:
        """Return the plan of jobs in this order."""
        return cls(parts=_parts(jobs), threads=threads)

    @cached_property
    def jobs(self) -> tuple[PlannedJob, ...]:
        """All jobs, in order."""
        return tuple(planned for part in self.parts for planned in part.planned())

    @model_validator(mode="before")
    @classmethod
    def _of_schema_3(cls, given: Any) -> Any:
        """Take a plan of an earlier version, in which each job stood by itself."""
        if isinstance(given, dict) and "jobs" in given and "parts" not in given:
            own = {name: value for name, value in given.items() if name != "jobs"}
            parts = _parts(PlannedJob.model_validate(one) for one in given["jobs"])
            return {**own, "parts": [part.model_dump(mode="json") for part in parts]}
        return given


def _parts(jobs: Iterable[PlannedJob]) -> tuple[PlanPart, ...]:
    """Return jobs as parts; those that follow each other and are of one analysis, version and seed are one."""
    return tuple(
        _part(list(group)) for _, group in groupby(jobs, lambda one: (one.job.analysis, one.job.version, one.job.seed))
    )


def _part(jobs: list[PlannedJob]) -> PlanPart:
    parameters = _shared([one.job.parameters for one in jobs])
    inputs = _shared([one.job.inputs for one in jobs])
    chunks = {name: place for place, name in enumerate(dict.fromkeys(one.chunk for one in jobs))}
    needs = {keys: place for place, keys in enumerate(dict.fromkeys(one.job.needs for one in jobs if one.job.needs))}
    first = jobs[0].job
    return PlanPart(
        analysis=first.analysis,
        version=first.version,
        seed=first.seed,
        parameters=parameters,
        inputs=inputs,
        chunks=tuple(chunks),
        needs=tuple(needs),
        jobs=tuple(
            PartJob(
                unit=one.job.unit,
                chunk=chunks[one.chunk],
                parameters={name: value for name, value in one.job.parameters.items() if name not in parameters},
                inputs={name: value for name, value in one.job.inputs.items() if name not in inputs},
                needs=needs[one.job.needs] if one.job.needs else None,
                inapplicable=one.inapplicable,
            )
            for one in jobs
        ),
    )


def _shared(tables: Sequence[dict[str, _Value]]) -> dict[str, _Value]:
    """Return what is in all tables, with one value in all of them."""
    found = dict(tables[0])
    for table in tables:
        for name in [name for name, value in found.items() if name not in table or not _same(table[name], value)]:
            del found[name]
    return found


def _same(one: object, other: object) -> bool:
    """Whether two values of JSON are written alike: 1, 1.0 and true are equal, and are not."""
    return type(one) is type(other) and one == other and repr(one) == repr(other)
