"""The concepts of a build: the user's folders of pictures and clips, else those that the card's generator makes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reportgen.analyses.base import Concept
from reportgen.clips import ClipReference
from reportgen.clips.collection import FoundClip, Pictures, find_clips, found_file
from reportgen.clips.reading import open_source
from reportgen.config.options import BuildOptions
from reportgen.errors import OptionError
from reportgen.networks.core.network import Network
from reportgen.progress import Progress
from reportgen.records.answers.concepts import ConceptAnswer
from reportgen.records.jobs import Done, Record
from reportgen.runner.loading import card_of
from reportgen.runner.references import clip_reference, clip_spec
from reportgen.runner.subject import concept_clip_name, generate_concepts
from reportgen.wording import option
from reportgen.zoo.cards import default_zoo

CONCEPTS = "concepts"


def select_concepts(network: Network, options: BuildOptions, progress: Progress) -> tuple[Concept, ...]:
    """Return the concepts to test, their clips still in their files; none where the method was not asked for.

    Raises ClipError for a folder without files and for a file that is no clip, OptionError where the method was asked
    for by name and there is none.
    """
    if options.analyses and CONCEPTS not in options.analyses:
        return ()
    given = options.concept_folders()
    if given:
        return tuple(_stored(network, name, path, progress) for name, path in given)
    card = card_of(network)
    if card.generator is not None and card.generator.concepts and options.concept_parameters().generated:
        return tuple(generate_concepts(card, default_zoo(options.zoo).find(card.name).folder))
    if CONCEPTS in options.analyses:
        raise OptionError(
            "The analysis concepts has nothing to test: name folders of pictures by "
            f"{option('--concept', form='NAME=DIR')}."
        )
    return ()


def _stored(network: Network, name: str, path: Path, progress: Progress) -> Concept:
    spec = clip_spec(network)
    # A network of single frames can take a picture of a sub-folder in no other way than by itself.
    found = _found(path, name, "alone" if spec.frames == 1 else "outside")
    clips = []
    with progress.task(f"digests of the clips of {name}", len(found)) as task:
        for number, clip in enumerate(found, start=1):
            clips.append(clip_reference(clip, concept_clip_name(name, f"{number:05d}-{clip.title}"), spec, still=True))
            task.advance()
    return Concept(name, tuple(clips))


def _found(path: Path, name: str, pictures: Pictures) -> Sequence[FoundClip]:
    if not path.is_file():
        return find_clips(path, asked=option("--concept", name), pictures=pictures)
    found = found_file(path)
    open_source(found[0].path)  # the one file that was named: what is wrong with it is said before any work
    return found


def concept_clips(concepts: Sequence[Concept], reference: Sequence[ClipReference]) -> list[ClipReference]:
    """Return every clip that may stand on the page of a concept."""
    return [*(clip for concept in concepts for clip in concept.clips), *reference]


def names_to_show(record: Record) -> Sequence[str]:
    """Return the names of the clips that stand on a concept's page, by its record."""
    return record.outcome.read(ConceptAnswer).names if isinstance(record.outcome, Done) else ()
