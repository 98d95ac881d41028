"""The method weight_gradients as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.method import Method
from reportgen.analyses.weight_gradients.parameters import WeightGradientParameters

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[WeightGradientParameters]:
    from reportgen.analyses.weight_gradients.analysis import WeightGradientAnalysis

    return WeightGradientAnalysis()


METHOD = Method(
    name="weight_gradients",
    title="Weight gradients and importance of filters",
    summary="How each class answers to the weights of every convolution, and whether that tells which filters matter.",
    version=5,
    parameters=WeightGradientParameters,
    load=_load,
    presets={
        "quick": WeightGradientParameters(weights=20, check_work=2, scored_clips=8, removal_clips=4, removal_work=200),
        "full": WeightGradientParameters(
            class_clips=32,
            filters=32,
            check_work=200,
            scored_clips=256,
            removal_clips=128,
            draws=100,
            removal_work=60_000,
        ),
    },
    off_in=("quick",),
    page_bytes=60_000,
    bytes_per_kernel=17,
)
