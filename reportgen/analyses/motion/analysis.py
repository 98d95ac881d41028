"""Motion or appearance: the probes of `motion_audit` on every shown clip and over all references."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit, tensor
from reportgen.analyses.common.budget import passes_within
from reportgen.analyses.common.inputs import clips_and_layers
from reportgen.analyses.common.layers import measurable_layers
from reportgen.analyses.common.readable import UnreadableClips, readable_clips
from reportgen.analyses.common.responses import Meter
from reportgen.analyses.common.targets import target_units
from reportgen.analyses.motion.kernel_motion import (
    VARIANTS,
    KernelMotion,
    ProbedClip,
    probe_clip,
)
from reportgen.analyses.motion.motion_audit import MotionAudit, class_audit, frozen_frames
from reportgen.analyses.motion.parameters import MotionParameters
from reportgen.analyses.motion.rows import clip_probes, kernel_table, layer_row, means, target_row
from reportgen.clips import Clip, ClipReference
from reportgen.errors import ClipError
from reportgen.networks.core.target import target_values
from reportgen.networks.kernels.preactivation import clip_channels, native_shape
from reportgen.progress import Progress
from reportgen.records.answers.motion import (
    ClipProbes,
    ModelProbes,
    MotionAnswer,
)
from reportgen.records.figures import DataFigure, Figure, Result
from reportgen.records.targets import Target

#: Frames of a clip that are frozen at least.
LEAST_FROZEN = 4


class MotionAnalysis:
    """One unit per shown clip and class, and one per model: its classes, and all kernels of all its layers."""

    def units(self, subject: Subject, parameters: MotionParameters) -> Sequence[Unit | Inapplicable]:
        """Return the shown clips and classes, then the whole model."""
        spec = subject.network.spec
        if spec is not None and spec.frames < 2:
            return [Inapplicable(subject.model, "a network of single frames cannot use motion")]
        asked = target_units(subject)
        clips = probed_clips(subject, parameters.clips)
        if not clips:
            return asked
        inputs = clips_and_layers(clips, measurable_layers(subject.layers))
        overall = Unit(subject.model, subject.model, {"objective": subject.objective}, inputs)
        return [*(replace(unit, group=subject.model) for unit in asked if isinstance(unit, Unit)), overall]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: MotionParameters,
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield what the probes do to each class on each shown clip, then to all classes and kernels."""
        probes = _Probes(subject, parameters.draws, affordable_frames(subject, parameters))
        for unit in units:
            if unit.name == subject.model:
                clips = probed_clips(subject, parameters.clips)
                yield unit, _overall(subject, clips, probes, progress)
                continue
            clip = subject.clip(unit.clip)
            target = unit.target
            with progress.task(f"motion probes of {clip.name}", 1):
                audit = probes.audit(probes.of(clip), target)
            answer = MotionAnswer(shown=clip_probes(subject, clip, target, audit))
            yield unit, Result(answer, notes=probes.notes)


def affordable_frames(subject: Subject, parameters: MotionParameters) -> int | None:
    """Return how many frames of a clip are frozen where `work` bounds the passes of all its variants; None: all."""
    if parameters.work is None:
        return None
    others = 5 + 2 * parameters.draws  # the clip, dissolved, reversed, two speeds; shuffled and scrambled
    affordable = passes_within(subject.layers, parameters.work) - others
    frames = native_shape(subject.network)[0]
    return None if affordable >= frames else max(LEAST_FROZEN, int(affordable))


