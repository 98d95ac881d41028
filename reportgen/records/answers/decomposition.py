"""A kernel's clip as one texture and the motion that carries it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured


class DecompositionAnswer(Answer):
    """How far one moving texture explains one synthetic clip; speeds in px/frame."""

    analysis: ClassVar[str] = "decomposition"

    psnr: Measured = Field(description="Of the reconstruction, in dB.")
    explained_variance: Measured
    still_variance: Measured = Field(None, description="Variance that the still texture alone explains.")
    mean_speed: Measured
    direction_degrees: Measured = Field(description="0 right, 90 down.")
    direction_coherence: Measured = Field(description="0 none, 1 all the same.")
    speed_p99: Measured
    evidence_share: Measured = Field(None, description="Share of pixels whose motion can be seen.")
    stage1_activation: Measured = None
    reconstruction_activation: Measured = None
    texture_activation: Measured = None
    activation_kept: Measured = None
    texture_activation_kept: Measured = None
