"""The kernels that two pyramids share and those that only one keeps, with pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reportgen.pages.report import ModelView
from reportgen.pages.strips import Strip, clip_strip, strip
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import percent, short_kernel_name
from reportgen.records.pyramid_compare import ComparedKernel, Side

PICTURED = 6
"""Kernels of each kind that have a picture; all are in the table."""


@dataclass(frozen=True)
class PicturedKernel:
    """A kernel with its synthetic clip, or the reference clip that drives it most, and its shares of relevance."""

    name: str
    uri: str
    picture: Strip | None
    share: str


def pictured_kernels(model: ModelView, kernels: Iterable[ComparedKernel], side: Side) -> Excerpt[PicturedKernel]:
    """Return the kernels of one side, those with a picture first, then by their share of their layer's relevance."""
    own = [(kernel, _picture(model, kernel.layer, kernel.index)) for kernel in kernels if kernel.side == side]
    own.sort(key=lambda pair: (pair[1] is None, -max(abs(pair[0].first or 0.0), abs(pair[0].second or 0.0))))
    return Excerpt.of(own, PICTURED).map(lambda pair: _pictured(model, *pair, side))


def _pictured(model: ModelView, kernel: ComparedKernel, picture: Strip | None, side: Side) -> PicturedKernel:
    shares = {"shared": (kernel.first, kernel.second), "first": (kernel.first,), "second": (kernel.second,)}[side]
    return PicturedKernel(
        short_kernel_name(kernel.layer, kernel.index),
        model.kernel_uri(kernel.layer, kernel.index) or "",
        picture,
        " and ".join(percent(share, 1) for share in shares if share is not None),
    )


def _picture(model: ModelView, layer: str, index: int) -> Strip | None:
    view = next((view for view in model.kernels.get(layer, ()) if view.id.index == index), None)
    if view and (
        own := clip_strip(model.addresses, view.answer("kernels"), "stage1", f"Synthetic clip of {view.name}")
    ):
        return own
    driven = model.evidence.best(layer, index)
    facts = model.clips.get(driven.clip) if driven else None
    return strip(model.addresses, facts.clip, facts.poster, facts.title) if facts else None
