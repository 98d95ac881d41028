"""The run of one network: what it shows is chosen, all is planned and done, and the header is kept up to date."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch
from pydantic import JsonValue

from reportgen.clips import ClipReference
from reportgen.config.options import BuildOptions
from reportgen.progress import Progress
from reportgen.records.jobs import Done, Record
from reportgen.records.manifest import Run
from reportgen.records.store import Store
from reportgen.runner.choosing import planned_run
from reportgen.runner.concepts import CONCEPTS, concept_clips, names_to_show
from reportgen.runner.evidence_clips import EVIDENCE, clips_to_preview, clips_to_show
from reportgen.runner.executors.base import Executor, Work
from reportgen.runner.executors.local import LocalExecutor
from reportgen.runner.executors.processes import ProcessesExecutor
from reportgen.runner.executors.slurm import SlurmExecutor
from reportgen.runner.facts import ClipPictures, environment, shown_facts, stored_facts
from reportgen.runner.loading import card_of, weights_of
from reportgen.runner.plan import Plan
from reportgen.runner.prepare import Prepared
from reportgen.runner.selection import BuildSelection
from reportgen.runner.site_size import run_bytes, tell_size
from reportgen.runner.summary import ModelSummary, Tally
from reportgen.zoo.load import what_was_found

_OF_THE_SITE = {"runs", "site", "arrows", "media", "max_size", "workers", "gpus", "executor", "slurm"}
"""Options that say nothing of the run."""


def compute_run(
    prepared: Prepared,
    selection: BuildSelection,
    options: BuildOptions,
    command: Sequence[str],
    progress: Progress,
    *,
    beside: int = 0,
    debug: bool,
) -> ModelSummary:
    """Plan and do the work of one network: first which kernels are shown, then everything.

    The site that the run becomes a part of will have `beside` bytes without it.
    """
    begun, started = time.perf_counter(), _now()
    store = Store(prepared.place.folder)
    store.check_not_newer()
    pictures = ClipPictures(store, prepared.network, progress)
    chosen, plan = planned_run(prepared, options, store, LocalExecutor(), progress, debug=debug)
    subject, now = chosen.subject, chosen.now
    only = selection.keys(plan, reference=bool(subject.reference))
    run = _header(prepared, plan, pictures, options, command, started)
    store.write_plan(plan.stored(torch.get_num_threads()))
    store.write_run(run)
    prepared.place.release()
    result = ModelSummary(prepared.place.name, store.folder, site_bytes=run_bytes(plan, subject, only))
    for note in what_was_found(prepared.network):
        progress.note(f"{prepared.place.name}: {note}")
    shown = _ShownClips(store, pictures, prepared, subject.kernels, progress)
    for kept in (store.record(job.key) for job in plan.jobs() if only is not None and job.analysis == CONCEPTS):
        run = shown.added(run, kept) if kept else run  # what is not selected keeps its pictures
    progress.note(_announcement(prepared.place.name, plan.keys() if only is None else only, store, now))
    tell_size(beside, result.site_bytes, options, progress)
    executor = _executor(options, prepared.place.asked.model)
    for record, computed in executor.execute(Work(plan, subject, store, only, debug), progress):
        result.analyses.setdefault(record.job.analysis, Tally()).count(record, computed or record.key in now)
        run = shown.added(run, record)
    result.seconds = time.perf_counter() - begun
    store.write_run(run.model_copy(update={"finished": _now(), "seconds": round(result.seconds, 2)}))
    return result


def _executor(options: BuildOptions, asked: str) -> Executor:
    """Return who does the work: this process, others here, or jobs of a cluster; each works at this network alone."""
    if options.executor == "local" and options.workers == 1:
        return LocalExecutor()
    place = options.models.index(asked)
    own = {"models": (asked,), "names": options.names[place : place + 1], "workers": 1, "gpus": None}
    data = options.model_copy(update={**own, "executor": "local"}).model_dump(mode="json")
    if options.executor == "slurm":
        threads = torch.get_num_threads()
        return SlurmExecutor(options.workers, data, options.slurm, threads, gpu=options.gpus is not None)
    return ProcessesExecutor(options.workers, data, range(options.gpus or 0))


@dataclass(frozen=True)
class _ShownClips:
    """The clips of references and concepts that answers show: each gets pictures, and a place in the run's header."""

    store: Store
    pictures: ClipPictures
    prepared: Prepared
    kernels: Mapping[str, tuple[int, ...]]
    progress: Progress

    def added(self, run: Run, record: Record) -> Run:
        """Return the header with the clips that an answer shows, written anew where it did not have them all."""
        for names, clips, preview in self._shown_by(record):
            missing = set(names) - {facts.name for facts in run.clips}
            if missing:
                found = stored_facts(self.pictures, clips, missing, self.progress, preview=preview)
                run = run.model_copy(update={"clips": (*run.clips, *found)})
                self.store.write_run(run)
        return run

    def _shown_by(self, record: Record) -> Iterator[tuple[Sequence[str], Sequence[ClipReference], bool]]:
        """Yield the names of clips that an answer shows, what they are among, and whether small pictures are enough."""
        subject = self.prepared.subject
        if record.job.analysis == EVIDENCE and subject.reference:
            yield clips_to_show(record, self.kernels), subject.reference, False
            yield clips_to_preview(record, self.kernels), subject.reference, True
        if record.job.analysis == CONCEPTS:
            yield names_to_show(record), concept_clips(subject.concepts, subject.reference), True


def _header(
    prepared: Prepared,
    plan: Plan,
    pictures: ClipPictures,
    options: BuildOptions,
    command: Sequence[str],
    started: str,
) -> Run:
    network, place, subject = prepared.network, prepared.place, prepared.subject
    return Run(
        model=place.name,
        title=place.asked.given,
        card=card_of(network),
        labels=network.labels,
        weights=weights_of(network),
        source=place.asked.source,
        layers=tuple(subject.layers.values()),
        stages=subject.stages,
        clips=shown_facts(pictures, prepared.shown, prepared.logits),
        options=_recorded(options),
        environment=environment(network, command),
        plan=plan.keys(),
        started=started,
    )


def _recorded(options: BuildOptions) -> dict[str, JsonValue]:
    """Return the options for the record, but for those of the site: paths of the machine as bare file names."""
    recorded: dict[str, JsonValue] = options.model_dump(mode="json", exclude=_OF_THE_SITE)
    for name in ("weights", "labels"):
        value = getattr(options, name)
        recorded[name] = value.name if value else None
    recorded["models"] = [Path(model).name for model in options.models]
    recorded["zoo"] = [path.name for path in options.zoo]
    recorded["reference"] = options.reference.name if options.reference else None
    recorded["concepts"] = [f"{name}={path.name}" for name, path in options.concept_folders()]
    recorded["parameters"] = {
        table: {name: value for name, value in values.items() if (table, name) != (CONCEPTS, "folders")}
        for table, values in options.parameters.items()
    }
    recorded["clips"] = [Path(clip).name for clip in options.clips]
    return recorded


def _announcement(name: str, keys: Collection[str], store: Store, now: Collection[str]) -> str:
    kept = (key for key in keys if key not in now)
    there = sum(1 for key in kept if (record := store.record(key)) and isinstance(record.outcome, Done))
    text = f"{name}: {len(keys)} jobs"
    return f"{text}, {there} of them are there already" if there else text


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
