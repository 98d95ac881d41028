"""The plan of a run: every job with the chunk in which it is computed, written before anything is computed."""

from __future__ import annotations

from pydantic import Field

from reportgen.records.base import Document, Frozen
from reportgen.records.jobs import Job

MOST_THREADS = 1024


class PlannedJob(Frozen):
    """A job; `chunk` are the jobs that are computed together."""

    job: Job
    chunk: str
    inapplicable: str | None = Field(None, description="Why the question does not apply; such a job is not computed.")


class RunPlan(Document):
    """All jobs of a run, in the order in which they are computed: what a job needs comes before it."""

    jobs: tuple[PlannedJob, ...]
    threads: int = Field(ge=1, le=MOST_THREADS, description="Of the processor: whoever goes on takes as many.")
