"""Which model reads which analysis's answers: those of the house, and those that installed packages add."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from reportgen.errors import StoreError
from reportgen.records.answers.base import Answer
from reportgen.records.answers.choice import ChoiceAnswer
from reportgen.records.answers.concepts import ConceptAnswer
from reportgen.records.answers.decomposition import DecompositionAnswer
from reportgen.records.answers.evidence import EvidenceAnswer
from reportgen.records.answers.faithfulness import FaithfulnessAnswer
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.answers.known_answers import KnownAnswer
from reportgen.records.answers.motion import MotionAnswer
from reportgen.records.answers.multiscale import MultiscaleAnswer
from reportgen.records.answers.path import PathAnswer
from reportgen.records.answers.pyramid import PyramidAnswer
from reportgen.records.answers.responses import ResponsesAnswer
from reportgen.records.answers.saliency import SaliencyAnswer
from reportgen.records.answers.weight_gradients import WeightGradientAnswer

ENTRY_POINTS = "reportgen.answers"
"""The group of entry points by which a package adds the answer model of its analysis."""

OWN: tuple[type[Answer], ...] = (
    EvidenceAnswer,
    ChoiceAnswer,
    KernelAnswer,
    DecompositionAnswer,
    PathAnswer,
    PyramidAnswer,
    SaliencyAnswer,
    FaithfulnessAnswer,
    MotionAnswer,
    ConceptAnswer,
    WeightGradientAnswer,
    MultiscaleAnswer,
    ResponsesAnswer,
    KnownAnswer,
)


@cache
def answer_models() -> dict[str, type[Answer]]:
    """Return the models by the name of their analysis.

    Raises StoreError when an installed package's entry point cannot be imported or names something else.
    """
    models = {model.analysis: model for model in OWN}
    for point in entry_points(group=ENTRY_POINTS):
        try:
            model = point.load()
        except Exception as error:  # whatever the code of others does when it is imported
            raise StoreError(
                f"The entry point {point.name} of {ENTRY_POINTS} cannot be imported ({type(error).__name__}: {error}): "
                "mend or remove its package."
            ) from error
        if not (isinstance(model, type) and issubclass(model, Answer)):
            raise StoreError(
                f"The entry point {point.name} of {ENTRY_POINTS} names no Answer: mend or remove its package."
            )
        models.setdefault(model.analysis, model)
    return models
