"""What the answers of several methods depend on, as digests."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.clips import ClipReference
from reportgen.records.jobs import content_key


def clips_and_layers(clips: Sequence[ClipReference], layers: Sequence[str]) -> dict[str, str]:
    """Return the inputs of an answer that is about some labelled clips and layers."""
    return {"clips": content_key([[clip.digest, clip.label] for clip in clips]), "layers": content_key(layers)}
