"""The method decomposition as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.decomposition.parameters import DecompositionParameters
from reportgen.analyses.method import Method

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[DecompositionParameters]:
    from reportgen.analyses.decomposition.analysis import DecompositionAnalysis

    return DecompositionAnalysis()


METHOD = Method(
    name="decomposition",
    title="Texture and motion",
    summary="Each shown clip taken apart into one still texture and the motion that carries it.",
    version=13,
    parameters=DecompositionParameters,
    load=_load,
    after=("kernels",),
    bytes_per_pixel=0.13,
    page_bytes=9_500,
)
