"""`compute` and `build` as one call each: everything that the command line does."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import JsonValue

from reportgen.analyses.base import Subject
from reportgen.config.options import BuildOptions
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.layers import describe_layers
from reportgen.networks.speed.reused_memory import reused_memory
from reportgen.progress import SILENT, Progress
from reportgen.records.files import check_writable
from reportgen.records.jobs import Done, content_key
from reportgen.records.manifest import Run
from reportgen.records.store import Store
from reportgen.runner.choosing import EVIDENCE, choose_kernels, clips_to_show
from reportgen.runner.contrasts import select_contrasts
from reportgen.runner.facts import ClipPictures, clip_facts, environment, stored_facts
from reportgen.runner.loading import Loader, card_of, weights_of
from reportgen.runner.places import Place, places_of
from reportgen.runner.plan import Plan, chosen_methods
from reportgen.runner.references import ReadClip, StoredClip, stored_clips
from reportgen.runner.run import Executor
from reportgen.runner.selection import Selection
from reportgen.runner.subject import class_logits, generate_clips, read_clips, select_classes, select_layers
from reportgen.runner.summary import ModelSummary, Summary, Tally
from reportgen.site import check_site, render
from reportgen.zoo.cards import default_zoo


def compute(
    options: BuildOptions, *, command: Sequence[str] = (), progress: Progress = SILENT, debug: bool = False
) -> Summary:
    """Compute the runs of all models of `options` into `options.runs`; what is there already is not computed again.

    `command` is recorded for the provenance page. With `debug` the first error ends the run with its traceback.
    Failed jobs do not raise: see `Summary.check`. Raises the errors of options, weights, clips and the store.
    """
    started = time.perf_counter()
    check_writable(options.runs)
    for sentence in options.without_effect():
        progress.note(sentence)
    summary = Summary()
    with reused_memory():
        load = Loader(options)
        with places_of(options.runs, load.asked(), progress) as places:
            selection = Selection(options.select, places)
            for place in selection.places:
                work = _Work(place, load, selection, options, command)
                summary.models.append(_compute_model(work, progress, debug=debug))
    summary.seconds = time.perf_counter() - started
    return summary


def build(
    options: BuildOptions, *, command: Sequence[str] = (), progress: Progress = SILENT, debug: bool = False
) -> Summary:
    """Compute the runs of all models and render them as one site; see `compute` and `reportgen.site.render`."""
    started = time.perf_counter()
    check_site([options.runs], options.site)
    check_writable(options.site)
    summary = compute(options, command=command, progress=progress, debug=debug)
    runs = [model.folder for model in summary.models]
    summary.site = render(runs, options.site, select=options.select, progress=progress)
    summary.seconds = time.perf_counter() - started
    return summary


@dataclass(frozen=True)
class _Work:
    """One network of a build: where its run lies, and what the build was told."""

    place: Place
    load: Loader
    selection: Selection
    options: BuildOptions
    command: Sequence[str]


def _compute_model(work: _Work, progress: Progress, *, debug: bool) -> ModelSummary:
    begun = time.perf_counter()
    place, options = work.place, work.options
    network = work.load.network(place.asked.model)
    store = Store(place.folder)
    pictures = ClipPictures(store, network.probabilities, progress)
    layers = {facts.name: facts for facts in describe_layers(network)}
    shown, reference, stored = _clips(network, options, progress)
    logits = class_logits(network, shown)
    subject = Subject(
        network=network,
        name=place.name,
        layers=layers,
        stages=select_layers(network, layers, options.layers),
        clips=tuple(read.clip for read in shown),
        reference=(*(read.clip for read in reference), *stored),
        classes=select_classes(network, shown, logits, options.classes) if network.has_classes else {},
        contrasts=select_contrasts(network, options.contrasts),
        objective=options.objective,
        seed=options.seed,
    )
    inputs = {**_inputs(network), "source": place.asked.source.sha256 or ""}
    kernels, evidence = choose_kernels(subject, options, store, inputs, progress, debug=debug)
    subject = replace(subject, kernels=kernels)
    chosen = chosen_methods(options)
    parameters = options.method_parameters()
    plan = Plan()
    for method in chosen:
        plan.add(method, subject, parameters[method.name], inputs)
    only = work.selection.keys(plan, reference=bool(stored))
    run = Run(
        model=place.name,
        title=place.asked.given,
        card=card_of(network),
        labels=network.labels,
        weights=weights_of(network),
        source=place.asked.source,
        layers=tuple(layers.values()),
        stages=subject.stages,
        clips=clip_facts(pictures, shown, reference, logits),
        options=_recorded(options),
        environment=environment(network, work.command),
        plan=plan.keys(),
        started=_now(),
    )
    store.write_run(run)
    place.release()
    result = ModelSummary(place.name, store.folder)
    progress.note(_announcement(place.name, plan.keys() if only is None else only, store))
    for record, now in Executor(subject, plan, store, parameters, progress, only=only, debug=debug).run():
        result.analyses.setdefault(record.job.analysis, Tally()).count(record, now or record == evidence)
        if record.job.analysis == EVIDENCE and stored:
            names = clips_to_show(record, subject.kernels)
            run = run.model_copy(update={"clips": (*run.clips, *stored_facts(pictures, stored, names, progress))})
            store.write_run(run)
    result.seconds = time.perf_counter() - begun
    store.write_run(run.model_copy(update={"finished": _now(), "seconds": round(result.seconds, 2)}))
    return result


def _clips(
    network: Network, options: BuildOptions, progress: Progress
) -> tuple[list[ReadClip], list[ReadClip], list[StoredClip]]:
    """Return the clips to show (the user's, else the generator's choice) and the reference clips.

    These are the ones of the folder that the user gave, still in their files, else those of the card's generator.
    """
    given = read_clips(network, options) if options.clips else []
    stored = stored_clips(network, options.reference, progress) if options.reference else []
    card = card_of(network)
    if card.generator is None:
        return given, [], stored
    folder = default_zoo(options.zoo).find(card.name).folder
    generated, reference = generate_clips(card, folder)
    return given or generated, [] if stored else reference, stored


def _inputs(network: Network) -> dict[str, str]:
    """Return the digests that every answer depends on."""
    card = card_of(network)
    asked = card.model_dump(mode="json", include={"architecture", "clip", "adapter", "classifier", "classes"})
    return {"model": card.name, "card": content_key(asked), "weights": weights_of(network).sha256}


def _recorded(options: BuildOptions) -> dict[str, JsonValue]:
    """Return the options for the record: paths of the machine as bare file names."""
    recorded: dict[str, JsonValue] = options.model_dump(mode="json", exclude={"runs", "site"})
    for name in ("weights", "labels"):
        value = getattr(options, name)
        recorded[name] = value.name if value else None
    recorded["models"] = [Path(model).name for model in options.models]
    recorded["zoo"] = [path.name for path in options.zoo]
    recorded["reference"] = options.reference.name if options.reference else None
    recorded["clips"] = [Path(clip).name for clip in options.clips]
    return recorded


def _announcement(name: str, keys: Collection[str], store: Store) -> str:
    there = sum(1 for key in keys if (record := store.record(key)) and isinstance(record.outcome, Done))
    text = f"{name}: {len(keys)} jobs"
    return f"{text}, {there} of them are there already" if there else text


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
