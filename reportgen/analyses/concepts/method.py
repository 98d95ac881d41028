"""The method concepts as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.concepts.parameters import ConceptParameters
from reportgen.analyses.method import Method

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[ConceptParameters]:
    from reportgen.analyses.concepts.analysis import ConceptAnalysis

    return ConceptAnalysis()


METHOD = Method(
    name="concepts",
    title="Hypothesis tests on concepts",
    summary="Which kernels the pictures or clips of a concept drive more, or less, than the reference clips do.",
    version=5,
    parameters=ConceptParameters,
    load=_load,
    presets={"quick": ConceptParameters(generated=False)},
    page_bytes=140_000,
)
