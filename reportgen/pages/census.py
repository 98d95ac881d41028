"""What is known of every kernel of a layer, visualised or not: what tables, catalogue and finder list."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from reportgen.audit.concepts import concepts_of
from reportgen.audit.silence import near_silent
from reportgen.audit.words_said import word_is_said
from reportgen.pages.report import ModelView
from reportgen.reading.format import fixed
from reportgen.reading.probes import KernelProbes, kernel_probes
from reportgen.reading.shown_words import ShownWord


@dataclass(frozen=True)
class MeasuredKernel:
    """Any kernel of a layer, shown or not, as the reference clips find it; `silent` where they barely drive it.

    `best` is its largest response to a reference clip, `of_median` that as a multiple of the layer's median. `word` is
    the label that drives it, where one is said to, `twins` the kernels that answer as it does. `kept`: in some pyramid.
    """

    index: int
    uri: str
    best: float | None
    of_median: float | None
    word: ShownWord | None
    concepts: tuple[str, ...]
    dead: bool
    twins: tuple[int, ...]
    silent: bool
    visualised: bool
    kept: bool
    probes: KernelProbes | None

    @property
    def state(self) -> str:
        """What is wrong with it, in a word."""
        if self.dead:
            return "dead"
        if self.twins:
            return f"as #{self.twins[0]}"
        return "near-silent" if self.silent else ""

    @property
    def label(self) -> str:
        """The label that drives it, with its AUROC; empty without one."""
        return f"{self.word.word.text} ({fixed(self.word.word.auroc)})" if self.word else ""

    @property
    def told(self) -> KernelProbes | None:
        """What the motion probes leave of it; None where that would be a share of next to nothing."""
        return None if self.silent else self.probes


def measured_kernels(model: ModelView, layer: str) -> list[MeasuredKernel]:
    """Return every kernel of a layer, by index."""
    dead, twins = _repeating(model, layer)
    visualised = {view.id.index for view in model.kernels.get(layer, ())}
    kept = model.kept_kernels.get(layer, frozenset())
    found = []
    for index in range(model.census.get(layer, 0)):
        best, word = model.evidence.best(layer, index), model.word(layer, index)
        probes = kernel_probes(model.motion_probes, layer, index) if model.motion_probes else None
        of_median = model.evidence.best_of_median(layer, index)
        multiples = (of_median, probes.response_of_median if probes else None)
        found.append(
            MeasuredKernel(
                index=index,
                uri=model.kernel_uri(layer, index),
                best=best.value if best else None,
                of_median=of_median,
                word=word if word and word_is_said(word.word, model.limits) else None,
                concepts=tuple(one.concept for one in concepts_of(model, layer, index, model.limits)),
                dead=index in dead,
                twins=tuple(twins.get(index, ())),
                silent=any(near_silent(multiple, model.limits) for multiple in multiples),
                visualised=index in visualised,
                kept=index in kept,
                probes=probes,
            )
        )
    return found


def _repeating(model: ModelView, layer: str) -> tuple[frozenset[int], dict[int, list[int]]]:
    """Return the dead kernels of a layer, and of each other one those that answer as it does."""
    redundancy = model.evidence.redundancy.get(layer)
    if redundancy is None:
        return frozenset(), {}
    twins: dict[int, list[int]] = defaultdict(list)
    for one, other, _ in redundancy.duplicates:
        twins[one].append(other)
        twins[other].append(one)
    return frozenset(redundancy.dead), twins
