"""What a class pyramid keeps, as far as it may be told; needs no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from reportgen.analyses.parameters import Count, Parameters, Unread

Scoring = Literal["attribution", "published"]


class PyramidParameters(Parameters):
    """How far a pyramid steps back, and which kernels of a layer it keeps."""

    depth: int = Field(3, ge=0, description="Layers to step back from the class; 0: the whole network.")
    scoring: Scoring = Field("attribution", description="How kernels are scored: by attribution, or as published.")
    threshold: float | None = Field(
        None, ge=0, le=1, description="Theta: keep kernels that score at least this share of their layer's best."
    )
    top: Count | None = Field(None, description="Kernels kept of each layer at most.")
    mass: float = Field(0.8, gt=0, le=1, description="Keep the fewest kernels that hold this share of the relevance.")
    per_layer: dict[str, Count] = Field(
        default_factory=dict,
        description='Kernels kept of single layers, by name or by depth; "top5_in2" keeps 5 at depth 2.',
    )
    max_edges: Count = Field(100_000, description="Edges kept at most, the strongest ones.")
    draws: Count = Field(99, description="Exchanges of the kept kernels with others, which the causal check's p is of.")

    @field_validator("per_layer", mode="before")
    @classmethod
    def _as_published(cls, per_layer: Any) -> Any:
        if not isinstance(per_layer, str):
            return per_layer
        asked = re.fullmatch(r"top(\d+)_in(\d+)", per_layer)
        if asked is None and per_layer != "all":
            raise ValueError(f"{per_layer!r} is neither 'all' nor the like of 'top5_in2'")
        return {asked.group(2): int(asked.group(1))} if asked else {}

    def unread(self) -> Mapping[str, Unread]:
        """Return `mass` where another rule chooses the kernels."""
        rule = "threshold" if self.threshold is not None else "top" if self.top is not None else None
        return {"mass": Unread(rule, f"{rule} chooses the kernels")} if rule else {}
