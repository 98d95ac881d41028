"""The method choice as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.choice.parameters import ChoiceParameters
from reportgen.analyses.method import Method

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[ChoiceParameters]:
    from reportgen.analyses.choice.analysis import ChoiceAnalysis

    return ChoiceAnalysis()


METHOD = Method(
    name="choice",
    title="Which kernels are shown",
    summary="The kernels of each layer that the report shows, and by which rule they were chosen.",
    version=5,
    parameters=ChoiceParameters,
    load=_load,
    page_bytes=1_000,
)
