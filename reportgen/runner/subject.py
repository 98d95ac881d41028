"""What a run is about: which layers, kernels, clips and classes the options select in a network."""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from reportgen.analyses.base import Concept, tensor
from reportgen.analyses.choice.selection import KernelSelection
from reportgen.clips import Clip, read_clip
from reportgen.clips.given import named_clips, passed_over
from reportgen.config.options import BuildOptions
from reportgen.errors import CardError, ClipError, EmptySelectionError, OptionError
from reportgen.networks.core.network import Network
from reportgen.progress import SILENT, Progress
from reportgen.records.card import Generator, ModelCard
from reportgen.records.identities import slug
from reportgen.records.manifest import LayerFacts
from reportgen.wording import command
from reportgen.zoo.sources import import_file

#: A network without published stages is shown at this many convolutions, evenly spread over its depth.
DEFAULT_STAGES = 5


def select_layers(network: Network, layers: Mapping[str, LayerFacts], patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the layers to show, in the network's order.

    `patterns` are layer names or globs over all convolutional and linear layers (the published underscore spelling is
    accepted), or the name of a block, which stands for its last convolution; without any, the card's stages, or else
    convolutions spread evenly over the depth. Raises EmptySelectionError for a pattern that matches nothing.
    """
    if not patterns:
        stages = [stage.layer for stage in network.card.stages] if network.card else []
        chosen = {network.layer_name(stage) for stage in stages} or set(_spread(layers))
        return tuple(name for name in layers if name in chosen)
    chosen = set()
    for pattern in patterns:
        spelled = pattern.replace(".", "_")
        found = {n for n in layers if fnmatch.fnmatchcase(n, pattern) or n.replace(".", "_") == spelled}
        if not found and not set(pattern) & set("*?["):
            found = {_last_within(network.layer_name(pattern), layers)}
        if not found:
            raise EmptySelectionError(
                f"No layer of {network.name} matches {pattern!r}: {command('layers', network.name)} lists them."
            )
        chosen |= found
    return tuple(name for name in layers if name in chosen)


def _last_within(block: str, layers: Mapping[str, LayerFacts]) -> str:
    """Return a block's last convolution, else its last linear layer; raises EmptySelectionError where it has none."""
    inner = [name for name in layers if name.startswith(f"{block}.")]
    convolutions = [name for name in inner if layers[name].kind.startswith("Conv")]
    if not inner:
        raise EmptySelectionError(f"{block} holds no convolution and no linear layer: it has no kernels.")
    return (convolutions or inner)[-1]


def check_kernels(asked: KernelSelection, layers: Mapping[str, LayerFacts], stages: Sequence[str]) -> None:
    """Raise EmptySelectionError when more kernels are asked for, or one of a higher index, than any layer has.

    Of a network that shows no layer there is no kernel to be had, which the methods say.
    """
    if not stages:
        return
    most = max(layers[name].kernels for name in stages)
    beyond = [kernel for kernel in asked.listed if kernel >= most]
    if beyond:
        raise EmptySelectionError(
            f"None of the chosen layers has a kernel {beyond[0]}: they have at most {most}, 0 to {most - 1}."
        )
    if asked.count is not None and asked.count > most:
        raise EmptySelectionError(
            f"None of the chosen layers has {asked.count} kernels: they have at most {most}; 'all' takes all of them."
        )


def _spread(layers: Mapping[str, LayerFacts]) -> list[str]:
    convolutions = [name for name, facts in layers.items() if facts.kind.startswith("Conv")]
    if len(convolutions) <= DEFAULT_STAGES:
        return convolutions
    places = np.linspace(0, len(convolutions) - 1, DEFAULT_STAGES).round().astype(int)
    return [convolutions[place] for place in places]


def read_clips(network: Network, options: BuildOptions, progress: Progress = SILENT) -> list[Clip]:
    """Return the clips that the user gave, at the network's native size; raises ClipError.

    What a pattern or a folder of videos stands for is noted, and so are files of such a folder that are no clips.
    """
    if network.card is None:
        raise OptionError("Clips need a model card that says how they are prepared.")
    spec = network.card.clip
    frames = options.frame_range()
    paths, notes, doubtful = named_clips(options.clips)
    read, faults = [], []
    for path in paths:
        try:
            read.append(read_clip(path, spec, frames=frames))
        except ClipError as error:
            if path not in doubtful:
                raise
            faults.append(str(error))
    if faults and not read:
        raise ClipError(f"None of the files could be read as a clip: {faults[0]}")
    for sentence in (*notes, *([passed_over(faults)] if faults else [])):
        progress.note(sentence)
    titles = [clip.title for clip in read]
    names = clip_names(read)
    return [
        replace(clip, name=name, title=f"{clip.title} ({clip.source})" if titles.count(clip.title) > 1 else clip.title)
        for clip, name in zip(read, names, strict=True)
    ]


_FEW = 32
"""Clips that are made first where only those to be shown are wanted."""


def clip_names(clips: Sequence[Clip]) -> list[str]:
    """Return the clips' names in the run: their own, and the first digits of what they show.

    A name is the clip's address, and so does not depend on which others are there, nor on their order. Only of equal
    clips the second and later ones are counted.
    """
    names: list[str] = []
    for clip in clips:
        name = f"{slug(clip.name)}-{hashlib.sha256(clip.digest.encode()).hexdigest()[:8]}"
        again = sum(other == name or other.startswith(f"{name}-") for other in names)
        names.append(f"{name}-{again + 1}" if again else name)
    return names


class GeneratedClip(Protocol):
    """What a card's generator makes: pixels C T H W in [0, 1] RGB with their class."""

    name: str
    clip: Tensor
    label: int
    label_name: str


def generate_clips(card: ModelCard, folder: Path) -> tuple[list[Clip], list[Clip]]:
    """Return the clips that the card's generator makes: those shown without `--clip`, and all as references.

    The generator is a function ``reference_clips(card, count, seed)`` of the file that the card names; it returns a
    sequence of GeneratedClip. Raises CardError when the file or a shown label is not there.
    """
    if card.generator is None:
        return [], []
    made = _made(card, card.generator, folder, card.generator.count)
    return [_first_of(made, wanted) for wanted in card.generator.shown], made


def generate_shown(card: ModelCard, folder: Path) -> list[Clip]:
    """Return the clips that the card's generator makes to be shown, from as few clips as have their labels.

    Raises CardError as `generate_clips` does.
    """
    if card.generator is None or not card.generator.shown:
        return []
    count = min(_FEW, card.generator.count)
    made = _made(card, card.generator, folder, count)
    while count < card.generator.count and not set(card.generator.shown) <= {clip.title for clip in made}:
        count = min(2 * count, card.generator.count)
        made = _made(card, card.generator, folder, count)
    return [_first_of(made, wanted) for wanted in card.generator.shown]


def _made(card: ModelCard, generator: Generator, folder: Path, count: int) -> list[Clip]:
    return [_generated(one) for one in _generator(folder, generator)(card, count, generator.seed)]


def concept_clip_name(concept: str, clip: str) -> str:
    """Return the name of a concept's clip in the run: no other clip has one like it."""
    return slug(f"c-{slug(concept)}-{slug(clip)}")


def generate_concepts(card: ModelCard, folder: Path) -> list[Concept]:
    """Return the concepts that the card's generator makes clips of, by another seed than the reference clips'."""
    generator = card.generator
    if generator is None or not generator.concepts:
        return []
    made = [_generated(one) for one in _generator(folder, generator)(card, generator.count, generator.seed + 1)]
    concepts = []
    for concept in generator.concepts:
        own = [clip for clip in made if fnmatch.fnmatchcase(clip.title, concept.labels)]
        if not own:
            raise CardError(f"The card's generator makes no clip of {concept.labels!r}, of which {concept.name} is.")
        own = own[: concept.count]
        named = [replace(clip, name=concept_clip_name(concept.name, clip.name)) for clip in own]
        concepts.append(Concept(concept.name, tuple(clip.reference() for clip in named), "generated"))
    return concepts


def _generated(made: GeneratedClip) -> Clip:
    pixels = made.clip.unsqueeze(0).float().contiguous().numpy()
    return Clip(slug(made.name), pixels, title=made.label_name, source="generated", label=made.label)


def _first_of(made: Sequence[Clip], label: str) -> Clip:
    for clip in made:
        if clip.title == label:
            return clip
    raise CardError(f"The card's generator shows {label!r}, but makes no clip of that class.")


def _generator(folder: Path, generator: Generator) -> Callable[[ModelCard, int, int], Sequence[GeneratedClip]]:
    path = folder / generator.source
    if not path.is_file():
        raise CardError(f"The card names the clip generator {path}, which is not there.")
    factory: Callable[[ModelCard, int, int], Sequence[GeneratedClip]] = getattr(import_file(path), generator.factory)
    return factory


def class_logits(network: Network, clips: Sequence[Clip]) -> dict[str, Tensor]:
    """Return the class logits `K` of each clip, float32 on the CPU; empty for a network without classes."""
    if not network.has_classes:
        return {}
    with torch.no_grad():
        return {clip.name: network.logits(tensor(clip).to(network.device))[0].float().cpu() for clip in clips}
