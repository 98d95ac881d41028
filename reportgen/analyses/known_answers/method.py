"""The method known_answers as it is declared; needs no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reportgen.analyses.known_answers.parameters import KnownAnswerParameters
from reportgen.analyses.method import Method

if TYPE_CHECKING:
    from reportgen.analyses.base import Analysis


def _load() -> Analysis[KnownAnswerParameters]:
    from reportgen.analyses.known_answers.analysis import KnownAnswerAnalysis

    return KnownAnswerAnalysis()


METHOD = Method(
    name="known_answers",
    title="Known answers",
    summary="Whether each method, as installed here, finds what was planted for it in a small case.",
    version=1,
    parameters=KnownAnswerParameters,
    load=_load,
    page_bytes=7_500,
)
