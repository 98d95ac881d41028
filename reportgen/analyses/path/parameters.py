"""How a kernel is searched for again, as far as it may be told; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from reportgen.analyses.kernels.parameters import AscentParameters
from reportgen.analyses.parameters import Count, Unread


class PathParameters(AscentParameters):
    """How often, and how long, each kernel is searched for again."""

    seeds: int = Field(1, ge=0, description="Further starts of the search; 0: none.")
    steps: Count = Field(64, description="Steps of each further search at most.")
    small_first: bool = Field(
        True,
        description="Begin long searches of deeper layers in a part of the frame, where cheap from several starts.",
    )

    def unread(self) -> Mapping[str, Unread]:
        """Return what a search that does not take place has no use for."""
        if self.seeds:
            return super().unread()
        return dict.fromkeys(
            AscentParameters.model_fields, Unread("seeds", "with seeds = 0 there is no further search")
        )
