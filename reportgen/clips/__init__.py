"""Clips from files: videos, animations, images, folders of images and SQLite files of frames. No torch."""

from __future__ import annotations

from reportgen.clips.clip import Clip, read_clip

__all__ = ["Clip", "read_clip"]