class _Probes:
    """The probes of clips. Those of a shown clip are kept: they serve its classes and the whole model."""

    def __init__(self, subject: Subject, draws: int, frozen: int | None) -> None:
        network = subject.network
        shape, channels = native_shape(network), clip_channels(network)
        self.meter = Meter(network, measurable_layers(subject.layers), shape, channels, subject.objective)
        self.frames = frozen_frames(shape[0], frozen)
        left_out = f"{len(self.frames)} of {shape[0]} frames were frozen: this preset bounds the work on a clip."
        self.notes = (f"{left_out} The best frame may be missed.",) if len(self.frames) < shape[0] else ()
        self._draws, self._seed = draws, subject.seed
        self._shown = {clip.digest for clip in subject.clips}
        self._kept: dict[str, ProbedClip] = {}
        self._network = network
        own = dict.fromkeys(target for found in subject.targets.values() for target in found)
        self._apart = [target for target in own if not target.of_class and target.kind != "contrast"]

    def of(self, clip: Clip) -> ProbedClip:
        """Return what the probes leave of a clip."""
        if clip.digest in self._kept:
            return self._kept[clip.digest]
        values = self._values if self._network.has_classes or self._apart else None
        found = probe_clip(
            self.meter, tensor(clip), draws=self._draws, seed=self._seed, frozen=len(self.frames), values=values
        )
        if clip.digest in self._shown:
            self._kept[clip.digest] = found
        return found

    def audit(self, probed: ProbedClip, target: Target) -> MotionAudit:
        """Return what the probes do to a target on a clip; a class is compared with the other classes."""
        logits = probed.logits
        if target.of_class:
            classes = {name: found[:, : found.shape[1] - len(self._apart)] for name, found in logits.items()}
            apart = self._network.adapter.classes_apart
            return class_audit(classes, target.index or 0, self.frames, apart=apart)
        column = self._apart.index(target) - len(self._apart)
        alone = {name: found[:, column].unsqueeze(1) for name, found in logits.items()}
        return class_audit(alone, 0, self.frames)

    def targets(self, clip: Clip, probed: ProbedClip, wanted: Sequence[Target]) -> Sequence[Target]:
        """Return what is asked of a clip: its label, else the `wanted` ones, else what is usual for the network."""
        logits = probed.logits
        if clip.label is not None and self._network.has_classes:
            return (Target(kind="class", index=clip.label),)
        own = [target for target in wanted if target.kind != "contrast"]
        if own or not logits:
            return own
        classes = logits["clip"].shape[1] - len(self._apart)
        if not classes:
            return self._apart
        return (Target(kind="class", index=int(logits["clip"][0, :classes].argmax())),)

    def _values(self, clips: Tensor) -> Tensor:
        """Return the logits of all classes, then what else is explained."""
        own = [self._network.logits(clips)] if self._network.has_classes else []
        apart = [target_values(self._network, clips, self._apart)] if self._apart else []
        return torch.cat([*own, *apart], 1)


def probed_clips(subject: Subject, most: int) -> list[ClipReference]:
    """Return the clips that are probed for all classes and kernels: the reference clips, else the shown ones.

    Of more than `most` a seeded draw is taken, label by label in turn so that each has as many as another; clips
    without a label come last.
    """
    clips: Sequence[ClipReference] = subject.reference or [clip.reference() for clip in subject.clips]
    shuffled = list(range(len(clips)))
    random.Random(subject.seed).shuffle(shuffled)
    turns: dict[int | None, int] = {}
    ordered: list[tuple[bool, int, int, int]] = []
    for place in shuffled:
        label = clips[place].label
        turns[label] = turns.get(label, -1) + 1
        ordered.append((label is None, turns[label], len(ordered), place))
    return [clips[place] for place in sorted(place for *_, place in sorted(ordered)[:most])]


def _overall(subject: Subject, clips: Sequence[ClipReference], probes: _Probes, progress: Progress) -> Result:
    faults, kernels = UnreadableClips(), KernelMotion(probes.meter)
    audits: dict[Target, list[ClipProbes]] = {}
    with progress.task("motion probes of the reference clips", len(clips)) as task:
        for clip in readable_clips(clips, faults):
            probed = probes.of(clip)
            kernels.add(clip.name, probed)
            for target in probes.targets(clip, probed, subject.targets.get(clip.name, ())):
                found = clip_probes(subject, clip, target, probes.audit(probed, target))
                audits.setdefault(target, []).append(found)
            task.advance()
    if not kernels.names:
        raise ClipError(f"None of {len(clips)} clips can be read. {faults.first}")
    answer = ModelProbes(
        clips=len(kernels.names),
        of=len(subject.reference or subject.clips),
        labelled=sum(clip.label is not None for clip in clips),
        unreadable=faults.count,
        names=tuple(kernels.names),
        **means(clip for target, found in audits.items() if target.of_class for clip in found),
        classes=tuple(target_row(subject, target, audits[target]) for target in sorted(audits, key=str)),
        layers={layer: layer_row(state) for layer, state in kernels.layers.items()},
    )
    figures: dict[str, Figure] = {
        "kernel_motion": kernel_table(kernels, "What the probes leave of every kernel"),
        "kernel_responses": DataFigure(
            {layer: state.responses.numpy() for layer, state in kernels.layers.items()},
            f"Responses to the clips that drive each kernel most, the strongest first: clips x ({', '.join(VARIANTS)}) "
            "x kernels",
        ),
    }
    unread = [f"{faults.count} of the probed clips could not be read. {faults.first}"] if faults.count else []
    return Result(MotionAnswer(overall=answer), figures, (*probes.notes, *unread))
