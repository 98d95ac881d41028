"""Whether a kernel's clip is one texture that moves: what badges, sentences and charts all go by."""

from __future__ import annotations

from reportgen.audit.limits import Limits
from reportgen.reading.figures import KernelFigures


def moving_texture(figures: KernelFigures, limits: Limits) -> bool | None:
    """Return whether one moving texture explains the clip; None where it was not measured.

    A clip too even to show motion is neither explained nor refuted by it: None, too.
    """
    if figures.explained_variance is None or figures.evidence_share is None:
        return None
    if figures.evidence_share < limits.motion_evidence:
        return None
    return figures.explained_variance >= limits.explained_variance


def stands_still(figures: KernelFigures, limits: Limits) -> bool:
    """Return whether the clip was found to be a texture without motion."""
    return figures.mean_speed is not None and figures.mean_speed < limits.stands_still


def texture_and_motion(figures: KernelFigures, limits: Limits) -> bool | None:
    """Return whether one texture and one motion make up a clip that moves; None where it stands still, or is unknown.

    A picture that stands still is explained by its texture alone: it is no evidence for or against a motion.
    """
    found = moving_texture(figures, limits)
    return None if found and stands_still(figures, limits) else found
