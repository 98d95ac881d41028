"""The method path as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.kernels.parameters import SearchParameters
from reportgen.analyses.method import Method
from reportgen.analyses.path.parameters import PathParameters

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[PathParameters]:
    from reportgen.analyses.path.analysis import PathAnalysis

    return PathAnalysis()


METHOD = Method(
    name="path",
    title="Natural path and other seeds",
    summary="Whether a kernel's clip drives it the way real clips do, and whether other seeds find it again.",
    version=21,
    parameters=PathParameters,
    load=_load,
    presets={
        "quick": PathParameters(seeds=0, steps=48, small_first=False),
        "full": PathParameters(seeds=2, steps=384, small_first=False),
    },
    after=("evidence", "kernels"),
    most_chunks=16,
    follows={"kernels": tuple(SearchParameters.model_fields)},
    page_bytes=1_500,
)
