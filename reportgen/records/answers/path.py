"""How natural a synthetic clip is, and whether other seeds find it again."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured


class PathAnswer(Answer):
    """The way of one synthetic clip through the layers before its kernel, beside the ways of real clips."""

    analysis: ClassVar[str] = "path"

    path_similarity: Measured = Field(description="0 as unrelated real clips, 1 as those that drive the kernel.")
    synthetic: Measured = None
    within: Measured = None
    across: Measured = None
    layers: dict[str, tuple[Measured, Measured, Measured]] = Field(
        default_factory=dict, description="Per layer: similarity of the synthetic clip, within and across."
    )
    clips: int = Field(0, ge=0)
    seeds: int = Field(1, ge=1)
    seed_similarity: Measured = Field(None, description="Lowest rank correlation of responses over the other seeds.")
    seed_activations: tuple[Measured, ...] = ()
    seed_steps: int | None = None
