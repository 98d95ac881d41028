"""What a run's header says of its clips and of where it was computed."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from reportgen.media import write_figure
from reportgen.networks.network import Network
from reportgen.records.figures import ClipFigure
from reportgen.records.jobs import Artifact
from reportgen.records.manifest import ClipFacts, Environment
from reportgen.records.store import Store
from reportgen.runner.subject import ReadClip
from reportgen.version import __version__

#: How many of a clip's most likely classes are kept.
TOP_CLASSES = 5


def clip_facts(
    store: Store,
    shown: Sequence[ReadClip],
    reference: Sequence[ReadClip],
    logits: Mapping[str, Tensor],
) -> tuple[ClipFacts, ...]:
    """Write each clip's pictures and return what is known of it; a clip that is shown is no second time a reference."""
    there = _pictures(store)
    facts: dict[str, ClipFacts] = {}
    for read in (*shown, *reference):
        if read.clip.name not in facts:
            known = there.get((read.clip.name, read.clip.digest, read.title))
            facts[read.clip.name] = _clip_fact(read, logits.get(read.clip.name), known or _write(store, read))
    return tuple(facts.values())


def _pictures(store: Store) -> dict[tuple[str, str, str], tuple[Artifact, Artifact]]:
    """Return the poster and the frames of the clips of the last build, by name, digest and title."""
    found = {}
    for facts in store.read_run().clips if store.has_run() else ():
        pair = (facts.poster, facts.clip)
        if pair[0] and pair[1] and all(store.path(artifact).is_file() for artifact in pair if artifact):
            found[facts.name, facts.sha256, facts.title] = (pair[0], pair[1])
    return found


def _write(store: Store, read: ReadClip) -> tuple[Artifact, Artifact]:
    frames = read.clip.pixels[0].permute(1, 2, 3, 0).numpy()
    artifacts = write_figure(store, f"media/clips/{read.clip.name}", "clip", ClipFigure(frames, read.title))
    poster = next(artifact for artifact in artifacts if artifact.kind == "image")
    sprite = next(artifact for artifact in artifacts if artifact.kind == "clip" and artifact.media_type == "image/webp")
    return poster, sprite


def _clip_fact(read: ReadClip, logits: Tensor | None, pictures: tuple[Artifact, Artifact]) -> ClipFacts:
    frames, height, width = read.clip.pixels.shape[2:]
    return ClipFacts(
        name=read.clip.name,
        title=read.title,
        source=read.source,
        sha256=read.clip.digest,
        frames=frames,
        height=height,
        width=width,
        frame_rate=read.frame_rate,
        first_frame=read.first_frame,
        frame_step=read.frame_step,
        label=read.clip.label,
        reference=read.reference,
        poster=pictures[0],
        clip=pictures[1],
        predictions=_predictions(logits),
    )


def _predictions(logits: Tensor | None) -> tuple[tuple[int, float, float], ...]:
    if logits is None:
        return ()
    probabilities = logits.softmax(0)
    best = logits.topk(min(TOP_CLASSES, len(logits))).indices.tolist()
    return tuple((index, float(logits[index]), float(probabilities[index])) for index in best)


def environment(network: Network, command: Sequence[str]) -> Environment:
    """Return where and with what the run is computed."""
    cuda = network.device.type == "cuda"
    return Environment(
        reportgen=__version__,
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        platform=f"{platform.system()} {platform.machine()}",
        device=torch.cuda.get_device_name(network.device) if cuda else (platform.processor() or "CPU"),
        threads=torch.get_num_threads(),
        command=tuple(command),
    )
