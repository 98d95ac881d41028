"""The method saliency as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from reportgen.analyses.method import Method
from reportgen.analyses.saliency.parameters import MethodName, SaliencyParameters

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[SaliencyParameters]:
    from reportgen.analyses.saliency.analysis import SaliencyAnalysis

    return SaliencyAnalysis()


METHOD = Method(
    name="saliency",
    title="Where and when it looked",
    summary="Which pixels of a clip speak for a class, by several attribution methods.",
    version=21,
    parameters=SaliencyParameters,
    load=_load,
    presets={
        "quick": SaliencyParameters(methods=("gradients", "grad_cam"), samples=4, steps=8),
        "full": SaliencyParameters(
            methods=get_args(MethodName),
            samples=32,
        ),
    },
    bytes_per_pixel=0.88,
    page_bytes=9_000,
)
