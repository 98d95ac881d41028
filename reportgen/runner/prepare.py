"""What a run is about, before anything is planned: the network, its layers and its clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from reportgen.analyses.base import Subject
from reportgen.analyses.choice.analysis import choice
from reportgen.analyses.weight_gradients.overall import given_classes
from reportgen.clips import Clip, ClipReference
from reportgen.config.options import BuildOptions
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.layers import describe_layers
from reportgen.progress import Progress
from reportgen.records.jobs import content_key
from reportgen.runner.concepts import select_concepts
from reportgen.runner.loading import Loader, card_of, weights_of
from reportgen.runner.places import Place
from reportgen.runner.references import stored_clips
from reportgen.runner.subject import (
    check_kernels,
    class_logits,
    generate_clips,
    generate_shown,
    read_clips,
    select_layers,
)
from reportgen.runner.targets import select_targets
from reportgen.zoo.cards import default_zoo


@dataclass(frozen=True)
class Prepared:
    """A network with what a build asks of it.

    `shown` clips are in memory; `logits` are theirs, `inputs` the digests that every answer depends on.
    """

    place: Place
    network: Network
    subject: Subject
    shown: tuple[Clip, ...]
    logits: Mapping[str, Tensor]
    inputs: Mapping[str, str]


def prepare(place: Place, load: Loader, options: BuildOptions, globs: Sequence[str], progress: Progress) -> Prepared:
    """Return a network of a build with its clips and the layers that `globs` select, or else its card.

    Raises the errors of loading it, of clips that cannot be read, and of options that select nothing of it.
    """
    network = load.network(place.asked.model)
    layers = {facts.name: facts for facts in describe_layers(network)}
    shown, reference = _clips(network, options, progress)
    logits = class_logits(network, shown)
    subject = Subject(
        network=network,
        name=place.name,
        layers=layers,
        stages=select_layers(network, layers, globs),
        selection=options.kernel_selection(),
        choose=options.choose,
        clips=tuple(shown),
        reference=tuple(reference),
        concepts=select_concepts(network, options, progress),
        targets=select_targets(network, shown, logits, options),
        objective=options.objective,
        seed=options.seed,
    )
    # Kernels and classes that there are not are told now, and not after the pass over the clips.
    if options.kernels is not None:
        check_kernels(subject.selection, layers, subject.stages)
    choice(subject)
    given_classes(network, options.weight_gradient_parameters())
    inputs = {**_inputs(network), "source": place.asked.source.sha256 or ""}
    return Prepared(place, network, subject, tuple(shown), logits, inputs)


def _clips(network: Network, options: BuildOptions, progress: Progress) -> tuple[list[Clip], list[ClipReference]]:
    """Return the clips to show (the user's, else the generator's choice) and the reference clips.

    These are the ones of the folder that the user gave, still in their files, else those of the card's generator,
    which stay in memory.
    """
    given = read_clips(network, options, progress) if options.clips else []
    stored = stored_clips(network, options.reference, progress) if options.reference else []
    card = card_of(network)
    if card.generator is None:
        return given, stored
    folder = default_zoo(options.zoo).find(card.name).folder
    if stored:
        return given or generate_shown(card, folder), stored
    generated, reference = generate_clips(card, folder)
    return given or generated, [clip.reference() for clip in reference]


def _inputs(network: Network) -> dict[str, str]:
    card = card_of(network)
    asked = card.model_dump(mode="json", include={"architecture", "clip", "adapter", "classifier", "classes"})
    return {"model": card.name, "card": content_key(asked), "weights": weights_of(network).sha256}
