"""What earlier jobs took, from the records of runs, and where there are none from figures that come with reportgen.

Jobs of a chunk are computed together, and the first of a batch bears its seconds: only their sum is an observation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

from pydantic import BaseModel, Field, TypeAdapter

from reportgen.errors import StoreError
from reportgen.records.base import Frozen
from reportgen.records.documents import read_part
from reportgen.records.jobs import Job
from reportgen.records.manifest import ClipFacts, Environment, Run
from reportgen.records.store import Store
from reportgen.runner.costs.work import cost_kind, work_of
from reportgen.runner.machine import with_threads


class Observation(Frozen):
    """What the jobs of one cost kind in one chunk took."""

    machine: str = Field(description="The GPU, or the processor and its threads.")
    kind: str = Field(description="Of cost: see `reportgen.runner.costs.work.cost_kind`.")
    jobs: int = Field(ge=1)
    work: float = Field(ge=0, description="Multiply-adds in 1e9, up to a factor.")
    seconds: float = Field(ge=0)
    size: int = Field(ge=0, description="Bytes of the files.")
    pixels: int = Field(ge=1, description="Of a clip, in all its frames.")


class _Outcome(BaseModel):
    """What is read of what came of a job."""

    class File(BaseModel):
        """What is read of a file's facts."""

        bytes: int = Field(ge=0)

    status: str
    artifacts: tuple[File, ...] = ()


class RecordHeader(BaseModel):
    """What is read of a record: its answer may be large."""

    class Spent(BaseModel):
        """What it took."""

        seconds: float = Field(ge=0, allow_inf_nan=False)
        finished: str
        machine: str | None = None

    outcome: _Outcome
    spent: Spent


class _Clips(BaseModel):
    class _Told(BaseModel):
        class _Answer(BaseModel):
            clips: int = Field(0, ge=0)

        answer: _Answer = Field(default_factory=_Answer)

    outcome: _Told = Field(default_factory=_Told)


def record_headers(store: Store, keys: Iterable[str]) -> dict[str, RecordHeader]:
    """Return what is known of each job that has a record; one that is damaged or has just gone is not there."""
    files_of = store.record_files()
    found = {}
    for key in keys:
        if (file := files_of.get(key)) is not None:
            try:
                found[key] = read_part(file, RecordHeader)
            except StoreError:
                continue
    return found


def observations(store: Store) -> list[Observation]:
    """Return what the answered jobs of a run took; nothing where its header or its plan cannot be read."""
    try:
        run, jobs = store.read_run(), store.read_plan().jobs
    except StoreError:
        return []
    known = record_headers(store, (planned.job.key for planned in jobs))
    layers = {facts.name: facts for facts in run.layers}
    clips = _reference_clips(store, [planned.job for planned in jobs if planned.job.key in known])
    sums: dict[tuple[str, str, str], list[tuple[Job, RecordHeader]]] = defaultdict(list)
    for planned in jobs:
        header = known.get(planned.job.key)
        if header is not None and header.outcome.status == "done":
            machine = header.spent.machine or machine_of_run(run.environment)
            sums[machine, cost_kind(planned.job), planned.chunk].append((planned.job, header))
    return [
        Observation(
            machine=machine,
            kind=kind,
            jobs=len(own),
            work=sum(work_of(job, layers, clips) for job, _ in own),
            seconds=sum(header.spent.seconds for _, header in own),
            size=sum(file.bytes for _, header in own for file in header.outcome.artifacts),
            pixels=run_pixels(run),
        )
        for (machine, kind, _), own in sums.items()
    ]


def machine_of_run(environment: Environment) -> str:
    """Return what a run of an earlier version says of what computed it: the GPU, or the processor and its threads."""
    if "cpu" in environment.device.lower() or environment.device.lower() in ("x86_64", "arm", "aarch64", "i386"):
        return with_threads(environment.device, environment.threads)
    return environment.device


def run_pixels(run: Run) -> int:
    """Return the pixels of a clip of a run, of all its frames."""
    spec = run.card.clip
    sides = (spec.frames, spec.height, spec.width) if spec else _sides(run.clips)
    return max(sides[0] * sides[1] * sides[2], 1)


def _sides(clips: Sequence[ClipFacts]) -> tuple[int, int, int]:
    return (clips[0].frames, clips[0].height, clips[0].width) if clips else (16, 112, 112)


def _reference_clips(store: Store, jobs: Iterable[Job]) -> int:
    """Return how many reference clips a run had, as its evidence says; 0 where it has none."""
    for job in jobs:
        if job.analysis == "evidence":
            try:
                return read_part(store.file(store.record_file(job.key)), _Clips).outcome.answer.clips
            except StoreError:
                return 0
    return 0


@cache
def shipped() -> tuple[Observation, ...]:
    """Return the figures that come with reportgen; each names the machine that it was measured on."""
    text = files("reportgen.runner.costs").joinpath("shipped.json").read_text(encoding="utf-8")
    return TypeAdapter(tuple[Observation, ...]).validate_json(text)
