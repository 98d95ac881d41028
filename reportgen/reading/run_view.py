"""One run, joined from its records and documents: everything is looked up once."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from reportgen.errors import RenderError, StoreError
from reportgen.reading.addresses import Addresses
from reportgen.reading.concepts import ConceptView
from reportgen.reading.evidence import Evidence
from reportgen.reading.figures import KernelFigures
from reportgen.reading.format import short_layer_name
from reportgen.reading.graphs import as_graph
from reportgen.reading.kernel_figures import joined_figures
from reportgen.reading.names import run_title
from reportgen.reading.probes import KernelProbes, kernel_probes
from reportgen.reading.shown_words import ShownWord, shown_word
from reportgen.reading.views import ClassView, KernelView, Pyramid, Trouble, trouble
from reportgen.reading.words import CLASSES, TARGETS, Words
from reportgen.records.answers.base import Answer
from reportgen.records.answers.choice import ChoiceAnswer, ChoiceRule
from reportgen.records.answers.concepts import ConceptAnswer
from reportgen.records.answers.decomposition import DecompositionAnswer
from reportgen.records.answers.evidence import EvidenceAnswer
from reportgen.records.answers.faithfulness import FaithfulnessAnswer
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.answers.motion import ClipProbes, ModelProbes, MotionAnswer
from reportgen.records.answers.path import PathAnswer
from reportgen.records.answers.weight_gradients import ClipGradients, ModelImportance, WeightGradientAnswer
from reportgen.records.identities import KernelId, TargetId, slug
from reportgen.records.jobs import Artifact, Done, Record
from reportgen.records.manifest import ClipFacts, LayerFacts, Manifest, Run
from reportgen.records.packed import content_at
from reportgen.records.pyramid_schema import PyramidDocument
from reportgen.records.store import Store
from reportgen.records.targets import Target, class_name

_Answer = TypeVar("_Answer", bound=Answer)
_Document = TypeVar("_Document", bound=BaseModel)

_ABOUT_CLASSES = ("pyramid", "saliency", "faithfulness", "motion", "weight_gradients")
_MARKS = ("/class-", "/target-")
_Identity = TypeVar("_Identity", KernelId, TargetId)


class RunView:
    """One run as those see it who judge or show it."""

    def __init__(self, store: Store, manifest: Manifest, folder: str, title: str | None = None) -> None:
        self.store = store
        self.manifest = manifest
        self.run: Run = manifest.run
        self._answers: dict[str, Answer] = {}
        #: The network's name for people; no other one of the report has it.
        self.title: str = title or run_title(self.run)
        layers = [layer.name for layer in self.run.layers]
        layers += [*self.run.stages, *(kernel.layer for kernel in self._kernel_ids())]
        clips = [clip.name for clip in self.run.clips]
        analyses = list(dict.fromkeys(record.job.analysis for record in self.manifest.records))
        clips += [view.clip for views in self._classes.values() for view in views]
        # The last part of a unit is the concept's: what stands before it is the network's name.
        asked = [record.job.unit for record in self.manifest.of("concepts")]
        concepts = {unit: unit.rpartition("/concept-")[2] for unit in asked}
        self.addresses = Addresses(folder, layers, clips, analyses, concepts)
        self.clips: dict[str, ClipFacts] = {clip.name: clip for clip in self.run.clips}
        self.layers: dict[str, LayerFacts] = {layer.name: layer for layer in self.run.layers}

    @property
    def name(self) -> str:
        """The network's name in the report's addresses."""
        return self.addresses.folder

    def label(self, index: int) -> str:
        """Return a class's name, or its number when the network has no names."""
        return class_name(self.run.labels, index)

    @property
    def summary(self) -> str:
        """What the card says of the network; of untrained weights not what the published ones were trained on."""
        said = self.run.card.summary
        return re.sub(r", trained on [^.]*", "", said) if self.run.weights.untrained else said

    @property
    def has_classes(self) -> bool:
        """Whether the network tells classes apart."""
        return self.run.card.classes is not None

    @property
    def classes_apart(self) -> bool:
        """Whether each class is true or not by itself, so that its logit stands for itself."""
        return self.run.card.adapter.classes_apart

    @property
    def classes_over_time(self) -> bool:
        """Whether the network tells its classes at each time, so that what a clip is taken for is a mean over time."""
        return {"K", "T"} <= set((self.run.card.adapter.answer or "").split())

    def taken_for(self, clip: ClipFacts) -> tuple[tuple[int, float | None], ...]:
        """Return the classes that a clip is taken for with their probabilities: the likeliest, or all that are said."""
        if self.classes_apart:
            return tuple((index, share) for index, _, share in clip.predictions if share is not None and share > 0.5)
        return tuple((index, share) for index, _, share in clip.predictions[:1])

    @property
    def words(self) -> Words:
        """What pages call that which is explained."""
        return CLASSES if self.has_classes else TARGETS

    def question(self, target: Target) -> str:
        """Return in words what is explained: a class by its name, or which class rather than which."""
        return target.title(self.run.labels, self.run.card.adapter.answer)

    def clip_title(self, clip: str, target: Target) -> str:
        """Return a clip's title beside a target; of a clip that is called like the class, what tells it from others."""
        title = self.clips[clip].title if clip in self.clips else clip
        if title != self.question(target):
            return title
        own = clip.removesuffix(slug(title)).strip("-_ ")
        return f"clip {own}" if own else title

    def driver_title(self, clip: str) -> str:
        """Return the title of a reference clip with its label; of one without pictures, its name in the folder."""
        facts = self.clips.get(clip)
        if facts is None:
            return re.sub(r"^r\d+-", "", clip)
        label = None if facts.label is None else self.label(facts.label)
        return facts.title if label in (None, facts.title) else f"{facts.title}: {label}"

    def stage_title(self, layer: str) -> str:
        """Return the card's title of a layer, or the short form of its own name."""
        titles = {stage.layer: stage.title for stage in self.run.card.stages if stage.title != stage.layer}
        return titles.get(layer) or short_layer_name(layer)

    def read(self, artifact: Artifact, kind: type[_Document]) -> _Document:
        """Return a document; raises RenderError when it is damaged or of another version."""
        path = self.store.path(artifact)
        try:
            return kind.model_validate_json(content_at(path, artifact))
        except (OSError, ValidationError) as error:
            raise RenderError(f"{path} is damaged or of another version of reportgen: compute it again.") from error

    def answer(self, record: Record | None, kind: type[_Answer]) -> _Answer | None:
        """Return what a job found, read once; None when it was skipped or failed, or is not there.

        Raises StoreError when it is damaged or of another version.
        """
        if record is None or not isinstance(record.outcome, Done):
            return None
        if record.key not in self._answers:
            self._answers[record.key] = record.outcome.read(kind)
        found = self._answers[record.key]
        return found if isinstance(found, kind) else None

    def _parsed(self, kind: type[_Identity], unit: str) -> _Identity:
        """Return what a unit names; raises StoreError for a unit that names nothing of that kind."""
        try:
            return kind.parse(unit)
        except ValueError as error:
            raise StoreError(f"{self.store.folder} is damaged ({error}): compute this run again.") from error

    def _kernel_ids(self) -> Iterable[KernelId]:
        units = (r.job.unit for name in ("kernels", "decomposition") for r in self.manifest.of(name))
        own = (unit for unit in dict.fromkeys(units) if unit != self.run.model)  # an analysis skipped as a whole
        return (self._parsed(KernelId, unit) for unit in own)

    @cached_property
    def evidence(self) -> Evidence:
        """What reference clips drive; empty when it was not measured."""
        for record in self.manifest.of("evidence"):
            if answer := self.answer(record, EvidenceAnswer):
                return Evidence.of(answer)
        return Evidence()

    @cached_property
    def choice_rule(self) -> ChoiceRule | None:
        """By which rule the shown kernels were chosen; None where that was not recorded."""
        for record in self.manifest.of("choice"):
            if answer := self.answer(record, ChoiceAnswer):
                return answer.rule
        return None

    @cached_property
    def _shown(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = defaultdict(list)
        for kernel in self._kernel_ids():
            found[kernel.layer].append(kernel.index)
        return {layer: sorted(indices) for layer, indices in found.items()}

    def word(self, layer: str, index: int) -> ShownWord | None:
        """Return the label word that drives a kernel; None where labels tell nothing."""
        return shown_word(self.evidence, self.choice_rule, layer, index, self._shown.get(layer, ()))

    @cached_property
    def kernels(self) -> dict[str, list[KernelView]]:
        """Kernels by layer: layers in the network's order, kernels by index."""
        asked: dict[str, dict[str, Record]] = {
            name: {record.job.unit: record for record in self.manifest.of(name)}
            for name in ("kernels", "decomposition")
        }
        found: dict[str, list[KernelView]] = defaultdict(list)
        for kernel in self._kernel_ids():
            stage1, decomposition = (
                asked[name].get(str(kernel), asked[name].get(self.run.model)) for name in ("kernels", "decomposition")
            )
            view = KernelView(
                id=kernel,
                stage=self.stage_title(kernel.layer),
                uri=self.addresses.kernel(kernel),
                stage1=stage1,
                decomposition=decomposition,
                figures=self._figures(kernel, stage1, decomposition),
            )
            found[kernel.layer].append(view)
        order = {layer.name: layer.order for layer in self.run.layers}
        layers = sorted(found, key=lambda layer: order.get(layer, len(order)))
        return {layer: sorted(found[layer], key=lambda view: view.id.index) for layer in layers}

    def _figures(self, kernel: KernelId, stage1: Record | None, decomposition: Record | None) -> KernelFigures:
        return joined_figures(
            kernel,
            synthetic=self.answer(stage1, KernelAnswer),
            parts=self.answer(decomposition, DecompositionAnswer),
            evidence=self.evidence,
            probes=self.kernel_probes(kernel),
            word=self.word(kernel.layer, kernel.index),
            path=self._paths.get(str(kernel)),
        )

    def figures(self, layer: str, index: int) -> KernelFigures:
        """Return what the reference clips say of any measured kernel, one without a synthetic clip, too."""
        return self._figures(KernelId(model=self.run.model, layer=layer, index=index), None, None)

    def kernel_probes(self, kernel: KernelId) -> KernelProbes | None:
        """Return what the motion probes leave of a kernel; None when it was not probed."""
        return kernel_probes(self.motion_probes, kernel.layer, kernel.index) if self.motion_probes else None

    @cached_property
    def _paths(self) -> dict[str, PathAnswer]:
        found = {record.job.unit: self.answer(record, PathAnswer) for record in self.manifest.of("path")}
        return {unit: answer for unit, answer in found.items() if answer}

    @cached_property
    def all_kernels(self) -> list[KernelView]:
        """Every kernel, in the network's order."""
        return [view for views in self.kernels.values() for view in views]

    def classes(self, analysis: str) -> list[ClassView]:
        """Return the classes on clips that an analysis was asked about."""
        return self._classes.get(analysis, [])

    def on_clip(self, analysis: str, clip: str) -> list[ClassView]:
        """Return the classes that an analysis was asked about on one clip."""
        return self._on_clips.get((analysis, clip), [])

    def of_target(self, analysis: str, target: Target) -> list[ClassView]:
        """Return where an analysis was asked about one target, on all clips."""
        return self._of_targets.get((analysis, target), [])

    @cached_property
    def _classes(self) -> dict[str, list[ClassView]]:
        found: dict[str, list[ClassView]] = defaultdict(list)
        for record in self.manifest.records:
            if record.job.analysis in _ABOUT_CLASSES and any(mark in record.job.unit for mark in _MARKS):
                asked = self._parsed(TargetId, record.job.unit)
                found[record.job.analysis].append(ClassView(asked.clip, asked.target, record))
        return dict(found)

    @cached_property
    def _on_clips(self) -> dict[tuple[str, str], list[ClassView]]:
        found: dict[tuple[str, str], list[ClassView]] = defaultdict(list)
        for analysis, views in self._classes.items():
            for view in views:
                found[analysis, view.clip].append(view)
        return dict(found)

    @cached_property
    def _of_targets(self) -> dict[tuple[str, Target], list[ClassView]]:
        found: dict[tuple[str, Target], list[ClassView]] = defaultdict(list)
        for analysis, views in self._classes.items():
            for view in views:
                found[analysis, view.target].append(view)
        return dict(found)

    @cached_property
    def map_checks(self) -> dict[tuple[str, Target, str], FaithfulnessAnswer]:
        """What the checks found of each saliency map, by clip, class (or contrast) and method."""
        found = {}
        for view in self.classes("faithfulness"):
            if checks := self.answer(view.record, FaithfulnessAnswer):
                found[view.clip, view.target, checks.method] = checks
        return found

    @cached_property
    def map_groups(self) -> dict[tuple[str, Target], list[FaithfulnessAnswer]]:
        """The checks of all methods' maps, by clip and class (or contrast)."""
        groups: dict[tuple[str, Target], list[FaithfulnessAnswer]] = defaultdict(list)
        for (clip, asked, _method), checks in self.map_checks.items():
            groups[clip, asked].append(checks)
        return dict(groups)

    @cached_property
    def pyramids(self) -> list[Pyramid]:
        """The class pyramids that were computed, in the plan's order."""
        return [
            Pyramid(
                view=view,
                uri=self.addresses.pyramid(view.clip, view.target),
                label=self.question(view.target),
                clip_title=self.clip_title(view.clip, view.target),
                graph=as_graph(self.read(artifact, PyramidDocument)),
            )
            for view in self.classes("pyramid")
            if view.answer and (artifact := view.answer.artifact("graph", "json"))
        ]

    @cached_property
    def motion_probes(self) -> ModelProbes | None:
        """What the motion probes leave of every class and kernel; None when they were not run."""
        for record in self.manifest.of("motion"):
            if (answer := self.answer(record, MotionAnswer)) and answer.overall:
                return answer.overall
        return None

    @cached_property
    def clip_probes(self) -> list[ClipProbes]:
        """What the motion probes leave of each class on each shown clip."""
        answers = (self.answer(view.record, MotionAnswer) for view in self.classes("motion"))
        return [answer.shown for answer in answers if answer and answer.shown]

    @cached_property
    def importance(self) -> ModelImportance | None:
        """What weight gradients say of the network as a whole; None where they were not asked."""
        for record in self.manifest.of("weight_gradients"):
            if (answer := self.answer(record, WeightGradientAnswer)) and answer.overall:
                return answer.overall
        return None

    @cached_property
    def clip_gradients(self) -> list[tuple[Record, ClipGradients]]:
        """The weight gradients of each target on each shown clip."""
        found = ((record, self.answer(record, WeightGradientAnswer)) for record in self.manifest.of("weight_gradients"))
        return [(record, answer.shown) for record, answer in found if answer and answer.shown]

    @cached_property
    def concepts(self) -> list[ConceptView]:
        """The concepts that were compared with the reference clips, in the order in which they were given."""
        return [
            ConceptView(record, answer, self.addresses.concept(record.job.unit))
            for record in self.manifest.of("concepts")
            if (answer := self.answer(record, ConceptAnswer))
        ]

    @cached_property
    def subjects(self) -> list[ClipFacts]:
        """The clips that the report is about: those with a saliency map or a pyramid, else those not for reference."""
        asked = {view.clip for name in ("pyramid", "saliency") for view in self.classes(name)}
        return [clip for clip in self.run.clips if clip.name in asked or not clip.reference]

    def counts(self) -> dict[str, int]:
        """Return how many jobs were done, skipped and failed."""
        found = {"done": 0, "skipped": 0, "failed": 0}
        for record in self.manifest.records:
            found[record.outcome.status] += 1
        return found

    def troubles(self) -> list[Trouble]:
        """Return every job that was skipped or failed."""
        found = (trouble(f"{r.job.analysis}: {r.job.unit}", r.outcome) for r in self.manifest.records)
        return [item for item in found if item]
