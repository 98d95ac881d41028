"""What is asked about weight gradients, as far as it may be told; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from reportgen.analyses.parameters import Count, Parameters, Unread


class WeightGradientParameters(Parameters):
    """Which classes are compared, and how much is drawn, checked and removed."""

    reference_class: str | int | None = Field(
        None, description="Class, by name or number, whose logit the comparison asks about; none: chosen by confusion."
    )
    similar: str | int | None = Field(
        None, description="Class that it is compared with as a similar one; none: the one most confused with it."
    )
    dissimilar: str | int | None = Field(
        None, description="Class that it is compared with as a dissimilar one; none: the one least confused with it."
    )
    clips: Count = Field(256, description="Labelled reference clips that the confusion is taken of, at most.")
    class_clips: Count = Field(4, description="Clips of each compared class that its importance is the mean over.")
    filters: Count = Field(
        3, description="Filters of each shown layer whose gradients are drawn and kept, the most important ones."
    )
    weights: int = Field(
        200, ge=0, description="Weights of each shown layer in the numeric check; 0: one random direction alone."
    )
    check_work: float | None = Field(
        10, gt=0, description="Multiply-adds of the numeric check at most, in 1e9: larger clips are cropped for it."
    )
    scored_clips: Count = Field(
        48, description="Reference clips that the scores of the removed filters are the mean over, at most: two halves."
    )
    removal_clips: int = Field(
        16, ge=0, description="Of these, clips on which filters are removed, at most; 0: none are removed."
    )
    draws: Count = Field(20, description="Random removals that each order of removal is compared with.")
    removal_work: float | None = Field(
        30_000,
        gt=0,
        description="Multiply-adds of the removals at most, in 1e9, or twice as many where a test takes them: larger "
        "networks are asked on fewer clips.",
    )

    def unread(self) -> Mapping[str, Unread]:
        """Return what only the removals read where there are none."""
        if self.removal_clips:
            return {}
        return {
            name: Unread("removal_clips", "no filters are removed")
            for name in ("draws", "removal_work", "scored_clips")
        }
