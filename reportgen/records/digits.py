"""Figures with as many digits as they carry: further ones make records and pages larger and say nothing."""

from __future__ import annotations

import math


def significant(value: float, digits: int) -> float:
    """Return a number to so many significant digits."""
    return float(f"{value:.{digits}g}")


def significant_if_finite(value: float | None, digits: int) -> float | None:
    """Return a number to so many significant digits; None for none, for infinity and for what is not a number."""
    return significant(value, digits) if value is not None and math.isfinite(value) else None
