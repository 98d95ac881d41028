"""The method pyramid as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.method import Method
from reportgen.analyses.pyramid.parameters import PyramidParameters

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[PyramidParameters]:
    from reportgen.analyses.pyramid.analysis import PyramidAnalysis

    return PyramidAnalysis()


METHOD = Method(
    name="pyramid",
    title="Class Feature Pyramid",
    summary="Which kernels, through which kernels, make a class on a clip, and whether silencing them costs it.",
    version=9,
    parameters=PyramidParameters,
    load=_load,
    presets={"quick": PyramidParameters(depth=2, draws=19)},
    bytes_per_pixel=7.0,
    page_bytes=250_000,
)
