"""One kernel's figures, joined from the answers of all analyses that measured it."""

from __future__ import annotations

from reportgen.reading.evidence import Evidence
from reportgen.reading.figures import KernelFigures
from reportgen.reading.probes import KernelProbes
from reportgen.reading.shown_words import ShownWord
from reportgen.records.answers.decomposition import DecompositionAnswer
from reportgen.records.answers.kernels import KernelAnswer
from reportgen.records.answers.path import PathAnswer
from reportgen.records.identities import KernelId

_COURSE = (
    *(
        "still_variance",
        "motion_explains",
        "moving_share",
        "step",
        "step_explained",
        "step_coherence",
        "reversals",
        "drift",
    ),
    *("flicker_explained", "flicker_reversals", "brightness_explained"),
    *("swing_explained", "swing_chance", "steady_explained", "steady_chance"),
)
"""What both an answer about a decomposition and the figures of its kernel hold under one name."""


def joined_figures(
    kernel: KernelId,
    *,
    synthetic: KernelAnswer | None,
    parts: DecompositionAnswer | None,
    evidence: Evidence,
    probes: KernelProbes | None,
    word: ShownWord | None,
    path: PathAnswer | None,
) -> KernelFigures:
    """Return what was measured of a kernel, with or without a synthetic clip."""
    best = evidence.best(kernel.layer, kernel.index)
    activation = synthetic.activation if synthetic else None
    fires = synthetic is None or synthetic.objective != "firing" or activation is None or activation > 0
    parts = parts if fires else None
    shown = synthetic if fires else None
    return KernelFigures(
        activation=activation,
        fires=fires,
        contrast=shown.contrast if shown else None,
        even_kept=_even_kept(shown) if shown else None,
        pattern=shown.pattern if shown else None,
        best_real=best.value if best else None,
        percentile=None if activation is None else evidence.percentile(kernel.layer, kernel.index, activation),
        reference_clips=evidence.clips if best else 0,
        explained_variance=parts.explained_variance if parts else None,
        **({name: getattr(parts, name) for name in _COURSE} if parts else {}),
        psnr=parts.psnr if parts else None,
        evidence_share=parts.evidence_share if parts else None,
        mean_speed=parts.mean_speed if parts else None,
        speed_margin=parts.speed_margin if parts else None,
        direction=parts.direction_degrees if parts else None,
        coherence=parts.direction_coherence if parts else None,
        activation_kept=parts.activation_kept if parts else None,
        texture_activation=parts.texture_activation if parts else None,
        reversed_activation=parts.reversed_activation if parts else None,
        real_kept_frozen=probes.kept("frozen") if probes else None,
        real_kept_reversed=probes.kept("reversed") if probes else None,
        best_change=evidence.changes(kernel.layer, kernel.index),
        word=word,
        dissolved_loss=probes.dissolved_loss if probes else None,
        response_of_median=probes.response_of_median if probes else None,
        best_of_median=evidence.best_of_median(kernel.layer, kernel.index),
        path=path,
    )


def _even_kept(synthetic: KernelAnswer) -> float | None:
    """Return the share of its activation that an even clip keeps; None where that is no share of anything."""
    if synthetic.activation is None or synthetic.even_activation is None or synthetic.activation <= 0:
        return None
    return synthetic.even_activation / synthetic.activation
