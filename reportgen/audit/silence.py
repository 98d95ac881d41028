"""Kernels that clips barely drive: ratios of their responses are ratios of almost nothing, and are not told."""

from __future__ import annotations

from typing import Protocol

from reportgen.audit.limits import Limits
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import percent


class Probed(Protocol):
    """Whatever holds a kernel's motion reliance, and its response as a multiple of the layer's median."""

    @property
    def motion_reliance(self) -> float | None:
        """The share of the response that is gone in the best frozen frame."""

    @property
    def response_of_median(self) -> float | None:
        """The response as a multiple of the layer's median."""


def near_silent(of_median: float | None, limits: Limits) -> bool:
    """Whether a kernel of this response, a multiple of its layer's median, is barely driven."""
    return of_median is not None and of_median < limits.near_silent


def known_reliance(probed: Probed, limits: Limits) -> float | None:
    """Return the motion reliance; None where it was not measured, or where the kernel is near-silent."""
    return None if near_silent(probed.response_of_median, limits) else probed.motion_reliance


def known_times(figures: KernelFigures, limits: Limits) -> float | None:
    """Return the multiple of the best reference clip's response; None where the kernel is near-silent on all."""
    return None if near_silent(figures.best_of_median, limits) else figures.times_best


def silence_in_words(of_median: float, limits: Limits) -> str:
    """Return what makes a kernel near-silent, as a clause."""
    return (
        f"its largest response to reference clips is {percent(of_median, 1)} of its layer's median, under the "
        f"{percent(limits.near_silent)} from which ratios are told"
    )
