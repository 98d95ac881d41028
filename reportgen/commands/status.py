"""How far a campaign is, from the store alone: no scheduler is asked, and nothing is locked or written."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from reportgen.errors import StoreError
from reportgen.given import given_path
from reportgen.records.documents import read_part
from reportgen.records.finding import find_runs
from reportgen.records.plan import PlannedJob
from reportgen.records.store import Store
from reportgen.records.written import held_chunks
from reportgen.uncollected import uncollected

_RECENT = timedelta(hours=1)


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
    rate = _per_hour(header.spent.finished for header in everything)
    left = whole.left / rate if rate else None
    return [*rows, whole.model_copy(update={"held": held_chunks(store.folder), "per_hour": rate, "hours_left": left})]


def _header(file: Path) -> _Header | None:
    """Return what a record says; None where it is damaged or has just gone, and so to be computed again."""
    try:
        return read_part(file, _Header)
    except StoreError:
        return None


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


def _per_hour(finished: Iterable[datetime | Literal[""]]) -> float | None:
    """Return how many jobs were finished per hour, in the hour before the last one or since the first."""
    times = sorted(time for time in finished if time)
    if len(times) < 2 or times[-1] == times[0]:
        return None
    recent = [time for time in times if times[-1] - time <= _RECENT]
    since = max(times[0], times[-1] - _RECENT)
    return len(recent) / ((times[-1] - since).total_seconds() / 3600)
