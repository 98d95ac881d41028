"""The method evidence as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.evidence.parameters import EvidenceParameters
from reportgen.analyses.method import Method

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[EvidenceParameters]:
    from reportgen.analyses.evidence.analysis import EvidenceAnalysis

    return EvidenceAnalysis()


METHOD = Method(
    name="evidence",
    title="Responses to the reference clips",
    summary="Which real clips and labels drive each kernel, from one pass over the reference clips.",
    version=22,
    parameters=EvidenceParameters,
    load=_load,
    page_bytes=20_000,
)
