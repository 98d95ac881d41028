"""Pictures in files: the one place that opens them, and what may be opened. No torch."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from PIL import Image

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "TIFF", "PPM")
"""Formats that Pillow decodes by itself. It knows more: PostScript, which it has Ghostscript run, is one of them."""

_BEGINNINGS = (
    *(b"GIF8", b"\x89PNG", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*"),
    *(b"P1", b"P2", b"P3", b"P4", b"P5", b"P6"),
)
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_LONGEST_BRANDS = 256


def open_picture(file: Path | BinaryIO) -> Image.Image:
    """Return the picture or animation in a file, by its content and whatever its name; nothing is decoded yet.

    Raises what Pillow raises: UnidentifiedImageError for a format that is not one of `FORMATS`, OSError for others.
    """
    return Image.open(file, formats=FORMATS)


def is_picture(path: Path) -> bool:
    """Return whether the file begins like a picture or an animation of `FORMATS`."""
    with path.open("rb") as file:
        head = file.read(_LONGEST_BRANDS)
    if head[4:8] == b"ftyp":  # AVIF is one kind of ISO file, and a video another
        end = min(int.from_bytes(head[:4], "big"), len(head))
        return not _AVIF_BRANDS.isdisjoint({head[8:12], *(head[at : at + 4] for at in range(16, end, 4))})
    return head.startswith(_BEGINNINGS) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
