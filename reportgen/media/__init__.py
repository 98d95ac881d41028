"""Figures into files: sprites, GIFs, pictures, arrays and documents. Equal figures give equal bytes. No torch.

A *sprite* is all frames of a clip in one AVIF: frame t stands in row t // 8 and column t % 8 of a grid that has
min(T, 8) columns and as few rows as hold T frames; what is left over in the last row is black. An artifact's width
and height are those of one frame.
"""

from __future__ import annotations

from reportgen.media.arrays import read_data
from reportgen.media.encode import gif_bytes, png_bytes, poster_bytes, sprite_bytes
from reportgen.media.figures import write_figure
from reportgen.media.overlays import coloured_heat, coloured_motion, heat_over_clip, motion_sprite
from reportgen.media.video import write_mp4

__all__ = [
    "coloured_heat",
    "coloured_motion",
    "gif_bytes",
    "heat_over_clip",
    "motion_sprite",
    "png_bytes",
    "poster_bytes",
    "read_data",
    "sprite_bytes",
    "write_figure",
    "write_mp4",
]
