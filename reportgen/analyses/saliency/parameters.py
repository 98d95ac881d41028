"""How saliency maps are made, as far as it may be told; needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, Strict, field_validator

from reportgen.analyses.parameters import NO_PART_OF_KEY, Count, Parameters, Size, Unread

MethodName = Literal[
    "gradients",
    "input_x_gradient",
    "guided_backprop",
    "smoothgrad",
    "smoothgrad_guided",
    "integrated_gradients",
    "deeplift",
    "grad_cam",
    "guided_grad_cam",
    "occlusion",
]

BaselineName = Literal["blur", "mean_frame", "black"]

#: Which methods read a parameter; the others read none.
READ_BY: Mapping[str, tuple[MethodName, ...]] = {
    "samples": ("smoothgrad", "smoothgrad_guided"),
    "steps": ("integrated_gradients",),
    "baseline": ("integrated_gradients", "deeplift", "occlusion"),
    "layer": ("grad_cam", "guided_grad_cam"),
    "window": ("occlusion",),
}


class MapParameters(Parameters):
    """What a map and the checks of it have in common."""

    methods: Annotated[tuple[MethodName, ...], Strict(False), Field(min_length=1), NO_PART_OF_KEY] = Field(
        (
            "gradients",
            "guided_backprop",
            "smoothgrad",
            "smoothgrad_guided",
            "integrated_gradients",
            "grad_cam",
        ),
        description="Attribution methods.",
    )
    samples: Count = Field(16, description="Noisy copies of the clip, of SmoothGrad.")
    steps: Count = Field(64, description="Steps of integrated gradients at most.")
    baseline: BaselineName = Field("blur", description="Clip without evidence that methods compare with.")
    layer: str | None = Field(None, description="Layer of Grad-CAM; without it the last one that has maps.")
    window: Size | None = Field(None, description="Box of occlusion in (frames, px, px); without it a share of a clip.")

    @field_validator("methods")
    @classmethod
    def _each_once(cls, methods: tuple[MethodName, ...]) -> tuple[MethodName, ...]:
        if len(set(methods)) < len(methods):
            raise ValueError("name each method once")
        return methods

    def unread(self) -> Mapping[str, Unread]:
        """Return what none of the methods reads."""
        return self.unread_by_methods(READ_BY)

    def unread_by_methods(self, read_by: Mapping[str, tuple[MethodName, ...]]) -> Mapping[str, Unread]:
        """Return the parameters of `read_by` that none of the chosen methods reads."""
        return {
            name: Unread("methods", f"only {' and '.join(readers)} would read it, which methods leaves out")
            for name, readers in read_by.items()
            if name in type(self).model_fields and not set(readers) & set(self.methods)
        }


class SaliencyParameters(MapParameters):
    """Which maps are made of each clip and class, and with how much effort."""

    batch_size: Annotated[Count | None, NO_PART_OF_KEY] = Field(
        None, description="Clips through the network at once; without it as many as memory holds."
    )
