"""How far a campaign is, from the store alone: no scheduler is asked, and nothing is locked or written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, PrivateAttr

from reportgen.errors import StoreError
from reportgen.given import given_path
from reportgen.records.documents import read_part
from reportgen.records.finding import find_runs
from reportgen.records.plan import PlannedJob
from reportgen.records.store import Store
from reportgen.records.written import held_chunks, lists_in
from reportgen.uncollected import uncollected

_RECENT = 3600.0
_AT_ONCE = 2.0
"""So many jobs a worker may have been at: one ended in the time that is looked at and was begun before it."""


class _Header(BaseModel):
    """What is read of a record: its answer may be large."""

    class Outcome(BaseModel):
        """What came of the job."""

        status: Literal["done", "skipped", "failed"]

    class Spent(BaseModel):
        """What it took."""

        seconds: float = Field(ge=0, allow_inf_nan=False)
        finished: AwareDatetime | Literal[""]

    outcome: Outcome
    spent: Spent
    _kept: float = PrivateAttr(0.0)


class RunStatus(BaseModel):
    """One analysis of a run, or with the analysis ``all`` the whole run.

    `seconds` is what the finished jobs took, all workers together. `held` chunks have a worker, or had one that has not
    been found dead yet. `per_hour` are the jobs finished in the last hour of the run's work, None where there are none;
    `hours_left` is what the rest takes at that rate. Of a run whose plan cannot be read there is the whole alone,
    without a job, and `fault` says why.
    """

    model_config = ConfigDict(frozen=True)

    run: str
    analysis: str
    jobs: int
    done: int
    failed: int
    skipped: int
    left: int
    seconds: float
    held: int | None = None
    per_hour: float | None = None
    hours_left: float | None = None
    fault: str | None = None


def status(runs: str | Path = "runs") -> list[RunStatus]:
    """Return how far each run in `runs` is: its analyses in the plan's order, then the whole.

    A run that has just begun is among them, once there is a plan of what chooses its kernels. Raises StoreError when
    there are no runs, or none has a plan that can be read.
    """
    stores = find_runs(given_path(runs), begun=True)
    found: list[RunStatus] = []
    faults: list[StoreError] = []
    for store in stores:
        try:
            found.extend(_of_run(store))
        except StoreError as error:  # one folder that is damaged hides no other
            faults.append(error)
            found.append(_row(store.folder.name, "all", 0, []).model_copy(update={"fault": str(error)}))
    if len(faults) == len(stores):
        raise faults[0]
    return found


@uncollected()
def _of_run(store: Store) -> list[RunStatus]:
    files = store.record_files()
    planned: dict[str, list[PlannedJob]] = defaultdict(list)
    found: dict[str, list[_Header]] = defaultdict(list)
    for one in store.read_plan().jobs:
        planned[one.job.analysis].append(one)
        if (file := files.get(one.job.key)) and (header := _header(file)):
            found[one.job.analysis].append(header)
    rows = [_row(store.folder.name, name, len(jobs), found[name]) for name, jobs in planned.items()]
    everything = [header for headers in found.values() for header in headers]
    whole = _row(store.folder.name, "all", sum(map(len, planned.values())), everything)
    rate = _per_hour(everything, workers=len(lists_in(store.folder)))
    left = whole.left / rate if rate else None
    return [*rows, whole.model_copy(update={"held": held_chunks(store.folder), "per_hour": rate, "hours_left": left})]


def _header(file: Path) -> _Header | None:
    """Return what a record says; None where it is damaged or has just gone, and so to be computed again."""
    try:
        header = read_part(file, _Header)
        header._kept = file.stat().st_mtime
    except (StoreError, OSError):
        return None
    return header


def _row(run: str, analysis: str, jobs: int, found: list[_Header]) -> RunStatus:
    count = Counter(header.outcome.status for header in found)
    return RunStatus(
        run=run,
        analysis=analysis,
        jobs=jobs,
        done=count["done"],
        failed=count["failed"],
        skipped=count["skipped"],
        left=jobs - len(found),
        seconds=sum(header.spent.seconds for header in found),
    )


def _per_hour(found: Sequence[_Header], workers: int) -> float | None:
    """Return how many jobs were finished per hour, in the hour before the last one or since the first.

    When records were written is told by one clock, that of the disk or file server, while workers' clocks may be hours
    apart. Those of a run that was copied are written sooner than `workers` could have computed them: there the workers'
    clocks are asked.
    """
    kept = _recent((header._kept, header.spent.seconds) for header in found)
    if kept is not None and kept.busy <= _AT_ONCE * max(workers, 1):
        return kept.per_hour
    told = _recent((header.spent.finished.timestamp(), 0.0) for header in found if header.spent.finished)
    return told.per_hour if told else None


@dataclass(frozen=True)
class _Recent:
    """What was finished lately: jobs per hour, and how many workers were at them all the time."""

    per_hour: float
    busy: float


def _recent(ends: Iterable[tuple[float, float]]) -> _Recent | None:
    """Return what the last of some jobs tell, of which each has its end and its seconds; None for too few of them."""
    times = sorted(ends)
    if len(times) < 2 or times[-1][0] == times[0][0]:
        return None
    since = max(times[0][0], times[-1][0] - _RECENT)
    recent = [seconds for end, seconds in times if end >= since]
    length = times[-1][0] - since
    return _Recent(3600 * len(recent) / length, sum(min(seconds, length) for seconds in recent) / length)
