"""The reference clips of a folder: named and labelled at once, read one by one when they are asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from reportgen.analyses.base import NamedClip
from reportgen.clips import Clip, read_clip
from reportgen.clips.collection import FoundClip, find_clips
from reportgen.errors import OptionError
from reportgen.networks.core.network import Network
from reportgen.progress import Progress
from reportgen.records.card import ClipSpec
from reportgen.records.identities import slug
from reportgen.records.jobs import content_key


@dataclass(frozen=True)
class ReadClip:
    """A clip ready for the network, and what is known of where it came from."""

    clip: NamedClip
    title: str
    source: str
    frame_rate: float | None = None
    first_frame: int = 0
    frame_step: int = 1
    reference: bool = False

    @classmethod
    def of(cls, clip: Clip, name: str, digest: str, label: int | None = None, *, reference: bool = False) -> ReadClip:
        """Return a clip that was read from a file, under its name in the run."""
        pixels = torch.from_numpy(np.ascontiguousarray(clip.channels_first)).unsqueeze(0)
        return cls(
            NamedClip(name, pixels, digest, label),
            clip.title,
            clip.source,
            clip.frame_rate,
            clip.first_frame,
            clip.frame_step,
            reference,
        )


@dataclass(frozen=True)
class StoredClip:
    """A reference clip in its file; see `reportgen.analyses.base.ReferenceClip`."""

    name: str
    digest: str
    label: int | None
    path: str
    spec: ClipSpec

    def read(self) -> ReadClip:
        """Return the clip with what is known of its file; raises ClipError when it cannot be read."""
        return ReadClip.of(read_clip(self.path, self.spec), self.name, self.digest, self.label, reference=True)

    def load(self) -> NamedClip:
        """Return the clip; raises ClipError when it cannot be read."""
        return self.read().clip


def stored_clips(network: Network, folder: Path, progress: Progress) -> list[StoredClip]:
    """Return the clips below `folder` in their natural order; every file's bytes are read once, for its digest.

    A clip's label is the class that the innermost of its folders is called like, whatever the case and with `_` or
    `-` for spaces; without such a folder it has none. Raises ClipError for a folder without files.
    """
    if network.card is None:
        raise OptionError("Reference clips need a model card that says how they are prepared.")
    spec = network.card.clip
    places: dict[str, int] = {}
    for index, label in enumerate(network.labels):
        places.setdefault(_spelled(label), index)
    found = find_clips(folder)
    clips = []
    with progress.task(f"digests of the clips in {folder.name}", len(found)) as task:
        for number, clip in enumerate(found, start=1):
            # How the card samples a clip is part of what was measured.
            digest = content_key([clip.digest(), spec.model_dump(mode="json")])
            clips.append(StoredClip(f"r{number:05d}-{slug(clip.title)}", digest, _label(clip, places), clip.path, spec))
            task.advance()
    return clips


def _label(clip: FoundClip, places: dict[str, int]) -> int | None:
    known: Sequence[int] = [places[_spelled(name)] for name in clip.folders if _spelled(name) in places]
    return known[-1] if known else None


def _spelled(label: str) -> str:
    """Return a class's name as folders may spell it: in one case, with spaces for `_` and `-`."""
    return re.sub(r"[\s_-]+", " ", label).strip().casefold()
