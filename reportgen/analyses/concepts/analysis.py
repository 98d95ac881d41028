"""Every concept of a build against its reference clips: one unit a concept, one pass over the reference for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reportgen.analyses.base import Answers, Concept, Inapplicable, Subject, Unit
from reportgen.analyses.common.inputs import clips_and_layers
from reportgen.analyses.common.layers import measurable_layers
from reportgen.analyses.common.readable import UnreadableClips, readable_clips
from reportgen.analyses.common.responses import Meter
from reportgen.analyses.concepts.alike import labelled_like
from reportgen.analyses.concepts.compare import ConceptTests, KernelTests, against_reference
from reportgen.analyses.concepts.parameters import ConceptParameters
from reportgen.analyses.concepts.passes import ClipResponses
from reportgen.analyses.concepts.rank_tests import LEAST_TESTED_CLIPS
from reportgen.analyses.concepts.table import table_of_tests
from reportgen.errors import ClipError
from reportgen.networks.kernels.preactivation import clip_channels, native_shape
from reportgen.progress import Progress
from reportgen.records.answers.concepts import ConceptAnswer, ConceptLayer, LayerProfile, LeadingKernel, Shown
from reportgen.records.digits import significant_if_finite
from reportgen.records.figures import Figure, Result
from reportgen.records.identities import slug
from reportgen.records.jobs import content_key
from reportgen.records.targets import class_name
from reportgen.wording import option

_LEADING, _LEADING_SHOWN = 5, 3
"""Kernels whose clips are kept in order of response: the leading ones of all layers, and of those with a page."""

_CLIPS, _BEST = 6, 3
"""Clips of the concept, and reference clips, that are kept of each."""


class ConceptAnalysis:
    """One unit a concept; without concepts there is nothing to ask."""

    def units(self, subject: Subject, parameters: ConceptParameters) -> Sequence[Unit | Inapplicable]:  # noqa: ARG002
        """Return a unit for each concept, or why there is none."""
        if not subject.concepts:
            return []
        reference, layers = subject.every_clip, measurable_layers(subject.layers)
        if not reference:
            reason = "no reference clips to compare the concepts with: give real clips with --reference or --clip"
            return [Inapplicable(subject.model, reason)]
        if not layers:
            return [Inapplicable(subject.model, "no layer of this network has a map or a value for each kernel")]
        shared = {
            **clips_and_layers(reference, layers),
            "shown": content_key([subject.stages, {name: list(found) for name, found in subject.kernels.items()}]),
        }
        return [
            Unit(
                f"{subject.model}/concept-{slug(concept.name)}",
                subject.model,
                {"objective": subject.objective, "concept": concept.name},
                {**shared, "concept": content_key([clip.digest for clip in concept.clips])},
            )
            for concept in subject.concepts
        ]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: ConceptParameters,  # noqa: ARG002
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield what each concept drives; raises ClipError when none of its clips, or of the reference, can be read."""
        network = subject.network
        shape, channels = native_shape(network), clip_channels(network)
        meter = Meter(network, measurable_layers(subject.layers), shape, channels, subject.objective)
        clips, faults = subject.every_clip, UnreadableClips()
        concepts = {concept.name: concept for concept in subject.concepts}
        with ClipResponses(meter) as reference:
            reference.run(readable_clips(clips, faults), len(clips), "responses to the reference clips", progress)
            if not reference.names:
                raise ClipError(f"None of {len(clips)} reference clips can be read. {faults.first}")
            refused = []
            for unit in units:
                try:
                    yield unit, _answered(subject, concepts[str(unit.parameters["concept"])], reference, progress)
                except ClipError as error:
                    refused.append(str(error))
            if refused:  # behind the others, which do not need it
                raise ClipError(" ".join(refused))


def _answered(subject: Subject, concept: Concept, reference: ClipResponses, progress: Progress) -> Result:
    faults = UnreadableClips()
    with ClipResponses(reference.meter) as own:
        own.run(readable_clips(concept.clips, faults), len(concept.clips), f"responses to {concept.name}", progress)
        if not own.names:
            raise ClipError(f"None of the files of {concept.name} ({len(concept.clips)}) can be read. {faults.first}")
        labels = [None if label is None else class_name(subject.network.labels, label) for label in reference.labels]
        tests = against_reference(own, reference, labelled_like(concept.name, labels))
        if not tests.reference:
            raise ClipError(
                f"Every reference clip belongs to {concept.name} itself: there is nothing to compare it with. "
                f"Give others with {option('--reference')}."
            )
        answer = _answer(subject, concept, tests, own, reference, faults)
    figures: dict[str, Figure] = {
        "concept_tests": table_of_tests(tests, f"{concept.name} against the reference, every kernel"),
    }
    return Result(answer, figures, _notes(answer, faults))


