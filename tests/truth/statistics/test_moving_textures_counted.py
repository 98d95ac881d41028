"""What is counted as one texture plus one motion: a clip that moves, and whose motion explains it."""

from __future__ import annotations

import pytest

from reportgen.audit.limits import Limits
from reportgen.audit.moving import texture_and_motion
from reportgen.reading.figures import KernelFigures


@pytest.mark.parametrize(
    ("explained", "speed", "counted"), [(0.95, 1.2, True), (0.95, 0.0, None), (0.3, 1.2, False), (0.3, 0.0, False)]
)
def test_a_texture_that_stands_still_is_no_texture_plus_motion(
    explained: float, speed: float, counted: bool | None
) -> None:
    figures = KernelFigures(explained_variance=explained, evidence_share=0.6, mean_speed=speed)
    assert texture_and_motion(figures, Limits()) is counted
