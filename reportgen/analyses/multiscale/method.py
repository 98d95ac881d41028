"""The method multiscale as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.method import Method
from reportgen.analyses.multiscale.parameters import MultiscaleParameters

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[MultiscaleParameters]:
    from reportgen.analyses.multiscale.analysis import MultiscaleAnalysis

    return MultiscaleAnalysis()


METHOD = Method(
    name="multiscale",
    title="Multi-scale filters",
    summary="Each shown kernel's picture, grown from noise through many sizes (after the VGG-16 article).",
    version=11,
    parameters=MultiscaleParameters,
    load=_load,
    after=("choice",),
    off_in=("quick",),
    presets={
        "quick": MultiscaleParameters(work=600),
        "full": MultiscaleParameters(count=None, layers=1000, sizes=12, work=None),
    },
    bytes_per_pixel=1.12,
    page_bytes=6_000,
)
