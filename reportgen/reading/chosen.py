"""By which rule the kernels of a report were chosen, and what labels say of those that labels chose."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.reading.run_view import RunView
from reportgen.records.answers.choice import ChoiceAnswer, ChoiceRule
from reportgen.records.answers.evidence import LabelWord
from reportgen.records.discovery import false_discovery


@dataclass(frozen=True)
class ShownWord:
    """The label word that drives a kernel; `held_out`: its figures are of clips that had no part in the choice."""

    word: LabelWord
    held_out: bool


def choice_rule(model: RunView) -> ChoiceRule | None:
    """Return by which rule the shown kernels were chosen; None where that was not recorded."""
    for record in model.manifest.of("choice"):
        if answer := model.answer(record, ChoiceAnswer):
            return answer.rule
    return None


def chosen_by_labels(model: RunView, layer: str) -> bool:
    """Whether labels chose the shown kernels of a layer, on one half of the labelled clips."""
    found = model.evidence.layers.get(layer)
    return choice_rule(model) == "selective" and found is not None and bool(found.held)


def shown_word(model: RunView, layer: str, index: int) -> ShownWord | None:
    """Return the label word that drives a kernel; of one that labels chose, as the other half of the clips has it.

    Its q is then that over the chosen kernels of the layer, which are those that are spoken of.
    """
    shown = [view.id.index for view in model.kernels.get(layer, ())]
    held = model.evidence.layers[layer].held if chosen_by_labels(model, layer) else ()
    if index not in shown or max(shown) >= len(held):  # a received run may show kernels that were not measured
        word = model.evidence.word(layer, index)
        return ShownWord(word, held_out=False) if word else None
    q = dict(zip(shown, false_discovery([held[kernel].p or 0.0 for kernel in shown]), strict=True))
    return ShownWord(held[index].model_copy(update={"q": q[index]}), held_out=True)


def choice_in_words(model: RunView, layer: str) -> str:
    """Return why the shown kernels of a layer are shown, in one sentence; empty where it was not recorded."""
    rule = choice_rule(model)
    if rule == "selective" and chosen_by_labels(model, layer):
        return (
            "Chosen because labels explain their responses best, on one half of the labelled clips: they are no sample "
            "of the layer. What is said of labels here is from the other half."
        )
    if rule == "selective" and model.evidence.labelled:
        return (
            "Chosen because labels explain their responses best, or single clips drive them most, on the same clips "
            "that figures are of: they are no sample of the layer, and what labels say of them is too good."
        )
    return {
        "selective": "Chosen because single clips stand out most in their responses: they are no sample of the layer.",
        "spread": "Evenly spaced over the layer, whatever they respond to.",
        "first": "The first of the layer, whatever they respond to.",
        "listed": "Those that the build was asked for.",
        "all": "All of the layer.",
    }.get(rule or "", "")
