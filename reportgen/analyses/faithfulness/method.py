"""The method faithfulness as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.faithfulness.parameters import FaithfulnessParameters
from reportgen.analyses.method import Method
from reportgen.analyses.saliency.parameters import MapParameters

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[FaithfulnessParameters]:
    from reportgen.analyses.faithfulness.analysis import FaithfulnessAnalysis

    return FaithfulnessAnalysis()


METHOD = Method(
    name="faithfulness",
    title="How far the maps may be believed",
    summary="How far each saliency map may be believed: beside random maps, the clip, other weights, noise, seeds.",
    version=9,
    parameters=FaithfulnessParameters,
    load=_load,
    presets={
        "quick": FaithfulnessParameters(curve_steps=4, hidden=8, layers=2, noises=0, seeds=1, work=1000),
        "full": FaithfulnessParameters(
            curve_steps=14,
            hidden=64,
            layers=12,
            noises=4,
            seeds=3,
            check_samples=8,
            check_steps=16,
            check_boxes=None,
        ),
    },
    after=("saliency",),
    follows={"saliency": tuple(MapParameters.model_fields)},
    page_bytes=3_500,
)
