"""How natural a synthetic clip is, and whether other seeds find it again."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured


class Rank(Answer):
    """The place of a figure among its nulls: `reached` of `of` of these are as large."""

    reached: int = Field(ge=0)
    of: int = Field(ge=0)

    @property
    def p(self) -> float:
        """How often chance has such a place: (1 + b) / (n + 1)."""
        return (1 + self.reached) / (1 + self.of)

    @property
    def least(self) -> float:
        """The smallest p that so many nulls allow."""
        return 1 / (1 + self.of)


class PathAnswer(Answer):
    """The way of one synthetic clip through the layers before its kernel, beside the ways of real clips."""

    analysis: ClassVar[str] = "path"

    path_natural: Rank | None = Field(None, description="Likeness to the drivers among real clips that drive it not.")
    path_kernels: Rank | None = Field(None, description="The same among the clips of other kernels of the layer.")
    path_told: Rank | None = Field(None, description="Place of the median driver itself among real clips.")
    synthetic: Measured = None
    within: Measured = None
    across: Measured = None
    layers: dict[str, tuple[Measured, Measured, Measured]] = Field(
        default_factory=dict, description="Per layer: similarity of the synthetic clip, within and across."
    )
    clips: int = Field(0, ge=0)
    seeds: int = Field(1, ge=1)
    seed_similarity: Measured = Field(None, description="Lowest rank correlation of responses over the other seeds.")
    seed_natural: Rank | None = Field(None, description="That among the likenesses to real clips that drive it not.")
    seed_kernels: Rank | None = Field(None, description="That among the likenesses to clips of the layer's others.")
    seed_activations: tuple[Measured, ...] = ()
    seed_steps: int | None = None
