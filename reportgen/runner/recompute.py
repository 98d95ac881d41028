"""Computing some of a report's records again, with a network that the reader brings, and comparing the answers.

Which question a record answers is data: the report's options are read, checked, and stripped of all that names a file
or a program. Networks, weights, clips and arguments come from the reader alone; a card's name is looked up in the
reader's own zoo. The plan is made anew from these, and a record is computed again only where it asks the same.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from reportgen.analyses.base import Subject
from reportgen.analyses.registry import methods
from reportgen.config.options import BuildOptions
from reportgen.errors import VerificationError
from reportgen.networks.speed.precision import full_precision
from reportgen.networks.speed.reused_memory import reused_memory
from reportgen.progress import Progress
from reportgen.records.answers.choice import ChoiceAnswer
from reportgen.records.jobs import Done, Job, Record
from reportgen.records.manifest import Manifest, Run
from reportgen.records.store import Store
from reportgen.runner.choosing import CHOICE, PYRAMID
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.local import LocalExecutor
from reportgen.runner.layer_globs import LayerGlobs
from reportgen.runner.loading import Loader
from reportgen.runner.places import places_of
from reportgen.runner.plan import Plan, plan_jobs
from reportgen.runner.prepare import Prepared, prepare
from reportgen.runner.threads import planned_threads
from reportgen.wording import option, worded

FROM_THE_READER = ("weights", "weights_key", "model_args", "adapter", "labels", "zoo", "clips", "reference", "concepts")
"""Options that name files, or are handed to a program: never the report's."""

_NOT_OF_A_QUESTION = ("models", "names", "select", "device", "threads")
_OF_THE_FILE = ("source", "model")
_MOST_KINDS = 3
_THREADS_A_PROCESSOR = 4
"""A report may say any number of threads; more than so many would only take time."""


@dataclass(frozen=True)
class Candidate:
    """A record of a report that can be computed again here, and its job in the plan that was made here."""

    record: Record
    key: str


@dataclass(frozen=True)
class Bench:
    """A network of the reader's with the plan of one of the report's runs; `others` are records that are not in it."""

    run: Run
    prepared: Prepared
    plan: Plan
    subject: Subject
    options: BuildOptions
    candidates: tuple[Candidate, ...]
    others: str

    def needed(self, keys: Collection[str]) -> frozenset[str]:
        """Return jobs with those whose arrays they read, and so on."""
        needs = {job.key: job.needs for job in self.plan.jobs()}
        found: set[str] = set()
        waiting = list(keys)
        while waiting:
            if (key := waiting.pop()) not in found:
                found.add(key)
                waiting += needs.get(key, ())
        return frozenset(found)

    def seconds(self, keys: Collection[str]) -> float:
        """Return how many seconds these jobs took, as the report says; a chunk is computed up to its last."""
        spent = {one.key: one.record.spent.seconds for one in self.candidates}
        total = 0.0
        for part in self.plan.parts:
            for chunk in part.chunks().values():
                own = [planned.job.key for planned in chunk]
                last = max((place for place, key in enumerate(own) if key in keys), default=-1)
                total += sum(spent.get(key, 0.0) for key in own[: last + 1])
        return total

    @property
    def threads(self) -> int:
        """On how many threads records are computed: as many as the reader says, else as many as the report's were."""
        return _threads(self.run, self.options)

    def compute(self, keys: Collection[str], folder: Path, progress: Progress, threads: int) -> Store:
        """Compute jobs, and those that they need, on so many threads into the run `folder` names, and return it."""
        store = Store(folder)
        work = Work(self.plan, self.subject, store, self.needed(keys))
        with planned_threads(store, threads, progress):
            for _ in LocalExecutor().execute(work, progress):
                pass
        return store


@contextmanager
def bench(manifest: Manifest, options: BuildOptions, scratch: Path, progress: Progress) -> Iterator[Bench]:
    """Yield what is needed to compute a run's records again; `options` are the reader's, `scratch` an empty folder.

    Raises the errors of loading the network and its clips, and VerificationError when it is another network.
    """
    own = _options(manifest.run, options)
    with reused_memory(), full_precision():
        load = Loader(own)
        asked = load.asked()
        digest = manifest.run.weights.sha256  # an anonymous report withholds it
        if digest and asked[0].facts.weights != digest:
            raise VerificationError(f"the weights are {asked[0].facts.weights[:16]}, and the report's {digest[:16]}")
        with (
            places_of(scratch / "runs", asked, progress) as places,
            planned_threads(Store(scratch), _threads(manifest.run, own), progress),
        ):
            place = replace(places[0], name=manifest.run.model)
            prepared = prepare(place, load, own, LayerGlobs(own.layers, places).of(places[0]), progress)
            subject = _subject(prepared.subject, manifest)
            names = {record.job.analysis for record in manifest.records}
            chosen = [method for name, method in methods().items() if name in names]
            plan = plan_jobs(subject, chosen, own.method_parameters(), prepared.inputs)
            candidates, others = _matched(plan, manifest)
            yield Bench(manifest.run, prepared, plan, subject, own, candidates, others)


