"""How much is asked about a map, as far as it may be told; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from reportgen.analyses.parameters import Count, Parameters, Size, Unread
from reportgen.analyses.saliency.parameters import READ_BY, MapParameters


class FaithfulnessParameters(MapParameters):
    """How much is asked about each map; how maps are made is saliency's own choice.

    The checks' own maps (noise, shuffled weights) are compared with each other only, and may cost less.
    """

    maps: Count = Field(10, description="Random maps that each map is compared with.")
    curve_steps: int = Field(6, ge=2, description="Steps of insertion and deletion.")
    hidden: Count = Field(24, description="Random parts that are hidden, whose falls a map is to foretell.")
    layers: Count = Field(3, description="Depths at which weights are shuffled.")
    noises: int = Field(1, ge=0, description="Noisy clips that test the sensitivity; 0: none.")
    seeds: Count = Field(2, description="Seeds that test the stability of methods with chance; 1: none but its own.")
    check_samples: Count = Field(2, description="Noisy copies of the clip in the checks' own maps, of SmoothGrad.")
    check_steps: Count = Field(4, description="Steps of integrated gradients in the checks' own maps.")
    check_boxes: Size | None = Field(
        (2, 3, 3), description="Boxes of occlusion along time, height and width in the checks' own maps."
    )
    work: float | None = Field(
        None, gt=0, description="Multiply-adds of one method's checks at most, in 1e9: large networks are probed less."
    )

    def unread(self) -> Mapping[str, Unread]:
        """Return what the checks of none of the methods read."""
        readers = {name: READ_BY[name] for name in ("samples", "steps", "baseline", "layer", "window")}
        own = {"check_samples": "samples", "check_steps": "steps", "check_boxes": "window"}
        return self.unread_by_methods(readers | {name: READ_BY[same] for name, same in own.items()})

    def at_odds_with(self, judged: Parameters) -> Mapping[str, str]:
        """Return what would judge other maps than those that saliency makes."""
        if not isinstance(judged, MapParameters):
            return {}
        same = {
            name: f"the maps are made with {getattr(judged, name)}, set it in [saliency]"
            for name in ("samples", "steps", "baseline", "layer", "window")
            if getattr(self, name) != getattr(judged, name)
        }
        unmade = [method for method in self.methods if method not in judged.methods]
        return same | ({"methods": f"[saliency] makes no map by {', '.join(unmade)}"} if unmade else {})
