"""The method kernels as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.kernels.parameters import KernelParameters
from reportgen.analyses.method import Method

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[KernelParameters]:
    from reportgen.analyses.kernels.analysis import KernelAnalysis

    return KernelAnalysis()


METHOD = Method(
    name="kernels",
    title="What each kernel looks for",
    summary="The clip that drives each shown kernel most, by activation maximisation.",
    version=40,
    parameters=KernelParameters,
    load=_load,
    after=("choice",),
    presets={
        "quick": KernelParameters(count="1", steps=32, learning_rate=0.1, grow=True, small_first=False, work=600),
        "full": KernelParameters(count="all", steps=192, small_first=False),
    },
    bytes_per_pixel=0.09,
    page_bytes=40_000,
    most_chunks=4096,
)
