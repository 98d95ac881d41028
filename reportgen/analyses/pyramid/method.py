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


_WHOLE = 6
"""Layers that a pyramid of the whole network is taken to have, about."""


def _share(asked: PyramidParameters) -> float:
    """Return the share of the default depth's site that another depth has: deeper levels have more layers."""
    return float(((asked.depth or _WHOLE) / PyramidParameters().depth) ** 1.4)


METHOD = Method(
    name="pyramid",
    title="Class Feature Pyramid",
    summary="Which kernels, through which kernels, make a class on a clip, and whether silencing them costs it.",
    version=18,
    parameters=PyramidParameters,
    load=_load,
    presets={"quick": PyramidParameters(depth=2, draws=19)},
    bytes_per_pixel=3.2,
    page_bytes=140_000,
    site_share=_share,
)
