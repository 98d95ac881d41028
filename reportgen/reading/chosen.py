"""By which rule the kernels of a report were chosen, in words."""

from __future__ import annotations

from reportgen.reading.run_view import RunView
from reportgen.reading.shown_words import chosen_by_labels


def choice_in_words(model: RunView, layer: str) -> str:
    """Return why the shown kernels of a layer are shown, in one sentence; empty where it was not recorded."""
    rule = model.choice_rule
    if rule == "important":
        of_labels = chosen_by_labels(model.evidence, rule, layer)
        why = (
            "labels or single clips explain their responses best"
            if model.evidence.labelled
            else "single clips stand out most in their responses"
        )
        return (
            f"Chosen because {model.words.pyramid}s keep them with the largest relevance of the layer (at most half of "
            f"them), or because {why}: they are no sample of the layer."
            + (" What is said of labels here is from clips that had no part in the choice." if of_labels else "")
        )
    if rule == "selective" and chosen_by_labels(model.evidence, rule, layer):
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
