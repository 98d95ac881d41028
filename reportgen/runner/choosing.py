"""What the pass over the reference clips decides: which kernels are shown, and which clips need a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reportgen.analyses.base import Arrays, Subject
from reportgen.analyses.registry import find_method
from reportgen.config.options import BuildOptions
from reportgen.media import read_data
from reportgen.progress import Progress
from reportgen.records.answers.evidence import EvidenceAnswer
from reportgen.records.jobs import Done, Record
from reportgen.records.store import Store
from reportgen.runner.plan import Plan
from reportgen.runner.run import Executor
from reportgen.runner.subject import select_kernels

EVIDENCE = "evidence"

LEAST_CHOICE = 2
"""Fewer clips tell no kernels apart."""


def choose_kernels(
    subject: Subject,
    options: BuildOptions,
    store: Store,
    inputs: Mapping[str, str],
    progress: Progress,
    *,
    debug: bool = False,
) -> tuple[dict[str, tuple[int, ...]], Record | None]:
    """Return the kernels to show of each layer, and the record of the evidence when it was computed for that now.

    Where the kernels that tell clips apart best are wanted, the pass over the reference clips comes first: its
    record is kept, so that the evidence of the report, and the next build, need no second pass. When it fails the
    kernels are evenly spaced ones, and the report shows the reason.
    """
    selection = options.kernel_selection()
    scores: Arrays | None = None
    computed: Record | None = None
    if options.choose == "selective" and selection.count is not None and not selection.listed:
        parameters = options.method_parameters()
        plan = Plan()
        plan.add(find_method(EVIDENCE), subject, parameters[EVIDENCE], inputs)
        for record, now in Executor(subject, plan, store, parameters, progress, debug=debug).run():
            computed = record if now else None
            scores = _selectivity(store, record)
    return select_kernels(subject.layers, subject.stages, selection, options.choose, scores), computed


def _selectivity(store: Store, record: Record) -> Arrays | None:
    """Return each layer's scores, or None with fewer than two clips, which tell nothing apart."""
    done = record.outcome if isinstance(record.outcome, Done) else None
    artifact = done.artifact("selectivity", "data") if done else None
    if done is None or artifact is None or done.read(EvidenceAnswer).clips < LEAST_CHOICE:
        return None
    return read_data(store.path(artifact))


def clips_to_show(record: Record, kernels: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the names of the clips that stand beside the shown kernels, by the record of the evidence."""
    if not isinstance(record.outcome, Done):
        return []
    answer = record.outcome.read(EvidenceAnswer)
    return list(dict.fromkeys(answer.names[place] for place in _places(answer, kernels)))


def _places(answer: EvidenceAnswer, kernels: Mapping[str, Sequence[int]]) -> Iterator[int]:
    for name, chosen in kernels.items():
        layer = answer.layers.get(name)
        for kind in (layer.most, layer.least, layer.drawn) if layer else ():
            for kernel in chosen:
                yield from (example[0] for example in kind[kernel])
