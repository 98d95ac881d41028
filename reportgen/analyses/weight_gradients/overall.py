"""What weight gradients say of a network as a whole: the numeric check, importance, the comparison, the removals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial

from reportgen.analyses.base import Subject, tensor
from reportgen.analyses.common.budget import GRADIENT_PASSES, fitted, lowered, passes_within
from reportgen.analyses.common.memory import starting_batch
from reportgen.analyses.common.readable import UnreadableClips
from reportgen.analyses.common.reducing import reducing_pays
from reportgen.analyses.common.targets import network_of, title_of
from reportgen.analyses.weight_gradients.compare import comparison_of_classes
from reportgen.analyses.weight_gradients.confusion import (
    ROLES,
    AskedReference,
    ClassesToCompare,
    Role,
    asked_references,
    compare_classes,
    evenly_by_label,
    pixels_of,
)
from reportgen.analyses.weight_gradients.differences import check_gradients
from reportgen.analyses.weight_gradients.importance import class_importance
from reportgen.analyses.weight_gradients.ordering import importance_test
from reportgen.analyses.weight_gradients.parameters import WeightGradientParameters
from reportgen.analyses.weight_gradients.pictures import importance_table, tile_figures
from reportgen.analyses.weight_gradients.removal import SCORES, SHARES, AskedClip, Measure, remove_filters
from reportgen.clips import Clip, ClipReference
from reportgen.errors import NetworkError, OptionError, for_pages
from reportgen.networks.core.classes import class_index
from reportgen.networks.core.network import Network
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.progress import Progress
from reportgen.records.answers.weight_gradients import (
    CheckedGradients,
    CheckedLayer,
    ClassComparison,
    ImportanceTest,
    ModelImportance,
    WeightGradientAnswer,
)
from reportgen.records.figures import Figure, Result
from reportgen.records.targets import Target
from reportgen.wording import option

TESTED_CLIPS, TESTED_DRAWS = 8, 19
"""Clips and random draws that the audit asks for before it says which score orders the filters best."""

_GIVEN = f"{option('--reference-class')}, {option('--similar')} and {option('--dissimilar')}"

LEAST_CLIPS, LEAST_DRAWS = 2, 3
"""Of what the work that is allowed does not suffice for, so many there are at least."""


def given_classes(network: Network, parameters: WeightGradientParameters) -> dict[Role, int]:
    """Return the classes that were named, by their part in the comparison.

    Raises UnknownNameError for a class that there is not, with the nearest; OptionError for a network without classes
    and where two of them are one class.
    """
    named = dict(zip(ROLES, (parameters.reference_class, parameters.similar, parameters.dissimilar), strict=True))
    wanted = {role: name for role, name in named.items() if name is not None}
    if wanted and not network.has_classes:
        raise OptionError(f"{network.name} has no classes: leave out {_GIVEN}.")
    found = {role: class_index(network, name) for role, name in wanted.items()}
    if len(set(found.values())) < len(found):
        raise OptionError(f"{_GIVEN} must name three different classes.")
    return found


@dataclass
class Overall:
    """The questions about a model, in the order in which they are asked; `result` asks them all."""

    subject: Subject
    graph: ConnectionGraph
    shown: Sequence[str]
    parameters: WeightGradientParameters
    progress: Progress
    faults: UnreadableClips = field(default_factory=UnreadableClips)
    left_out: list[str] = field(default_factory=list)

    def result(self) -> Result:
        """Return the answer with its pictures and files."""
        clips = asked_references(self.subject.network, self._references(), self.faults)
        labelled = [one for one in clips if one.label is not None]
        compared = self._compared(labelled)
        most = self.parameters.class_clips
        classes, norms = class_importance(self.subject, self.graph, clips, compared, most)
        comparison: ClassComparison | None = None
        figures: dict[str, Figure] = {}
        if compared is not None:
            given = given_classes(self.subject.network, self.parameters)
            comparison, figures = comparison_of_classes(
                self.subject, self.graph, compared, labelled, given, self.shown, self.progress
            )
        figures |= tile_figures(classes, self.shown)
        figures["importance"] = importance_table(classes, norms, "Importance of every filter of every convolution")
        removal, why_not = self._removal(clips)
        answer = ModelImportance(
            check=self._check(),
            classes=tuple(classes),
            comparison=comparison,
            no_comparison=self._no_comparison(labelled),
            removal=removal,
            no_removal=why_not,
            unreadable=self.faults.count,
        )
        notes = []
        if self.faults.count:
            notes.append(f"{self.faults.count} of the reference clips could not be read. {self.faults.first}")
        if self.left_out:
            notes.append(f"This preset bounds the work: {', '.join(self.left_out)}.")
        if not self.shown:
            notes.append("None of the shown layers is a convolution: name some with --layers to see their gradients.")
        return Result(WeightGradientAnswer(overall=answer), figures, notes)

    def _references(self) -> list[ClipReference]:
        """Return the clips that are asked: labelled ones alone where there are any."""
        every = self.subject.every_clip
        labelled = [clip for clip in every if clip.label is not None] if self.subject.network.has_classes else []
        return evenly_by_label(labelled or every, self.parameters.clips, self.subject.seed)

    def _first(self) -> tuple[Clip, Target]:
        clip = self.subject.clips[0]
        return clip, next(one for one in self.subject.targets[clip.name] if one.kind != "contrast")

    def _check(self) -> CheckedGradients:
        """Return the numeric check on the first shown clip."""
        clip, target = self._first()
        network, index = network_of(self.subject, target)
        facts: dict[str, object] = {"clip": clip.name, "target_title": title_of(self.subject, target)}
        if not self.shown:
            return CheckedGradients.model_validate({**facts, "reason": "none of the shown layers is a convolution"})
        try:
            found = check_gradients(
                network,
                tensor(clip).to(network.device),
                index,
                self.graph,
                self.shown,
                weights=self.parameters.weights,
                work=self.parameters.check_work,
                seed=self.subject.seed,
            )
        except NetworkError as error:
            return CheckedGradients.model_validate({**facts, "reason": for_pages(error).rstrip(".")})
        whole = clip.pixels.shape[1:]
        return CheckedGradients(
            clip=clip.name,
            target_title=title_of(self.subject, target),
            shape=found.shape,
            whole=whole if found.shape != whole else (),
            single=found.single,
            layers={name: CheckedLayer(**asdict(row)) for name, row in found.layers.items()},
        )

    def _compared(self, labelled: Sequence[AskedReference]) -> ClassesToCompare | None:
        if not labelled:
            return None
        _, target = self._first()
        preferred = target.index if target.of_class else None
        given = given_classes(self.subject.network, self.parameters)
        return compare_classes(labelled, self.subject.network.labels, given=given, preferred=preferred)

    def _no_comparison(self, labelled: Sequence[AskedReference]) -> str | None:
        if labelled:
            return None
        if not self.subject.network.has_classes:
            return "this network has no classes, of which one could be like another"
        return "no clip has a label: give reference clips in folders named like classes with --reference"

    def _removal(self, clips: Sequence[AskedReference]) -> tuple[ImportanceTest | None, str | None]:
        """Return what the removal of filters says, or why none were removed."""
        parameters, network = self.parameters, self.subject.network
        if not parameters.removal_clips:
            return None, "it was not asked for (removal_clips is 0)"
        if not clips:
            return None, "no reference clip could be read"
        asked_of, measure = network, _measure(network, clips)
        if not network.has_classes:
            asked_of, _ = network_of(self.subject, self._first()[1])
        asked = [
            AskedClip(partial(pixels_of, one.clip, network), one.asked if network.has_classes else 0)
            for one in clips[: parameters.scored_clips]
        ]
        wanted = {"draws": parameters.draws, "clips": min(parameters.removal_clips, len(asked))}
        chosen = self._affordable(wanted)
        tried, draws = chosen["clips"], chosen["draws"]
        asked = asked[: max(2 * tried, 2)] if tried < parameters.removal_clips else asked
        self.left_out += lowered(
            wanted, chosen, {"draws": "random draws of removed filters", "clips": "clips on which filters are removed"}
        )
        try:
            found = remove_filters(
                asked_of,
                asked,
                self.graph,
                measure,
                most_clips=tried,
                draws=draws,
                seed=self.subject.seed,
                batch=network.at_once(starting_batch(asked[0].load())),
                reduced=reducing_pays(
                    self.subject.layers, tried * len(SHARES) * (2 * len(SCORES) + draws), network.device
                ),
                progress=self.progress,
            )
        except NetworkError as error:  # it takes other steps on each pass, say: its filters cannot be silenced
            return None, for_pages(error).rstrip(".")
        return importance_test(found, scored=len(asked), seed=self.subject.seed), None

    def _affordable(self, asked: Mapping[str, int]) -> dict[str, int]:
        """Return on how many clips, and how often at random, filters can be removed within the work that is allowed.

        First there are fewer clips, down to those that a test takes, then fewer draws, then fewer of both. A test is
        worth twice the work.
        """
        work = self.parameters.removal_work
        if work is None:
            return dict(asked)

        def passes(counts: Mapping[str, int]) -> int:
            removals = len(SHARES) * (2 * len(SCORES) + counts["draws"])
            return counts["clips"] * (removals + 2 * GRADIENT_PASSES)

        affordable = passes_within(self.subject.layers, work)
        tested = fitted(asked, {"clips": TESTED_CLIPS, "draws": TESTED_DRAWS}, passes, affordable)
        if passes(tested) <= 2 * affordable:
            return tested
        return fitted(tested, {"clips": LEAST_CLIPS, "draws": LEAST_DRAWS}, passes, affordable)


def _measure(network: Network, clips: Sequence[AskedReference]) -> Measure:
    """Return what is measured: accuracy needs labels, logits need classes."""
    if not network.has_classes:
        return "change"
    return "accuracy" if all(one.label is not None for one in clips) else "logit"
