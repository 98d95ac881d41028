"""The picture that other sites show beside a link to a report, drawn with Pillow and the font that it brings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from reportgen.pictures import few_colours

SIZE = (1200, 630)
"""Width and height in px that Open Graph asks for."""

_GROUND, _INK, _MUTED = (22, 50, 79), (255, 255, 255), (190, 206, 222)
_EDGE, _TILE = 60, 250


def card_bytes(title: str, sentence: str, pictures: Sequence[NDArray[np.uint8]]) -> bytes:
    """Return a PNG with a title, a sentence and up to four pictures H W 3 side by side."""
    card = Image.new("RGB", SIZE, _GROUND)
    draw = ImageDraw.Draw(card)
    bottom = _text(draw, title, 52, _EDGE, 2, _INK)
    _text(draw, sentence, 28, bottom + 18, 3, _MUTED)
    top = SIZE[1] - _TILE - 30
    for place, pixels in enumerate(pictures[:4]):
        tile = Image.fromarray(np.ascontiguousarray(pixels)).resize((_TILE, _TILE), Image.Resampling.NEAREST)
        card.paste(tile, (_EDGE + place * (_TILE + 27), top))
    return few_colours(np.asarray(card))


def _text(draw: ImageDraw.ImageDraw, text: str, size: int, top: int, most: int, colour: tuple[int, int, int]) -> int:
    """Write a text in at most so many lines and return where it ends; what does not fit ends in an ellipsis."""
    font = ImageFont.load_default(size)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and draw.textlength(longer, font=font) <= SIZE[0] - 2 * _EDGE:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1]} ..."]
    for line in lines:
        draw.text((_EDGE, top), line, fill=colour, font=font)
        top += round(size * 1.25)
    return top
