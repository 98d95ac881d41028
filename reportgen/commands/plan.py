"""What runs will cost, before anything is computed and in the middle of it; nothing is written or waited for."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase

from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError, speaking, unknown_name
from reportgen.given import given_as
from reportgen.networks.speed.precision import full_precision
from reportgen.progress import SILENT, Progress, observer
from reportgen.reading.format import bytes_size
from reportgen.records.finding import runs_below
from reportgen.records.store import Store
from reportgen.runner.choosing import methods_before_choice, planned_run
from reportgen.runner.costs.forecast import PlanFacts, PlanForecast, plan_costs, plan_ends
from reportgen.runner.costs.model import CostModel, cost_model
from reportgen.runner.costs.observed import Observation, observations, record_headers, shipped
from reportgen.runner.executors.local import RecordedExecutor
from reportgen.runner.layer_globs import LayerGlobs
from reportgen.runner.loading import Loader
from reportgen.runner.machine import machine_of, threads_of
from reportgen.runner.places import Place, foreseen_places
from reportgen.runner.plan import chosen_methods
from reportgen.runner.prepare import Prepared, prepare
from reportgen.runner.selection import BuildSelection
from reportgen.runner.site_size import SHELL, clip_pixels, run_bytes
from reportgen.runner.threads import planned_threads
from reportgen.wording import BUILD_OPTIONS, option, worded


@speaking(BUILD_OPTIONS)
def plan(
    options: BuildOptions,
    *,
    machine: str | None = None,
    times: float | None = None,
    progress: Progress | bool = SILENT,
) -> list[PlanForecast]:
    """Return for each network of `options` how many jobs its run has and what those that are left will cost: hours,
    bytes, and the expected end for one process, for `options.workers` here and for as many of a cluster.

    Costs come from a model that is fitted to the records of all runs in `options.runs`, with a cross-validated error;
    what these have no record of, from figures that come with reportgen, and that is said. `machine` is the kind of
    machine that the workers are, by the name that records have, or a pattern (``*H100*``); None for this one. A kind
    without records is "not known" unless `times` says how many times as fast it is as the machine of the figures.

    Networks and clips are loaded, and each shown clip goes once through its network, as before every build; nothing
    else is computed and nothing is written. Raises the errors of `compute` about options, weights and clips.
    """
    if times is not None and not times > 0:
        raise OptionError(f"{option('--times', times)}: it must be above 0.")
    given_as(options, BuildOptions, "What is asked of a build")
    progress = observer(progress)
    stores = runs_below(options.runs)
    observed = [one for store in stores for one in observations(store)]
    found = []
    with full_precision():
        load = Loader(options)
        places = foreseen_places(options.runs, load.asked(), progress)
        selection, layers = BuildSelection(options.select, places), LayerGlobs(options.layers, places)
        for place in selection.places:
            with planned_threads(Store(place.folder), options.threads, progress, sharers=options.sharers):
                prepared = prepare(place, load, options, layers.of(place), progress)
                found.append(_forecast(place, prepared, selection, options, observed, machine, times))
    return found


def _forecast(
    place: Place,
    prepared: Prepared,
    selection: BuildSelection,
    options: BuildOptions,
    observed: Sequence[Observation],
    asked: str | None,
    times: float | None,
) -> PlanForecast:
    here = machine_of(prepared.network.device)
    machine = here if asked is None else _known_machine(asked, [*observed, *shipped()], declared=times is not None)
    facts = _facts(place, prepared, selection, options)
    model = cost_model(machine, observed, shipped(), is_here=machine == here, times=times)
    now = datetime.now().astimezone()
    return PlanForecast(
        run=place.name,
        machine=machine,
        costs=plan_costs(facts, model, machine),
        ends=plan_ends(facts, model, machine, _executors(options, machine, is_here=machine == here), now),
        notes=tuple(map(worded, _notes(facts, model, machine, here))),
    )


def _facts(place: Place, prepared: Prepared, selection: BuildSelection, options: BuildOptions) -> PlanFacts:
    store = Store(place.folder)
    chosen, jobs = planned_run(prepared, options, store, RecordedExecutor(), SILENT, writes=False)
    only = selection.keys(jobs, reference=bool(chosen.subject.reference))
    known = record_headers(store, jobs.keys())
    wanted = chosen_methods(options.analyses, options.preset)
    return PlanFacts(
        run=place.name,
        plan=jobs,
        layers=prepared.subject.layers,
        clips=len(prepared.subject.every_clip),
        pixels=clip_pixels(prepared.subject),
        site=SHELL + run_bytes(jobs, chosen.subject, only),
        done={key for key, header in known.items() if header.outcome.status == "done"},
        only=only,
        alone=tuple(method.name for method in methods_before_choice(prepared.subject, wanted)),
    )


def _known_machine(asked: str, observed: Sequence[Observation], *, declared: bool) -> str:
    """Return the machine of that name or pattern; with a `declared` speed it may be one without records."""
    names = sorted({one.machine for one in observed})
    found = [name for name in names if name == asked or fnmatchcase(name.lower(), asked.lower())]
    if len(found) == 1:
        return found[0]
    if found:
        raise OptionError(f"{option('--machine', asked)} is each of {', '.join(found)}: name one.")
    if declared or not any(sign in asked for sign in "*?["):
        return asked
    raise unknown_name("machine", asked, names)


def _executors(options: BuildOptions, machine: str, *, is_here: bool) -> list[tuple[str, int, float]]:
    """Return the executors that an end is told for: name, workers, and how many are at work at full speed."""
    workers = options.workers
    cluster = ("slurm", workers, math.inf)
    if not is_here:
        return [cluster]
    found = [("local", 1, math.inf)]
    if workers > 1:
        processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        at_once = options.gpus or processors / (threads_of(machine) or 1)
        found.append(("local", workers, max(1.0, at_once)))
        found.append(cluster)
    return found


def _notes(facts: PlanFacts, model: CostModel, machine: str, here: str) -> list[str]:
    """Return what whoever reads the figures must know, in sentences."""
    notes = [f"The site will have about {bytes_size(facts.site)}."]
    if not model.own and model.factor is None:
        notes.append(
            f"No record of {machine} is there, and its speed is not known: {option('--times', form='N')} says that it "
            "is N times as fast as the machine of the records."
        )
    elif not model.own:
        notes.append(f"No record of {machine} is there: the error of these hours is not known.")
    if alone := [part.method.name for part in facts.plan.parts if part.units and part.method.name in facts.alone]:
        first = " and ".join(alone)
        notes.append(f"What chooses the kernels ({first}) comes first, and is computed by one process.")
    if machine != here:
        notes.append("Waiting in a cluster's queue is not part of the end.")
    return notes
