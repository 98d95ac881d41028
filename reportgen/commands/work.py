"""Working at a planned run beside other workers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reportgen.config.options import BuildOptions
from reportgen.errors import speaking
from reportgen.given import given_as, given_path
from reportgen.progress import SILENT, Progress, observer
from reportgen.runner.executors.claiming import ClaimingExecutor
from reportgen.runner.one_worker import work_at
from reportgen.wording import BUILD_OPTIONS


@dataclass(frozen=True)
class WorkDone:
    """What one worker did: `computed` jobs, and those that `failed`, whoever tried them."""

    computed: int
    failed: int


@speaking(BUILD_OPTIONS)
def work(run: str | Path, options: BuildOptions, *, progress: Progress | bool = SILENT) -> WorkDone:
    """Compute what the run's plan lacks, beside other workers that share its folder; return when all is done.

    `run` is the folder of a run that `compute` has planned. The plan is data: the network, its weights and the clips
    come from `options`, which must ask for the planned jobs. Raises StoreError where there is no planned run,
    OptionError where the options are of another network or ask for other jobs, and the errors of `compute`.
    """
    found = work_at(
        given_path(run),
        given_as(options, BuildOptions, "What is asked of a build"),
        ClaimingExecutor(),
        observer(progress),
    )
    return WorkDone(sum(tally.computed for tally in found.analyses.values()), found.failed)
