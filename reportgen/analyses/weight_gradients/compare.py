"""How alike the gradients of one logit are on clips of a class, of a similar and of a dissimilar one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from reportgen.analyses.base import Subject
from reportgen.analyses.common.ranking import spearman
from reportgen.analyses.weight_gradients.confusion import AskedReference, ClassesToCompare, Role, pixels_of
from reportgen.analyses.weight_gradients.gradients import FilterGradients, weight_gradients
from reportgen.analyses.weight_gradients.pictures import case_sheets
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.progress import Progress
from reportgen.records.answers.weight_gradients import ClassComparison, ComparedClip, LikenessOfGradients
from reportgen.records.digits import significant
from reportgen.records.figures import Figure

CASE_FILTERS = 2
"""Filters of each layer that are drawn on every compared clip."""


@dataclass(frozen=True)
class GradientLikeness:
    """Two gradients of a layer, over all of its weights: `cosine`, and Spearman's rank correlation `rank`.

    None where one of them is zero throughout, or constant.
    """

    cosine: float | None
    rank: float | None


def compare_gradients(
    one: Mapping[str, FilterGradients], other: Mapping[str, FilterGradients]
) -> dict[str, GradientLikeness]:
    """Return how alike the gradients of two clips are in each layer."""
    return {name: _compared(own, other[name]) for name, own in one.items()}


def _compared(one: FilterGradients, other: FilterGradients) -> GradientLikeness:
    left, right = (found.gradients.reshape(-1).astype(np.float64) for found in (one, other))
    size = float(np.linalg.norm(left) * np.linalg.norm(right))
    constant = np.ptp(left) == 0 or np.ptp(right) == 0
    return GradientLikeness(
        cosine=float(left @ right) / size if size > 0 else None,
        rank=None if constant else spearman(torch.from_numpy(left), torch.from_numpy(right)),
    )


def comparison_of_classes(
    subject: Subject,
    graph: ConnectionGraph,
    found: ClassesToCompare,
    labelled: Sequence[AskedReference],
    given: Mapping[Role, int],
    shown: Sequence[str],
    progress: Progress,
) -> tuple[ClassComparison, dict[str, Figure]]:
    """Return how like the first clip's gradients those of the other clips are, and pictures of the `shown` layers."""
    cases: list[ComparedClip] = []
    gradients: list[Mapping[str, FilterGradients]] = []
    reference, network = found.reference, subject.network
    with progress.task("gradients of the compared classes", len(found.cases)) as task:
        for case in found.cases:
            own = weight_gradients(network, pixels_of(case.clip.clip, network), reference, graph=graph)
            alike = compare_gradients(gradients[0] if gradients else own.layers, own.layers)
            # All layers of the first clip are kept, and of the others what is drawn: all of them might not fit.
            gradients.append({name: own.layers[name] for name in shown} if gradients else own.layers)
            cases.append(
                ComparedClip(
                    role=case.role,
                    outcome=case.outcome,
                    again=case.again,
                    clip=case.clip.clip.name,
                    label=case.clip.known_label,
                    predicted=case.clip.predicted,
                    logit=own.logit,
                    layers={name: _answered(row) for name, row in alike.items()},
                )
            )
            task.advance()
    answer = ClassComparison(
        reference=reference,
        similar=found.classes["similar"],
        dissimilar=found.classes["dissimilar"],
        given=tuple(given),
        labelled=len(labelled),
        accuracy=sum(one.predicted == one.label for one in labelled) / len(labelled),
        cases=tuple(cases),
        missing=found.missing,
    )
    sheets = case_sheets(gradients, shown, CASE_FILTERS) if gradients else {}
    return answer, {f"cases.{name}": figure for name, figure in sheets.items()}


def _answered(row: GradientLikeness) -> LikenessOfGradients:
    short = (None if value is None else significant(value, 4) for value in (row.cosine, row.rank))
    cosine, rank = short
    return LikenessOfGradients(cosine=cosine, rank=rank)
