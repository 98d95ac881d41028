"""The kernels to show, by the rule that the build was told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from reportgen.analyses.base import Answers, Arrays, Inapplicable, Subject, Unit
from reportgen.analyses.choice.parameters import ChoiceParameters
from reportgen.analyses.choice.select import LayerScores, kernels_of_pyramids, select_kernels
from reportgen.progress import Progress
from reportgen.records.answers.choice import ChoiceAnswer, ChoiceRule
from reportgen.records.figures import Result
from reportgen.records.jobs import content_key


def chooses_by_evidence(subject: Subject) -> bool:
    """Whether the kernels to show depend on the pass over the reference clips."""
    some = subject.selection.count is not None and not subject.selection.listed
    by_clips = subject.choose in ("important", "selective")
    return by_clips and some and bool(subject.stages) and bool(subject.every_clip)


def chooses_by_pyramids(subject: Subject) -> bool:
    """Whether the kernels to show depend on the pyramids of the run."""
    some = subject.selection.count is not None and not subject.selection.listed
    return subject.choose == "important" and some and bool(subject.stages)


class ChoiceAnalysis:
    """One unit per model; it computes nothing of the network."""

    def units(self, subject: Subject, parameters: ChoiceParameters) -> Sequence[Unit | Inapplicable]:  # noqa: ARG002
        """Return the one unit, which reads the evidence where that decides."""
        asked = {"choose": subject.choose, "kernels": subject.selection.model_dump(mode="json")}
        layers = {"layers": content_key([[name, subject.layers[name].kernels] for name in subject.stages])}
        evidence = [("evidence", subject.model, "selectivity")] if chooses_by_evidence(subject) else []
        needs = (*evidence, *(("pyramid", unit, "relevance") for unit in subject.pyramids))
        return [Unit(subject.model, subject.model, asked, layers, needs)]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: ChoiceParameters,  # noqa: ARG002
        answers: Answers,
        progress: Progress,  # noqa: ARG002
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield the choice."""
        scores = answers("evidence", subject.model, "selectivity") if chooses_by_evidence(subject) else None
        pyramids = [answers("pyramid", unit, "relevance") for unit in subject.pyramids]
        known = scores if scores is not None and _tells_apart(scores) else None
        yield units[0], Result(choice(subject, known, pyramids))


def choice(subject: Subject, scores: Arrays | None = None, pyramids: Sequence[LayerScores] = ()) -> ChoiceAnswer:
    """Return the kernels to show, by their `scores` and the `pyramids` where these are known and asked for.

    Raises EmptySelectionError when no layer has any of the kernels that are listed.
    """
    kernels = select_kernels(subject.layers, subject.stages, subject.selection, subject.choose, scores, pyramids)
    return ChoiceAnswer(kernels=kernels, rule=_rule(subject, scores, pyramids))


def _rule(subject: Subject, scores: Arrays | None, pyramids: Sequence[LayerScores]) -> ChoiceRule:
    if subject.selection.listed:
        return "listed"
    if subject.selection.count is None:
        return "all"
    if subject.choose == "important" and kernels_of_pyramids(pyramids, subject.stages):
        return "important"
    if subject.choose in ("important", "selective"):
        return "selective" if scores is not None else "spread"
    return "first" if subject.choose == "first" else "spread"


def _tells_apart(scores: Arrays) -> bool:
    """Whether any kernel responds to one reference clip otherwise than to another: to a single one none does."""
    return any(bool(np.any(spread > 0)) for _score, spread, _repeated in scores.values())
