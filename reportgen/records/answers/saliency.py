"""One saliency map in figures."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured
from reportgen.records.targets import Target


class SaliencyAnswer(Answer):
    """One method's map of one target on one clip."""

    analysis: ClassVar[str] = "saliency"

    method: str
    title: str
    target: Target
    target_title: str | None = None
    logit: float = Field(description="Above the mean of all classes' logits; as it is of one, or of classes apart.")
    signed: bool
    scale: Measured = Field(description="Value at the end of the colours.")
    signed_scale: Measured = None
    minimum: Measured = None
    maximum: Measured = None
    temporal_profile: tuple[Measured, ...] = ()
    completeness_error: Measured = None
    steps_used: int | None = None
    layers: tuple[str, ...] = Field((), description="Whose maps Grad-CAM read: the last ones, one a pathway.")
