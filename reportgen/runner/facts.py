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
    facts: dict[str, ClipFacts] = {}
    for read in (*shown, *reference):
        if read.clip.name not in facts:
            facts[read.clip.name] = _clip_fact(store, read, logits.get(read.clip.name))
    return tuple(facts.values())


def _clip_fact(store: Store, read: ReadClip, logits: Tensor | None) -> ClipFacts:
    frames = read.clip.pixels[0].permute(1, 2, 3, 0).numpy()
    artifacts = write_figure(store, f"media/clips/{read.clip.name}", "clip", ClipFigure(frames, read.title))
    return ClipFacts(
        name=read.clip.name,
        title=read.title,
        source=read.source,
        sha256=read.clip.digest,
        frames=frames.shape[0],
        height=frames.shape[1],
        width=frames.shape[2],
        frame_rate=read.frame_rate,
        first_frame=read.first_frame,
        frame_step=read.frame_step,
        label=read.clip.label,
        reference=read.reference,
        poster=next((a for a in artifacts if a.kind == "image"), None),
        clip=next((a for a in artifacts if a.kind == "clip" and a.media_type == "image/webp"), None),
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
