"""A kernel's clip as one texture and the motion that carries it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured


class DecompositionAnswer(Answer):
    """How far one moving texture explains one synthetic clip; speeds in px/frame."""

    analysis: ClassVar[str] = "decomposition"

    psnr: Measured = Field(description="Of the reconstruction, in dB.")
    explained_variance: Measured = Field(description="Share of the clip's variance that the moved texture explains.")
    still_variance: Measured = Field(None, description="Variance that the still texture alone explains.")
    motion_explains: Measured = Field(None, description="Share of what a still picture leaves that motion explains.")
    mean_speed: Measured = Field(description="In px/frame.")
    moving_share: Measured = Field(
        None, description="Share of the frame that moves while the rest stands still: the speed is that of this part."
    )
    changing_share: Measured = Field(
        None, description="Share of the frame where a still picture explains less than 80% of what is there."
    )
    speed_margin: Measured = Field(None, description="Half the width of the mean speed's 95% interval, in px/frame.")
    direction_degrees: Measured = Field(description="0 right, 90 down.")
    direction_coherence: Measured = Field(description="0 none, 1 all the same.")
    speed_p99: Measured = Field(description="99th percentile of the speeds, in px/frame.")
    evidence_share: Measured = Field(None, description="Share of pixels whose motion can be seen.")
    step: Measured = Field(None, description="Usual way of the picture from frame to frame, in px.")
    step_explained: Measured = Field(None, description="Share of the change between frames that motion explains.")
    step_coherence: Measured = Field(
        None, description="How far all steps are one motion, forwards or backwards: 0 none, 1 all."
    )
    reversals: Measured = Field(None, description="How often the motion turns back.")
    drift: Measured = Field(None, description="Share of the way that is left at the end.")
    flicker_explained: Measured = Field(
        None, description="Variance that a still picture and one pattern that comes and goes explain."
    )
    flicker_reversals: Measured = Field(None, description="How often that pattern changes its sign.")
    brightness_explained: Measured = Field(
        None, description="Variance that one picture explains whose contrast and mean colour change."
    )
    swing_explained: Measured = Field(None, description="Share of the way to and fro that one even swing explains.")
    swing_chance: Measured = Field(None, description="How often places at random are explained as well, from 0 to 1.")
    steady_explained: Measured = Field(
        None, description="Share of what a still picture leaves that one steady motion explains."
    )
    steady_chance: Measured = Field(
        None, description="How often frames that jump at random are explained as well by one, from 0 to 1."
    )
    stage1_activation: Measured = Field(None, description="Response to the synthetic clip.")
    reconstruction_activation: Measured = Field(None, description="Response to the moved texture.")
    texture_activation: Measured = Field(None, description="Response to the still texture.")
    activation_kept: Measured = Field(None, description="Share of its response that the moved texture keeps.")
    texture_activation_kept: Measured = Field(None, description="Share of its response that the still texture keeps.")
    reversed_activation: Measured = Field(None, description="Response to the clip played backwards.")
