"""Motion or appearance: the probes of `reportgen.analyses.motion_audit` on every shown clip and over all references."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from reportgen.analyses.base import Answers, Inapplicable, NamedClip, Parameters, Subject, Unit
from reportgen.analyses.motion_audit import PROBES, MotionAudit, kernel_motion_audit, motion_audit
from reportgen.analyses.responses import kernel_responses
from reportgen.analyses.suite.targets import class_name, class_units
from reportgen.progress import Progress
from reportgen.records.figures import JsonFigure, Result
from reportgen.records.identities import KernelId
from reportgen.records.jobs import content_key

#: Two-sided 95% of the normal distribution.
_Z95 = 1.96


class MotionAnalysis:
    """One unit per shown clip and class, and one per model over all labelled clips and the shown kernels."""

    name = "motion"
    title = "Motion or appearance"
    version = 1
    after: tuple[str, ...] = ()
    choosing: tuple[str, ...] = ()

    def units(self, subject: Subject, parameters: Parameters) -> Sequence[Unit | Inapplicable]:  # noqa: ARG002
        """Return the shown clips and classes, then the whole model."""
        spec = subject.network.spec
        if spec is not None and spec.frames < 2:
            return [Inapplicable(subject.model, "a network of single frames cannot use motion")]
        units = class_units(subject)
        if any(isinstance(unit, Inapplicable) for unit in units):
            return units
        clips = _labelled(subject)
        shown = {layer: list(kernels) for layer, kernels in subject.kernels.items()}
        inputs = {"clips": content_key([clip.digest for clip in clips]), "kernels": content_key(shown)}
        return [*units, Unit(subject.model, subject.model, {"objective": subject.objective}, inputs)]

    def run(
        self,
        subject: Subject,
        units: Sequence[Unit],
        parameters: Parameters,
        answers: Answers,  # noqa: ARG002
        progress: Progress,
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield what the probes do to each class, and to all of them over the labelled clips."""
        for unit in units:
            if unit.name == subject.model:
                yield unit, _overall(subject, parameters, progress)
                continue
            clip = subject.clip(str(unit.parameters["clip"]))
            index = int(unit.parameters["class"])
            with progress.task(f"motion probes of {clip.name}", 1):
                audit = motion_audit(subject.network, clip.pixels, index, seed=subject.seed, **parameters)
            document = _document(subject, clip, audit)
            yield unit, Result({"motion_audit": JsonFigure(document)}, document)


def _labelled(subject: Subject) -> tuple[NamedClip, ...]:
    """Return the clips whose class is known, or else the shown ones, whose classes are those asked about."""
    return tuple(clip for clip in subject.reference if clip.label is not None) or subject.clips


def _document(subject: Subject, clip: NamedClip, audit: MotionAudit) -> dict[str, Any]:
    """Return one clip's audit as plain data."""
    return {
        "clip": clip.name,
        "class_index": audit.class_index,
        "class": class_name(subject, audit.class_index),
        "logit": audit.logit,
        "rank": audit.rank,
        "motion_reliance": audit.motion_reliance,
        "order_sensitivity": audit.order_sensitivity,
        "best_frame": audit.best_frame,
        "probes": {
            name: {
                "logits": [round(value, 5) for value in audit.logits[name].tolist()],
                "ranks": audit.ranks[name].tolist(),
                "predicted": [class_name(subject, index) for index in audit.predicted[name].tolist()],
                "what": PROBES[name],
            }
            for name in PROBES
        },
    }


def _overall(subject: Subject, parameters: Parameters, progress: Progress) -> Result:
    clips = _labelled(subject)
    audits: dict[int, list[dict[str, Any]]] = {}
    with progress.task("motion probes of the labelled clips", len(clips)) as task:
        for clip in clips:
            index = clip.label if clip.label is not None else subject.classes[clip.name][0]
            audit = motion_audit(subject.network, clip.pixels, index, seed=subject.seed, **parameters)
            audits.setdefault(index, []).append(_document(subject, clip, audit))
            task.advance()
    classes = [_class_row(subject, index, found) for index, found in sorted(audits.items())]
    document = {"clips": len(clips), "classes": classes, "kernels": _kernels(subject, clips, parameters, progress)}
    reliance = [row["motion_reliance"] for row in classes if row["motion_reliance"] is not None]
    metrics = {"clips": len(clips), "classes": len(classes), **_interval("motion_reliance", reliance)}
    return Result({"motion_overall": JsonFigure(document, "What the probes leave of every class")}, metrics)


def _class_row(subject: Subject, index: int, found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a class's mean figures over its clips, each with its 95% interval."""
    row: dict[str, Any] = {"class_index": index, "class": class_name(subject, index), "clips": len(found)}
    for figure in ("motion_reliance", "order_sensitivity"):
        row |= _interval(figure, [audit[figure] for audit in found if audit[figure] is not None])
    row["kept"] = {
        name: sum(min(audit["probes"][name]["ranks"]) == 0 for audit in found) / len(found) for name in PROBES
    }
    return row


def _interval(name: str, values: Sequence[float]) -> dict[str, float | None]:
    """Return mean and 95% interval (normal approximation) of some values; no interval for fewer than two."""
    if not values:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    mean = sum(values) / len(values)
    if len(values) < 2:
        return {name: mean, f"{name}_low": None, f"{name}_high": None}
    half = _Z95 * math.sqrt(sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values))
    return {name: mean, f"{name}_low": mean - half, f"{name}_high": mean + half}


def _kernels(
    subject: Subject, clips: Sequence[NamedClip], parameters: Parameters, progress: Progress
) -> dict[str, dict[str, Any]]:
    """Return for each shown kernel its response to the clip that drives it most, as it is and under each probe."""
    layers = [layer for layer in subject.stages if subject.kernels.get(layer)]
    pixels = torch.cat([clip.pixels for clip in clips])
    responses = kernel_responses(subject.network, pixels, layers, objective=subject.objective)
    best = {
        (layer, kernel): int(responses[layer][:, kernel].argmax())
        for layer in layers
        for kernel in subject.kernels[layer]
    }
    rows: dict[str, dict[str, Any]] = {}
    with progress.task("motion probes of the shown kernels", len(set(best.values()))) as task:
        for place in sorted(set(best.values())):
            found = kernel_motion_audit(
                subject.network,
                clips[place].pixels,
                layers,
                objective=subject.objective,
                seed=subject.seed,
                **parameters,
            )
            for (layer, kernel), chosen in best.items():
                if chosen == place:
                    name = str(KernelId(model=subject.model, layer=layer, index=kernel))
                    values = {probe: float(response[kernel]) for probe, response in found[layer].items()}
                    rows[name] = {"clip": clips[place].name, "responses": values, **_reliance(values)}
            task.advance()
    return rows


def _reliance(values: dict[str, float]) -> dict[str, float | None]:
    """Return a kernel's motion reliance and order sensitivity; None when its response is not positive."""
    whole = values["clip"]
    if whole <= 0:
        return {"motion_reliance": None, "order_sensitivity": None}
    return {
        "motion_reliance": (whole - values["frozen"]) / whole,
        "order_sensitivity": (whole - values["shuffled"]) / whole,
    }
