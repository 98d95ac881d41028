"""What an executor is: it does the jobs of a plan that have no answer yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from reportgen.analyses.base import Subject
from reportgen.progress import Progress
from reportgen.records.jobs import Record
from reportgen.records.store import Store
from reportgen.runner.plan import Plan


@dataclass(frozen=True)
class Work:
    """A plan, what its jobs ask about, and where their answers are kept.

    `only` are the keys of the jobs to do, None for all. With `debug` the first error ends the work with its traceback.
    """

    plan: Plan
    subject: Subject
    store: Store
    only: frozenset[str] | None = None
    debug: bool = False


class Executor(Protocol):
    """Does the work of a plan."""

    def execute(self, work: Work, progress: Progress) -> Iterator[tuple[Record, bool]]:
        """Yield the record of every job to do, and whether it was computed now; it is kept before it is yielded.

        An error of one chunk fails that chunk's open jobs and no others. Errors of the store (no space, no permission)
        and Ctrl-C end the work; what was finished is kept.
        """
        ...
