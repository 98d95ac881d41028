"""A result in a notebook: pictures that play, a drawing, its rows. No script, nothing from elsewhere, all text inert.

What is shown is still there when the notebook is saved, sent, not trusted, or read as a page.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Any

from reportgen.bidi import without_bidi
from reportgen.media.encode import FRAME_MS, Frames
from reportgen.pictures import picture_bytes
from reportgen.result import ShownResult
from reportgen.showing.drawings import drawing_of
from reportgen.showing.pictures import ShownPicture, frames_resized, pictures_of
from reportgen.showing.tables import Row, rows_of

MOST_PICTURES, MOST_ROWS = 12, 12
MOST_SIDE, MOST_WIDE = 160, 640
MOST_FRAMES, MOST_BYTES = 64, 1_500_000
"""Frames of a clip, and bytes of all pictures together (a third more as text): a notebook stays one that opens."""
_LEAST_SIDE, _LEAST_WIDE = 128, 400
_WIDEST = 9
"""Columns that a table has in a notebook; `to_frame` has all."""


def html_of(result: ShownResult) -> str:
    """Return a result as HTML of its own: a heading, pictures, a drawing, and its first rows."""
    pictures = pictures_of(result)
    shown = pictures[:MOST_PICTURES]
    figures = "".join(_figure(picture, MOST_BYTES // len(shown)) for picture in shown)
    parts = [f'<code style="white-space:normal">{escape(repr(result))}</code>']
    if figures:
        parts.append(f'<div style="display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start">{figures}</div>')
    if len(pictures) > MOST_PICTURES:
        parts.append(f"<div>{len(pictures) - MOST_PICTURES} further pictures are not shown; save() writes all.</div>")
    notes = "".join(f"<div>{escape(note)}</div>" for note in getattr(result, "notes", ()))
    parts += [notes, drawing_of(result), _table(rows_of(result))]
    body = without_bidi("".join(parts))
    return f'<div style="display:flex;flex-direction:column;align-items:flex-start;gap:8px">{body}</div>'


def _figure(shown: ShownPicture, most_bytes: int) -> str:
    """Return one picture with its title; where motion is not wanted, its middle frame stands still.

    A clip of too many frames or bytes is shown by every n-th frame, at its own pace, and its title says so.
    """
    own = shown.frames
    height, width = own.shape[1:3]
    scale = min(1.0, (MOST_WIDE if shown.wide else MOST_SIDE) / max(height, width))
    frames = frames_resized(own, max(1, round(height * scale)), max(1, round(width * scale)))
    step, content = _thinned(frames, most_bytes)
    title = shown.title
    if step > 1:
        title += f" (one frame in {step} of {len(frames)}; save() writes all)"
    wide = max(_LEAST_WIDE if shown.wide else _LEAST_SIDE, frames.shape[2])
    style = f"width:{wide}px;max-width:100%;image-rendering:pixelated;display:block"
    image = f'<img src="{_source(content)}" alt="{escape(title)}" style="{style}">'
    if len(frames) > 1:
        source = f'<source media="(prefers-reduced-motion: reduce)" srcset="{_source(_still(frames))}">'
        image = f"<picture>{source}{image}</picture>"
    caption = f'<figcaption style="font-size:smaller">{escape(title)}</figcaption>'
    return f'<figure style="margin:0;max-width:{wide}px">{image}{caption}</figure>'


def _thinned(frames: Frames, most_bytes: int) -> tuple[int, bytes]:
    """Return a picture's file and of how many frames it shows one."""
    step = -(-len(frames) // MOST_FRAMES)
    while True:
        part = frames[::step]
        content = _still(frames) if len(part) == 1 else _moving(part, FRAME_MS * step)
        if len(content) <= most_bytes or len(part) == 1:
            return step, content
        step *= 2


def _moving(frames: Frames, milliseconds: int) -> bytes:
    return picture_bytes(frames, "WEBP", quality=80, method=4, duration=milliseconds, loop=0)


def _still(frames: Frames) -> bytes:
    return picture_bytes(frames[len(frames) // 2], "WEBP", quality=80, method=4)


def _source(content: bytes) -> str:
    return f"data:image/webp;base64,{b64encode(content).decode()}"


def _table(rows: Sequence[Row]) -> str:
    if not rows:
        return ""
    names = list(rows[0])[:_WIDEST]
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(_cell(row.get(name)))}</td>' for name in names)}</tr>" for row in rows[:MOST_ROWS]
    )
    more = f"<div>{len(rows) - MOST_ROWS} further rows: to_frame() has all.</div>" if len(rows) > MOST_ROWS else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div style="max-width:100%;overflow-x:auto">{table}</div>{more}'


def _cell(value: Any) -> str:
    if value is None or value != value:  # noqa: PLR0124 (NaN)
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
