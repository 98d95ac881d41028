"""The label word that is told of a kernel, if possible by clips that had no part in choosing the kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.reading.evidence import Evidence
from reportgen.records.answers.choice import ChoiceRule
from reportgen.records.answers.evidence import LabelWord
from reportgen.records.discovery import false_discovery


@dataclass(frozen=True)
class ShownWord:
    """The label word that drives a kernel; `held_out`: its figures are of clips that had no part in the choice."""

    word: LabelWord
    held_out: bool


def chosen_by_labels(evidence: Evidence, rule: ChoiceRule | None, layer: str) -> bool:
    """Whether labels chose the shown kernels of a layer, on one half of the labelled clips."""
    found = evidence.layers.get(layer)
    return rule in ("important", "selective") and found is not None and bool(found.held)


def shown_word(
    evidence: Evidence, rule: ChoiceRule | None, layer: str, index: int, shown: Sequence[int]
) -> ShownWord | None:
    """Return the label word that drives a kernel; of one that labels chose, as the other half of the clips has it.

    Its q is then that over the chosen kernels of the layer (`shown`), which are those that are spoken of.
    """
    held = evidence.layers[layer].held if chosen_by_labels(evidence, rule, layer) else ()
    if index not in shown or max(shown) >= len(held):  # a received run may show kernels that were not measured
        word = evidence.word(layer, index)
        return ShownWord(word, held_out=False) if word else None
    q = dict(zip(shown, false_discovery([held[kernel].p or 0.0 for kernel in shown]), strict=True))
    return ShownWord(held[index].model_copy(update={"q": q[index]}), held_out=True)
