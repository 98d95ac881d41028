"""Clips and pictures as a page takes them: where the file lies in the site, and how large it is before it loads."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from reportgen.reading.addresses import Addresses, relative_link
from reportgen.records.jobs import SPRITE_COLUMNS, Artifact, Done, is_poster_file


@dataclass(frozen=True)
class Strip:
    """A clip (its frames in one picture, `columns` side by side) or, with one frame, a picture.

    Colours are faded towards white, to the share `fade` of their distance from it. Frames play in the `order` given,
    as they lie where it is empty.
    """

    uri: str
    width: int
    height: int
    frames: int
    alt: str
    poster: str = ""
    fade: float = 1.0
    order: tuple[int, ...] = ()

    @property
    def columns(self) -> int:
        """Frames side by side."""
        return min(self.frames, SPRITE_COLUMNS)

    @property
    def rows(self) -> list[tuple[int, int, float]]:
        """Each row's first and last frame, counted from 0, and where it lies in the sprite, from 0 to 100 per cent."""
        count = math.ceil(self.frames / self.columns)
        starts = [row * self.columns for row in range(count)]
        return [
            (start, min(start + self.columns, self.frames) - 1, 100 * row / max(count - 1, 1))
            for row, start in enumerate(starts)
        ]


def strip(addresses: Addresses, sprite: Artifact | None, poster: Artifact | None, alt: str) -> Strip | None:
    """Return a clip for the player; None when the sprite is missing or its size is unknown."""
    if sprite is None or not sprite.width or not sprite.height:
        return None
    return Strip(
        uri=addresses.file(sprite.path),
        width=sprite.width,
        height=sprite.height,
        frames=sprite.frames or 1,
        alt=alt,
        poster=addresses.file(poster.path) if poster else "",
    )


def clip_strip(addresses: Addresses, done: Done | None, role: str, alt: str) -> Strip | None:
    """Return the moving picture of a role: its sprite, with the role's still picture as poster.

    In a report that was made smaller the still picture may stand in the place of the sprite.
    """
    if done is None:
        return None
    moving = (a for a in done.artifacts if a.role == role and a.kind in ("clip", "heat"))
    sprite = next((a for a in moving if a.is_sprite or is_poster_file(a.path)), None)
    return strip(addresses, sprite, done.artifact(role, "image"), alt)


def still_strip(addresses: Addresses, done: Done | None, role: str, alt: str) -> Strip | None:
    """Return the still picture of a role."""
    return None if done is None else strip(addresses, done.artifact(role, "image"), None, alt)


def strip_data(here: str, clip: Strip | None) -> dict[str, Any] | None:
    """Return a clip as scripts read it, with addresses from the page `here`."""
    if clip is None:
        return None
    return {
        "sprite": str(relative_link(here, clip.uri)),
        "frames": clip.frames,
        "columns": clip.columns,
        "width": clip.width,
        "height": clip.height,
        "alt": clip.alt,
        "fade": clip.fade,
    } | ({"poster": str(relative_link(here, clip.poster))} if clip.poster else {})
