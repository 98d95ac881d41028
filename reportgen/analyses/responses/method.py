"""The method responses as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.method import Method
from reportgen.analyses.responses.parameters import ResponsesParameters

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[ResponsesParameters]:
    from reportgen.analyses.responses.analysis import ResponsesAnalysis

    return ResponsesAnalysis()


METHOD = Method(
    name="responses",
    title="Response maps",
    summary="What every kernel of a layer answers to a clip, as a grid of maps and as a volume, in several orders.",
    version=9,
    parameters=ResponsesParameters,
    load=_load,
    presets={"full": ResponsesParameters(clips=None, values=65_536, exact=True)},
    off_in=("quick",),
    bytes_per_pixel=1.27,
    page_bytes=1_000,
)
