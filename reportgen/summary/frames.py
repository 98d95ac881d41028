"""Clips of pages as a few frames side by side, for what does not move."""

from __future__ import annotations

from reportgen.outputs.model import FrameStrip
from reportgen.pages.report import ModelView
from reportgen.pages.strips import Strip

FRAMES = 4
"""Frames of a clip that are shown: its first, its last, and those evenly between."""


def frames(model: ModelView, strip: Strip | None, most: int = FRAMES) -> FrameStrip | None:
    """Return a clip of a page as frames of the run's own file, at most so many; None where there is no clip."""
    if strip is None:
        return None
    path = strip.uri.removeprefix(model.addresses.file(""))
    count = min(most, strip.frames)
    order = strip.order or tuple(range(strip.frames))
    places = [round(place * (len(order) - 1) / max(count - 1, 1)) for place in range(count)]
    shown = tuple(order[place] for place in places)
    return FrameStrip(
        model.store.file(path),
        strip.frames,
        strip.height,
        strip.width,
        shown,
        _told(strip.alt, shown, strip.frames),
        strip.fade,
    )


def _told(alt: str, shown: tuple[int, ...], frames: int) -> str:
    if frames == 1:
        return alt
    return f"{alt}, {'frame' if len(shown) == 1 else 'frames'} {', '.join(map(str, shown))} of {frames}"