def _answer(
    subject: Subject,
    concept: Concept,
    tests: ConceptTests,
    own: ClipResponses,
    reference: ClipResponses,
    faults: UnreadableClips,
) -> ConceptAnswer:
    shown = _Shown(tests, own, reference)
    leading = shown.leading(_leading(subject, tests))
    methods = Counter(str(name) for found in tests.layers.values() for name in found.methods)
    return ConceptAnswer(
        concept=concept.name,
        source=concept.source,
        objective=subject.objective,
        clips=len(tests.clips),
        still=sum(own.still[row] for row in tests.clips),
        repeated=len(own.names) - len(tests.clips),
        unreadable=faults.count,
        reasons=faults.reasons,
        reference=len(tests.reference),
        shared=tests.shared,
        labelled=tests.labelled,
        least=LEAST_TESTED_CLIPS,
        tested=tests.tested,
        kernels=sum(len(found.p) for found in tests.layers.values()),
        methods=dict(sorted(methods.items())),
        names=tuple(shown.names),
        layers={layer: _layer(found) for layer, found in tests.layers.items()},
        profiles={layer: _profile(tests.layers[layer]) for layer in subject.stages if layer in tests.layers},
        leading=leading,
    )


def _leading(subject: Subject, tests: ConceptTests) -> list[tuple[str, int]]:
    """Return the leading kernels of all layers, then the leading ones of those that have a page."""
    every = tests.leading(tests.tested or _LEADING)
    pages = [one for one in every if one[1] in subject.kernels.get(one[0], ())]
    return list(dict.fromkeys([*every[:_LEADING], *pages[:_LEADING_SHOWN]]))


class _Shown:
    """The clips that stand beside the leading kernels; `names` in the order in which they are first asked for."""

    def __init__(self, tests: ConceptTests, own: ClipResponses, reference: ClipResponses) -> None:
        self._sides = ((own, tests.clips, _CLIPS), (reference, tests.reference, _BEST))
        self.names: dict[str, int] = {}

    def leading(self, kernels: Sequence[tuple[str, int]]) -> tuple[LeadingKernel, ...]:
        """Return some kernels with their clips; each side's table is read once for all of them."""
        responses = [side.of_kernels(kernels, rows) for side, rows, _most in self._sides]
        found = []
        for place, (layer, index) in enumerate(kernels):
            clips, best = (
                self._ordered(side, rows, most, values[:, place])
                for (side, rows, most), values in zip(self._sides, responses, strict=True)
            )
            found.append(LeadingKernel(layer=layer, index=index, clips=clips, best=best))
        return tuple(found)

    def _ordered(self, side: ClipResponses, rows: Sequence[int], most: int, values: Tensor) -> tuple[Shown, ...]:
        order = values.argsort(descending=True, stable=True)[:most].tolist()
        return tuple(
            (
                self.names.setdefault(side.names[rows[place]], len(self.names)),
                significant_if_finite(float(values[place]), 4),
            )
            for place in order
        )


def _layer(found: KernelTests) -> ConceptLayer:
    return ConceptLayer(
        score=_listed(found.score),
        auroc=_listed(found.auroc),
        low=_listed(found.low),
        high=_listed(found.high),
        p=_listed(found.p),
        q=_listed(found.q),
        rank=tuple(found.rank.tolist()),
    )


def _profile(found: KernelTests) -> LayerProfile:
    low, middle, high = (_listed(values) for values in found.reference)
    return LayerProfile(mean=_listed(found.mean), low=low, middle=middle, high=high)


def _listed(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(significant_if_finite(value, 4) for value in values.tolist())


def _are(count: int, what: str) -> str:
    return f"{count} {what} is" if count == 1 else f"{count} {what}s are"


def _notes(answer: ConceptAnswer, faults: UnreadableClips) -> list[str]:
    """Return what was left out, and why nothing was tested, in sentences."""
    found = []
    if faults.count:
        found.append(f"{faults.count} of the concept's files could not be read. {faults.first}")
    if answer.repeated:
        found.append(f"{_are(answer.repeated, 'clip')} in the concept a second time and counted once.")
    if answer.shared:
        found.append(f"{_are(answer.shared, 'reference clip')} also a clip of the concept: left out of the reference.")
    if answer.labelled:
        found.append(f"{_are(answer.labelled, 'reference clip')} labelled {answer.concept}: left out of the reference.")
    if not answer.tested and min(answer.clips, answer.reference) < answer.least:
        found.append(
            f"Nothing was tested: a test needs {answer.least} clips of the concept and {answer.least} reference clips, "
            f"and there are {answer.clips} and {answer.reference}."
        )
    return found
