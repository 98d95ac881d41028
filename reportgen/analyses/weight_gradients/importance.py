"""How important each filter is to the compared classes, or to what is explained on the shown clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.analyses.base import Subject
from reportgen.analyses.common.ranking import spearman
from reportgen.analyses.common.targets import network_of, title_of
from reportgen.analyses.weight_gradients.confusion import AskedReference, ClassesToCompare, pixels_of
from reportgen.analyses.weight_gradients.removal import AskedClip, MeanScores, mean_scores
from reportgen.clips import ClipReference
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.records.answers.weight_gradients import ClassImportance, ClassRole, LayerImportance
from reportgen.records.digits import significant
from reportgen.records.targets import Target

TARGETS_RANKED = 3
"""Targets whose filters are ranked where no classes are compared, at most."""


def class_importance(
    subject: Subject,
    graph: ConnectionGraph,
    clips: Sequence[AskedReference],
    compared: ClassesToCompare | None,
    most_clips: int,
) -> tuple[list[ClassImportance], Mapping[str, NDArray[np.float64]]]:
    """Return each compared class's importance, or the shown targets', and the filters' own norms `K` by layer."""
    found: list[ClassImportance] = []
    norms: Mapping[str, NDArray[np.float64]] = {}
    ranked = _of_targets(subject, clips) if compared is None else _of_classes(compared, clips)
    for role, target, own in ranked:
        network, index = network_of(subject, target)
        asked = [AskedClip(partial(pixels_of, clip, network), index) for clip in own[:most_clips]]
        scores = mean_scores(network, asked, graph)
        norms = scores.of("weight_norm")
        layers = _by_layer(scores)
        title = title_of(subject, target)
        found.append(ClassImportance(role=role, target=target, title=title, clips=len(asked), layers=layers))
    return found, norms


_Ranked = list[tuple[ClassRole, Target, list[ClipReference]]]


def _of_classes(compared: ClassesToCompare, clips: Sequence[AskedReference]) -> _Ranked:
    """Return the compared classes that have clips, each with its own."""
    rows: _Ranked = []
    for role, index in compared.classes.items():
        own = [one.clip for one in clips if index is not None and one.label == index]
        if index is not None and own:
            rows.append((role, Target.of(index), own))
    return rows


def _of_targets(subject: Subject, clips: Sequence[AskedReference]) -> _Ranked:
    """Return what is explained on the shown clips, each with its clips.

    Those of a class are the clips that the network takes for it, those of another target all.
    """
    targets: dict[Target, list[ClipReference]] = {}
    for clip in subject.clips:
        for target in subject.targets[clip.name]:
            if target.kind != "contrast":
                targets.setdefault(target, []).append(clip.reference())
    rows: _Ranked = []
    for target, shown in list(targets.items())[:TARGETS_RANKED]:
        like = [one.clip for one in clips if not target.of_class or one.predicted == target.index]
        own = {clip.name: clip for clip in [*shown, *like]} if target.of_class else {clip.name: clip for clip in like}
        rows.append(("target", target, list(own.values()) or shown))
    return rows


def _by_layer(scores: MeanScores) -> dict[str, LayerImportance]:
    published, first_order = scores.of("norm"), scores.of("first_order")
    return {
        name: LayerImportance(
            published=_short(values),
            first_order=_short(first_order[name]),
            agreement=_agreement(values, first_order[name]),
        )
        for name, values in published.items()
    }


def _agreement(one: NDArray[np.float64], other: NDArray[np.float64]) -> float | None:
    """Return the rank correlation of two scores; None where one of them does not tell filters apart."""
    if min(np.ptp(one), np.ptp(other)) <= 0:
        return None
    return significant(spearman(torch.from_numpy(one), torch.from_numpy(other)), 4)


def _short(values: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(significant(value, 4) for value in values)
