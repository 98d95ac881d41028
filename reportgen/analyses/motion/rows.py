"""The motion probes of clips, targets and layers as answers, and those of all kernels as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from reportgen.analyses.base import Subject
from reportgen.analyses.common.intervals import Estimate, mean_over_clips
from reportgen.analyses.common.targets import title_of
from reportgen.analyses.motion.kernel_motion import VARIANTS, KernelMotion, ProbedLayer
from reportgen.analyses.motion.motion_audit import PROBE_MEANINGS, MotionAudit
from reportgen.clips import Clip
from reportgen.records.answers.motion import ClassProbes, ClipProbes, LayerProbes, Left, Probe
from reportgen.records.answers.relative import of_median
from reportgen.records.digits import significant_if_finite
from reportgen.records.figures import TableFigure
from reportgen.records.targets import Target, class_name

_DIGITS = 4
"""Significant digits of a kernel's figures: a share of the response is told as a percentage, and two thirds of a table
of 26,000 kernels are digits that say nothing.
"""

_FIGURES = ("motion_reliance", "dissolved_loss", "order_sensitivity")


def clip_probes(subject: Subject, clip: Clip, target: Target, audit: MotionAudit) -> ClipProbes:
    """Return one clip's audit as an answer."""
    return ClipProbes(
        clip=clip.name,
        target=target,
        target_title=title_of(subject, target),
        logit=audit.logit,
        rank=audit.rank if target.of_class else None,
        motion_reliance=audit.motion_reliance,
        dissolved_loss=audit.dissolved_loss,
        order_sensitivity=audit.order_sensitivity,
        best_frame=audit.best_frame,
        probes={
            name: Probe(
                logits=tuple(round(value, 5) for value in audit.logits[name].tolist()),
                ranks=tuple(audit.ranks[name].tolist()) if target.of_class else (),
                predicted=tuple(_named_class(subject, index) for index in audit.predicted[name].tolist())
                if target.of_class
                else (),
                what=PROBE_MEANINGS[name],
            )
            for name in PROBE_MEANINGS
        },
    )


def _named_class(subject: Subject, index: int) -> str:
    """Return the name of a class; nothing for none of them, -1."""
    return class_name(subject.network.labels, index) if index >= 0 else ""


def target_row(subject: Subject, target: Target, found: Sequence[ClipProbes]) -> ClassProbes:
    """Return a target's mean figures over its clips, each with its 95% interval."""
    return ClassProbes(
        target=target,
        target_title=title_of(subject, target),
        clips=len(found),
        measured=sum(audit.motion_reliance is not None for audit in found),
        **means(found),
        kept={name: sum(audit.probes[name].recognised for audit in found) / len(found) for name in PROBE_MEANINGS}
        if target.of_class
        else {},
    )


def means(found: Iterable[ClipProbes]) -> dict[str, float | None]:
    """Return the mean of each figure over clips with its interval, where it is known."""
    clips = list(found)
    figures: dict[str, float | None] = {}
    for name in _FIGURES:
        values = [value for clip in clips if (value := getattr(clip, name)) is not None]
        figures |= _named(name, mean_over_clips(values))
    return figures


def layer_row(state: ProbedLayer) -> LayerProbes:
    """Return a layer's figures and those of its kernels, in lists by kernel; None where a kernel was not driven."""
    return LayerProbes(
        left={
            name: Left(**{key: significant_if_finite(value, _DIGITS) for key, value in _named("whole", found).items()})
            for name, found in state.whole_kept().items()
        },
        measured=state.measured,
        clip=tuple(state.clips[0].tolist()),
        response=tuple(significant_if_finite(value, _DIGITS) for value in state.responses[0, 0].tolist()),
        kept={
            name: tuple(significant_if_finite(value, _DIGITS) for value in state.kept[place].tolist())
            for place, name in enumerate(VARIANTS)
            if name != "clip"
        },
    )


def kernel_table(kernels: KernelMotion, caption: str) -> TableFigure:
    """Return what the probes leave of every kernel, a line each.

    `response_of_median` is the response as a multiple of the layer's median: of little, every share is of little worth.
    Figures have the digits that the answer gives of them.
    """
    figures = ("response", "response_of_median", "motion_reliance", "order_sensitivity")
    columns = ["layer", "kernel", "clip", *figures, *VARIANTS[1:]]
    return TableFigure(columns, list(_kernel_rows(kernels)), caption)


def _kernel_rows(kernels: KernelMotion) -> Iterator[list[object]]:
    for layer, state in kernels.layers.items():
        responses = state.responses[0, 0].tolist()
        columns = zip(
            state.clips[0].tolist(),
            responses,
            (math.nan if value is None else value for value in of_median(responses)),
            state.motion_reliance.tolist(),
            state.order_sensitivity.tolist(),
            *state.kept[1:].tolist(),
            strict=True,
        )
        for kernel, (clip, *values) in enumerate(columns):
            yield [
                layer,
                kernel,
                kernels.names[clip],
                *("" if math.isnan(value) else f"{value:.{_DIGITS}g}" for value in values),
            ]


def _named(name: str, found: Estimate | None) -> dict[str, float | None]:
    if found is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}
