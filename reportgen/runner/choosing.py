"""Which kernels a run shows: what that is chosen by is planned and done first, and then the choice itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from reportgen.analyses.base import Subject
from reportgen.analyses.choice.analysis import choice, chooses_by_evidence, chooses_by_pyramids
from reportgen.analyses.method import Method
from reportgen.analyses.parameters import Parameters
from reportgen.analyses.registry import methods
from reportgen.config.options import BuildOptions
from reportgen.errors import StoreError
from reportgen.progress import Progress
from reportgen.records.answers.choice import ChoiceAnswer
from reportgen.records.jobs import Done, Record
from reportgen.records.plan import RunPlan
from reportgen.records.store import Store
from reportgen.runner.evidence_clips import EVIDENCE
from reportgen.runner.executors.base import Executor, Work
from reportgen.runner.plan import Plan, chosen_methods, plan_jobs
from reportgen.runner.prepare import Prepared

CHOICE = "choice"
PYRAMID = "pyramid"


@dataclass(frozen=True)
class Chosen:
    """A subject with the kernels that it shows, the methods of its run, and the keys of the jobs done for it now."""

    subject: Subject
    methods: list[Method[Any]]
    now: frozenset[str] = frozenset()


def planned_run(
    prepared: Prepared,
    options: BuildOptions,
    store: Store,
    executor: Executor,
    progress: Progress,
    *,
    debug: bool = False,
    check: Callable[[Plan], None] = lambda _plan: None,
    writes: bool = True,
) -> tuple[Chosen, Plan]:
    """Return what a run by these options shows, and the plan of all its jobs; see `choose_kernels`."""
    parameters = options.method_parameters()
    chosen = choose_kernels(
        prepared.subject,
        chosen_methods(options.analyses, options.preset),
        parameters,
        prepared.inputs,
        store,
        executor,
        progress,
        debug=debug,
        check=check,
        writes=writes,
    )
    return chosen, plan_jobs(chosen.subject, chosen.methods, parameters, prepared.inputs)


def choose_kernels(
    subject: Subject,
    wanted: Sequence[Method[Any]],
    parameters: Mapping[str, Parameters],
    inputs: Mapping[str, str],
    store: Store,
    executor: Executor,
    progress: Progress,
    *,
    debug: bool,
    check: Callable[[Plan], None],
    writes: bool,
) -> Chosen:
    """Choose the kernels to show, by the evidence and the pyramids where these decide.

    `check` sees each plan before any of its jobs is done, and may raise. Pyramids are computed for the choice only
    where the run has them anyway (`wanted`); one that is skipped or fails has no part in it. Unless it `writes`, the
    store is left as it is.
    """
    if all(method.name != CHOICE for method in wanted):
        return Chosen(subject, list(wanted))
    before = methods_before_choice(subject, wanted)
    first = plan_jobs(subject, before, parameters, inputs)
    check(first)
    if writes:
        _fix_threads(store, first)
    done = list(executor.execute(Work(first, subject, store, debug=debug), progress))
    subject = replace(subject, pyramids=_with_relevance(first, [record for record, _ in done]))
    last = plan_jobs(subject, [*before, *chosen_methods([CHOICE])], parameters, inputs)
    check(last)
    own = frozenset(job.key for job in last.jobs() if job.analysis == CHOICE)
    chosen = list(executor.execute(Work(last, subject, store, own, debug), progress))
    now = frozenset(record.key for record, computed in [*done, *chosen] if computed)
    subject = replace(subject, kernels=_kernels(subject, [record for record, _ in chosen]))
    own_methods = [*before, *chosen_methods([CHOICE])]
    return Chosen(subject, [one for one in methods().values() if one in wanted or one in own_methods], now)


def methods_before_choice(subject: Subject, wanted: Sequence[Method[Any]]) -> list[Method[Any]]:
    """Return the methods whose answers choose the kernels; none where these are not chosen in this run."""
    names = [EVIDENCE] if chooses_by_evidence(subject) else []
    names += [PYRAMID] if chooses_by_pyramids(subject) and any(one.name == PYRAMID for one in wanted) else []
    return chosen_methods(names) if names and any(one.name == CHOICE for one in wanted) else []


def _with_relevance(plan: Plan, records: Sequence[Record]) -> tuple[str, ...]:
    """Return the units of the pyramids that were answered, in the order of the plan."""
    answered = {
        record.key
        for record in records
        if isinstance(record.outcome, Done) and record.outcome.artifact("relevance", "data")
    }
    return tuple(job.unit for job in plan.jobs() if job.analysis == PYRAMID and job.key in answered)


def _fix_threads(store: Store, first: Plan) -> None:
    """Write down, before the `first` jobs are done, with how many threads the run is computed.

    The whole plan is known only after them, and that of the last build is still wanted where this one is stopped.
    """
    threads = torch.get_num_threads()
    try:
        last: RunPlan | None = store.read_plan()
    except StoreError:
        last = None
    if last is None or last.threads != threads:  # several workers may be at it: nothing is written twice
        store.write_plan((last or first.stored(threads)).model_copy(update={"threads": threads}))


def _kernels(subject: Subject, records: Sequence[Record]) -> Mapping[str, tuple[int, ...]]:
    """Return the chosen kernels; evenly spaced ones where the evidence that was to decide has failed."""
    for record in records:
        if record.job.analysis == CHOICE and isinstance(record.outcome, Done):
            return record.outcome.read(ChoiceAnswer).kernels
    return choice(subject).kernels
