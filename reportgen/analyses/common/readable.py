"""Clips one by one as they are loaded; those that cannot be read are counted, and do not end the pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch

from reportgen.analyses.base import tensor
from reportgen.analyses.common.memory import starting_batch
from reportgen.clips import Clip, ClipReference
from reportgen.errors import ClipError, for_pages

NAMED = 20
"""Unreadable clips that are kept by name; all are counted."""


@dataclass
class UnreadableClips:
    """The clips that could not be read: how many, and the reasons of the first NAMED by their clips' names."""

    count: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def first(self) -> str:
        """The first reason; empty without one."""
        return next(iter(self.reasons.values()), "")

    def add(self, name: str, reason: str) -> None:
        """Count one clip."""
        self.count += 1
        if len(self.reasons) < NAMED:
            self.reasons[name] = reason


def readable_clips(clips: Iterable[ClipReference], faults: UnreadableClips) -> Iterator[Clip]:
    """Yield each clip as it is loaded; those that cannot be read are counted in `faults`."""
    for clip in clips:
        try:
            loaded = clip.load()
        except ClipError as error:
            faults.add(clip.name, for_pages(error))
        else:
            yield loaded


def clip_batches(clips: Iterable[Clip], device: torch.device) -> Iterator[list[Clip]]:
    """Yield the clips as they come, as many at a time as the device takes."""
    waiting: list[Clip] = []
    size = 0
    for clip in clips:
        size = size or starting_batch(tensor(clip).to(device))
        waiting.append(clip)
        if len(waiting) >= size:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
