"""Turning what came of a job into its record and files."""

from __future__ import annotations

import resource
import sys
from datetime import UTC, datetime

import torch

from reportgen.errors import MEMORY_RAN_OUT, OutOfMemoryError, ReportgenError, for_pages
from reportgen.media import write_figure
from reportgen.networks.core.out_of_memory import is_out_of_memory
from reportgen.records.figures import Result
from reportgen.records.identities import slug
from reportgen.records.jobs import Artifact, Done, Failed, FailedAttempt, Job, Outcome, Record, Spent
from reportgen.records.layout import media_folder
from reportgen.records.store import Store
from reportgen.runner.machine import machine_of


def keep(store: Store, job: Job, outcome: Outcome, seconds: float, device: torch.device) -> Record:
    """Write and return the record of a job."""
    record = Record(
        job=job,
        outcome=outcome,
        spent=Spent(
            seconds=round(seconds, 3),
            finished=datetime.now(UTC).isoformat(timespec="seconds"),
            peak_memory=peak_memory(device) if isinstance(outcome, Done) else None,
            machine=machine_of(device),
        ),
    )
    store.add(record)
    return record


def write_result(store: Store, job: Job, result: Result) -> Done:
    """Write the figures of an answer as artifacts, and return the answer that names them."""
    folder = media_folder(job.analysis, job.key)
    artifacts: list[Artifact] = []
    for role, figure in result.figures.items():
        artifacts.extend(write_figure(store, folder, slug(role), figure))
    return Done(artifacts=tuple(artifacts), answer=result.answer.model_dump(mode="json"), notes=tuple(result.notes))


def failure(error: Exception, attempts: tuple[FailedAttempt, ...] = ()) -> Failed:
    """Return what a reader is told of an error, the last of these attempts' ones."""
    return Failed(message=error_sentence(error), error=type(error).__name__, attempts=attempts)


def peak_memory(device: torch.device) -> int:
    """Return the largest memory held so far in bytes: the device's on CUDA, else the process's resident set."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def error_sentence(error: Exception) -> str:
    """Return one sentence about an error."""
    if isinstance(error, ReportgenError):
        return for_pages(error)
    if is_out_of_memory(error):
        return str(OutOfMemoryError(MEMORY_RAN_OUT))
    if isinstance(error, RuntimeError) and "modified by an inplace operation" in str(error):
        return (
            "The network overwrites in place what its own gradient needs, as x += y does to the output of a ReLU: "
            "write x = x + y there."
        )
    if isinstance(error, RuntimeError) and "does not require grad" in str(error):
        return (
            "The network's answer has no gradient with respect to its clip: it detaches it, or computes outside of "
            "torch (numpy)."
        )
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__
