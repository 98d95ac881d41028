"""Clips from files: videos, animations, images, folders of images and SQLite files of frames. No torch."""

from __future__ import annotations

from reportgen.clips.clip import Clip, ClipReference
from reportgen.clips.reading import read_clip

__all__ = ["Clip", "ClipReference", "read_clip"]
