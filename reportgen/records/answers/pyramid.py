"""A class pyramid in figures; its graph is a document of its own (`reportgen.records.pyramid_schema`)."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured
from reportgen.records.targets import Target


class AblationFigures(Answer):
    """What removing some kernels does to the logit, beside removing as many at random (mean and 95% interval)."""

    count: int = Field(ge=0)
    drop: float
    random_mean: float
    random_low: float
    random_high: float
    beats: Measured = Field(None, description="Share of random draws that cost the logit less.")


class PyramidAnswer(Answer):
    """One target on one clip."""

    analysis: ClassVar[str] = "pyramid"

    logit: float
    target: Target
    target_title: str | None = None
    clip: str
    scoring: str
    kernels: int = Field(ge=0)
    edges: int = Field(ge=0)
    conservation_error: Measured = None
    bias_share: Measured = None
    graph_kernels: int = Field(0, ge=0)
    graph_edges: int = Field(0, ge=0)
    boundaries: tuple[str, ...] = ()
    unknown_operations: dict[str, int] = Field(default_factory=dict)
    ablation: dict[str, AblationFigures] = Field(
        default_factory=dict, description="Per layer, and ``together`` for all kept kernels at once."
    )