def _threads(run: Run, options: BuildOptions) -> int:
    return options.threads or max(1, min(run.environment.threads, _THREADS_A_PROCESSOR * (os.cpu_count() or 1)))


def _options(run: Run, options: BuildOptions) -> BuildOptions:
    """Return what a run was asked, with the reader's files, programs and device; raises VerificationError."""
    asked = {
        name: value
        for name, value in run.options.items()
        if name in BuildOptions.model_fields and name not in FROM_THE_READER + _NOT_OF_A_QUESTION
    }
    given = {name: getattr(options, name) for name in (*FROM_THE_READER, "device", "threads")}
    models = options.models if "models" in options.model_fields_set else (run.card.name,)
    try:
        return BuildOptions.model_validate({**asked, **given, "models": models})
    except ValidationError as error:
        raise VerificationError(f"its options are none of reportgen's ({error.errors()[0]['msg']})") from error


def _subject(subject: Subject, manifest: Manifest) -> Subject:
    """Return what the run is about, with the kernels that the report shows."""
    chosen: dict[str, tuple[int, ...]] = {}
    for record in manifest.of(CHOICE):
        if isinstance(record.outcome, Done):
            kernels = record.outcome.read(ChoiceAnswer).kernels
            chosen = {
                layer: tuple(index for index in indices if index < subject.layers[layer].kernels)
                for layer, indices in kernels.items()
                if layer in subject.stages
            }
    answered = {
        record.job.unit
        for record in manifest.of(PYRAMID)
        if isinstance(record.outcome, Done) and record.outcome.artifact("relevance", "data")
    }
    pyramids = tuple(record.job.unit for record in manifest.of(PYRAMID) if record.job.unit in answered)
    return replace(subject, kernels=chosen, pyramids=pyramids)


def _matched(plan: Plan, manifest: Manifest) -> tuple[tuple[Candidate, ...], str]:
    """Return the records that ask what the plan asks, and in words why the others do not."""
    planned = {(job.analysis, job.unit): job for job in plan.jobs()}
    found: list[Candidate] = []
    reasons: Counter[str] = Counter()
    for record in manifest.records:
        if not isinstance(record.outcome, Done):
            continue
        job = planned.get((record.job.analysis, record.job.unit))
        if job is None:
            reasons["ask about what is not given here"] += 1
        elif reason := _other_question(record.job, job, anonymous=manifest.run.anonymous):
            reasons[reason] += 1
        else:
            found.append(Candidate(record, job.key))
    clauses = [f"{count} {reason}" for reason, count in reasons.most_common(_MOST_KINDS)]
    return tuple(found), "; ".join(clauses)


def _other_question(theirs: Job, ours: Job, *, anonymous: bool) -> str:
    """Return why two jobs about one unit are two questions; empty where they are one.

    The file that defines the network may be another one: its weights are the same, and the answers are compared. Of an
    anonymous report only those digests are compared that it has.
    """
    if theirs.version != ours.version:
        return f"are of version {theirs.version} of {theirs.analysis}, which is {ours.version} here"
    names = sorted(theirs.inputs if anonymous else theirs.inputs.keys() | ours.inputs.keys())
    others = [name for name in names if theirs.inputs.get(name) != ours.inputs.get(name) and name not in _OF_THE_FILE]
    if "card" in others:
        return worded(
            f"are of another card: give the card or factory by {option('--model')}, and its {option('--model-args')} "
            f"and {option('--adapter')}"
        )
    if others:
        return worded(
            f"are of other clips ({others[0]}): give the same by {option('--clip')}, {option('--reference')} and "
            f"{option('--concept')}"
        )
    if theirs.parameters != ours.parameters or theirs.seed != ours.seed:
        return "have other parameters than the report's options say"
    return ""
