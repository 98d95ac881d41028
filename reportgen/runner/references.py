"""The reference clips of a folder: named and labelled at once, read one by one when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from reportgen.clips import Clip, ClipReference, read_clip
from reportgen.clips.collection import Copies, FoundClip, find_clips
from reportgen.errors import OptionError
from reportgen.networks.core.network import Network
from reportgen.progress import Progress
from reportgen.records.card import ClipSpec
from reportgen.records.identities import slug, spelled
from reportgen.records.jobs import content_key


def stored_clips(network: Network, folder: Path, progress: Progress) -> list[ClipReference]:
    """Return the clips below `folder` in their natural order; every file's bytes are read once, for its digest.

    A clip's label is the class that the innermost of its folders is called like, whatever the case and with `_` or
    `-` for spaces; without such a folder it has none. For a network of single frames every picture is a clip by itself,
    and no folder of pictures one. A copy of a clip, under the same label, is left out. Raises ClipError for a folder
    without files.
    """
    spec = clip_spec(network)
    places: dict[str, int] = {}
    for index, label in enumerate(network.labels):
        places.setdefault(spelled(label), index)
    found = find_clips(folder, pictures="alone" if spec.frames == 1 else "frames")
    clips, copies = [], Copies()
    with progress.task(f"digests of the clips in {folder.name}", len(found)) as task:
        for number, clip in enumerate(found, start=1):
            own = _label(clip, places)
            if not copies.among(clip, own):
                clips.append(clip_reference(clip, f"r{number:05d}-{slug(clip.title)}", spec, own))
            task.advance()
    if copies.count:
        progress.note(copies.in_words(len(found), folder.name))
    return clips


def clip_spec(network: Network) -> ClipSpec:
    """Return how the network's card has clips prepared; raises OptionError where there is no card."""
    if network.card is None:
        raise OptionError("Reference clips need a model card that says how they are prepared.")
    return network.card.clip


def clip_reference(
    clip: FoundClip, name: str, spec: ClipSpec, label: int | None = None, *, still: bool = False
) -> ClipReference:
    """Return a found clip under a name, to be read when it is asked for; its bytes are read now, for its digest.

    With `still` a picture is shown in all frames of a clip.
    """
    # How the card samples a clip is part of what was measured.
    digest = content_key([clip.digest(), spec.model_dump(mode="json")])
    load = partial(_read, clip.path, spec, still=still, name=name, label=label, known_as=digest)
    return ClipReference(name, digest, label, load)


def _read(path: str, spec: ClipSpec, *, still: bool, name: str, label: int | None, known_as: str) -> Clip:
    return replace(read_clip(path, spec, still=still), name=name, label=label, known_as=known_as)


def _label(clip: FoundClip, places: dict[str, int]) -> int | None:
    known: Sequence[int] = [places[spelled(name)] for name in clip.folders if spelled(name) in places]
    return known[-1] if known else None
