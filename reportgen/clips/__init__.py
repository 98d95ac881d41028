"""Clips from files: videos, animations, images, folders of images and SQLite files of frames. No torch.

The readers are loaded when they are first asked for: whoever has clips as arrays needs no decoder installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reportgen.clips.clip import Clip, ClipReference

if TYPE_CHECKING:
    from reportgen.clips.reading import read_clip

__all__ = ["Clip", "ClipReference", "read_clip"]


def __getattr__(name: str) -> Any:
    if name == "read_clip":
        from reportgen.clips.reading import read_clip

        return read_clip
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
