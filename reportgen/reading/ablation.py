"""What removing a class pyramid's kernels does to its logit, beside removing as many others."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.reading.format import short_layer_name
from reportgen.records.answers.pyramid import PyramidAnswer


@dataclass(frozen=True)
class Drop:
    """A fall of the class logit when kernels are removed, beside what as many others do; None without a control.

    `others` is what the other classes lose on average, `p` the causal check's, of so many `draws`.
    """

    name: str
    drop: float
    random_mean: float | None
    random_low: float | None
    random_high: float | None
    others: float | None = None
    p: float | None = None
    draws: int = 0


def causal_drops(answer: PyramidAnswer) -> list[Drop]:
    """Return what removing a pyramid's kernels does to the logit, per layer and together."""
    return [
        Drop(
            short_layer_name(name),
            row.drop,
            row.random_mean,
            row.random_low,
            row.random_high,
            row.others,
            row.p,
            row.draws,
        )
        for name, row in answer.ablation.items()
    ]
