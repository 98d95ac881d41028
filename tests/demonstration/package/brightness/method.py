"""The method as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from reportgen.analyses.method import Method
from reportgen.analyses.parameters import Parameters

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


class BrightnessParameters(Parameters):
    """What counts as bright."""

    threshold: float = Field(0.5, ge=0, le=1, description="From which value a pixel is bright.")


def _load() -> Analysis[BrightnessParameters]:
    from brightness.analysis import BrightnessAnalysis

    return BrightnessAnalysis()


METHOD = Method(
    name="brightness",
    title="Brightness",
    summary="How bright each clip is, frame by frame.",
    version=1,
    parameters=BrightnessParameters,
    load=_load,
    presets={"quick": BrightnessParameters(threshold=0.6)},
)
