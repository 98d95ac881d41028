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
