"""The method motion as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.method import Method
from reportgen.analyses.motion.parameters import MotionParameters

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[MotionParameters]:
    from reportgen.analyses.motion.analysis import MotionAnalysis

    return MotionAnalysis()


METHOD = Method(
    name="motion",
    title="Motion or appearance",
    summary="What is left of each class and kernel when a clip's motion is taken away or changed.",
    version=14,
    parameters=MotionParameters,
    load=_load,
    presets={"quick": MotionParameters(draws=2, clips=56, work=1000), "full": MotionParameters(draws=16, clips=256)},
    page_bytes=60_000,
    bytes_per_kernel=243,
)
