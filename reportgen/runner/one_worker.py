"""One worker of a run that has a plan: it computes what it can claim, and writes nothing but records."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError, StoreError
from reportgen.networks.core.defaults import usual_defaults
from reportgen.networks.speed.precision import full_precision
from reportgen.networks.speed.reused_memory import reused_memory
from reportgen.progress import Progress
from reportgen.records.jobs import Job, content_key
from reportgen.records.store import Store
from reportgen.runner.choosing import planned_run
from reportgen.runner.executors.base import Executor, Work
from reportgen.runner.executors.claiming import worker_name
from reportgen.runner.layer_globs import LayerGlobs
from reportgen.runner.loading import Loader
from reportgen.runner.places import NetworkFacts, Place
from reportgen.runner.plan import Plan
from reportgen.runner.prepare import prepare
from reportgen.runner.selection import BuildSelection
from reportgen.runner.summary import ModelSummary, Tally
from reportgen.runner.threads import planned_threads
from reportgen.wording import command, option


def work_at(
    run: Path, options: BuildOptions, executor: Executor, progress: Progress, *, kept: Callable[[], None] = lambda: None
) -> ModelSummary:
    """Compute beside other workers what a run's plan still lacks, and return what this one did.

    Everything that is loaded comes from `options`: the plan is data, and what it says must be what they ask for.
    `kept` is called after each record that this worker keeps. Raises StoreError where there is no run or no plan,
    OptionError where `options` are of another network or ask for other jobs.
    """
    store = Store(run, writer=content_key(worker_name())[:8])
    _check_planned(store, options)
    with usual_defaults(), reused_memory(), full_precision(), planned_threads(store, options.threads, progress):
        load = Loader(options)
        asked = load.asked()[0]
        planned = NetworkFacts.of(store.read_run())
        differs = asked.facts.model_copy(update={"name": planned.name}).differs(planned)
        if differs:
            raise OptionError(f"{run} was planned for another network than these flags name: {differs}.")
        place = Place(asked, planned.name, run)
        prepared = prepare(place, load, options, LayerGlobs(options.layers, [place]).of(place), progress)
        check = partial(_check_part, store)
        chosen, plan = planned_run(prepared, options, store, executor, progress, check=check, writes=False)
        _check_part(store, plan)
        _check_whole(store, plan)
        only = BuildSelection(options.select, [place]).keys(plan, reference=bool(chosen.subject.reference))
        result = ModelSummary(run.name, run)
        for record, computed in executor.execute(Work(plan, chosen.subject, store, only), progress):
            result.analyses.setdefault(record.job.analysis, Tally()).count(record, computed or record.key in chosen.now)
            if computed:
                kept()
    return result


def _check_planned(store: Store, options: BuildOptions) -> None:
    """Raise StoreError where there is no planned run, OptionError where the options cannot be those of its plan."""
    if not (store.has_run() and store.has_plan()):
        where = "is not planned yet" if store.has_plan() else "holds no run"
        raise StoreError(
            f"{store.folder} {where}: {command('compute')} plans a run and says in which folder, such as runs/i3d; "
            "workers may start as soon as it tells the number of jobs."
        )
    if len(options.models) > 1:
        raise OptionError(f"A worker is at one run, and so at one network: give {option('--model')} once.")
    planned = store.read_plan().threads
    if options.threads not in (None, planned):
        raise OptionError(
            f"{store.folder} was planned with {planned} thread{'s' * (planned != 1)}, and another number rounds "
            f"otherwise: leave {option('--threads', options.threads)} out."
        )


_ADVICE = "give the flags that it was planned with, and the same clips."


def _check_part(store: Store, plan: Plan) -> None:
    """Raise OptionError where the options ask for jobs that the stored plan has not."""
    planned = [one.job for one in store.read_plan().jobs]
    stored = {job.key for job in planned}
    other = [job for job in plan.jobs() if job.key not in stored]
    if other:
        alike = next((job for job in planned if (job.analysis, job.unit) == (other[0].analysis, other[0].unit)), None)
        raise OptionError(
            f"{store.folder} was planned without {_jobs(len(other))} that these options ask for, such as "
            f"{other[0].analysis} of {other[0].unit}{_difference(other[0], alike)}: {_ADVICE}"
        )


def _jobs(count: int) -> str:
    return f"{count:,} job{'s' * (count != 1)}"


def _difference(job: Job, planned: Job | None) -> str:
    """Return what tells a job from the one of the plan about the same, as a clause behind it."""
    if planned is None:
        return ""
    if job.version != planned.version:
        return f" (by another version of reportgen: its {job.analysis} is {planned.version}, this one's {job.version})"
    names = sorted({**job.parameters, **planned.parameters})
    own = [name for name in names if job.parameters.get(name) != planned.parameters.get(name)]
    if own:
        return f" (planned with another value of {', '.join(own)})"
    names = [name for name in sorted(job.inputs) if job.inputs[name] != planned.inputs.get(name)]
    return f" (planned for another {', '.join(names)})" if names else ""


def _check_whole(store: Store, plan: Plan) -> None:
    """Raise OptionError where the options leave out jobs of the stored plan."""
    left_out = {planned.job.key for planned in store.read_plan().jobs}.difference(plan.keys())
    if left_out:
        raise OptionError(
            f"{store.folder} was planned with {_jobs(len(left_out))} that these options leave out: {_ADVICE}"
        )
