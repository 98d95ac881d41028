"""What a run's header says of its clips and of where it was computed."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from reportgen.clips import Clip, ClipReference
from reportgen.errors import ClipError, printable
from reportgen.media import write_figure
from reportgen.networks.core.network import Network
from reportgen.progress import Progress
from reportgen.records.documents import DamagedError
from reportgen.records.figures import ClipFigure, Figure, PreviewFigure
from reportgen.records.jobs import Artifact
from reportgen.records.layout import clip_folder
from reportgen.records.manifest import READ_VERSIONS, ClipFacts, Environment
from reportgen.records.store import Store
from reportgen.runner.machine import device_name
from reportgen.version import __version__, checkout_commit

#: How many of a clip's most likely classes are kept.
TOP_CLASSES = 5
Predictions = tuple[tuple[int, float, float | None], ...]
"""Classes with their logits and, where it is known what makes them, probabilities, the likeliest first."""


class ClipPictures:
    """Writes each clip's poster and frames once, and knows those that the last build wrote.

    Made before the run's header is written anew: it reads what the old one says.
    """

    def __init__(self, store: Store, network: Network, progress: Progress) -> None:
        self.store = store
        self.network = network
        clips: tuple[ClipFacts, ...] = ()
        if store.has_run() and store.schema_version() not in READ_VERSIONS:
            progress.note(f"{store.folder} was written by another version of reportgen: it is computed anew.")
        elif store.has_run():
            try:
                clips = store.read_run().clips
            except DamagedError:
                progress.note(f"The header of {store.folder} is damaged: it is written anew.")
        self._there = {(facts.name, facts.sha256): facts for facts in clips}

    def known(self, name: str, digest: str) -> ClipFacts | None:
        """Return what the last build said of a clip whose pictures are still there."""
        facts = self._there.get((name, digest))
        pair = (facts.poster, facts.clip) if facts else (None, None)
        return facts if all(artifact and self.store.is_sound(artifact) for artifact in pair) else None

    def facts(
        self, clip: Clip, logits: Tensor | None = None, *, reference: bool = False, preview: bool = False
    ) -> ClipFacts:
        """Return what is known of a clip, its pictures among it; as a `preview` they are small."""
        known = self.known(clip.name, clip.digest)
        if known and known.poster and known.clip and known.title == clip.title:
            pictures = (known.poster, known.clip)
        else:
            pictures = _write(self.store, clip, preview=preview)
        return _clip_fact(clip, self._predictions(logits), pictures, reference=reference)

    def _predictions(self, logits: Tensor | None) -> Predictions:
        if logits is None:
            return ()
        probabilities = self.network.probabilities(logits)
        best = logits.topk(min(TOP_CLASSES, len(logits))).indices.tolist()
        shown = self.network.told(logits)
        shares = [None] * len(logits) if probabilities is None else probabilities.tolist()
        return tuple((index, float(shown[index]), shares[index]) for index in best)


def shown_facts(pictures: ClipPictures, shown: Sequence[Clip], logits: Mapping[str, Tensor]) -> tuple[ClipFacts, ...]:
    """Return what is known of the clips that the report is about."""
    facts = {clip.name: pictures.facts(clip, logits.get(clip.name)) for clip in shown}
    return tuple(facts.values())


def stored_facts(
    pictures: ClipPictures,
    clips: Sequence[ClipReference],
    names: Iterable[str],
    progress: Progress,
    *,
    preview: bool = False,
) -> tuple[ClipFacts, ...]:
    """Return what is known of the named ones of the reference clips, in their order, loading one at a time.

    A clip that can no longer be read is left out with a note: pages then show its name alone.
    """
    wanted = set(names)
    found = []
    chosen = [clip for clip in clips if clip.name in wanted]
    with progress.task("pictures of the reference clips", len(chosen)) as task:
        for clip in chosen:
            try:
                known = pictures.known(clip.name, clip.digest)
                found.append(known or pictures.facts(clip.load(), reference=True, preview=preview))
            except ClipError as error:
                progress.note(f"{clip.name} has no picture: {error}")
            task.advance()
    return tuple(found)


def _write(store: Store, clip: Clip, *, preview: bool) -> tuple[Artifact, Artifact]:
    shown = clip.frames, clip.title
    figure: Figure = PreviewFigure(*shown) if preview else ClipFigure(*shown, fine=True)
    artifacts = write_figure(store, clip_folder(clip.name), "clip", figure)
    return artifacts[1], artifacts[0]


def _clip_fact(
    clip: Clip, predictions: Predictions, pictures: tuple[Artifact, Artifact], *, reference: bool
) -> ClipFacts:
    frames, height, width = clip.pixels.shape[2:]
    return ClipFacts(
        name=clip.name,
        title=clip.title,
        source=clip.source,
        sha256=clip.digest,
        frames=frames,
        height=height,
        width=width,
        frame_rate=clip.frame_rate,
        first_frame=clip.first_frame,
        frame_step=clip.frame_step,
        label=clip.label,
        reference=reference,
        poster=pictures[0],
        clip=pictures[1],
        predictions=predictions,
    )


def environment(network: Network, command: Sequence[str]) -> Environment:
    """Return where and with what the run is computed."""
    return Environment(
        reportgen=__version__,
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        platform=f"{platform.system()} {platform.machine()}",
        device=device_name(network.device),
        threads=torch.get_num_threads(),
        command=tuple(map(printable, command)),
        commit=checkout_commit(),
    )
