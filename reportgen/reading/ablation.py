"""What removing a class pyramid's kernels does to its logit, beside removing as many at random."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.reading.format import short_layer_name
from reportgen.records.answers.pyramid import PyramidAnswer


@dataclass(frozen=True)
class Drop:
    """A fall of the class logit when kernels are removed, beside what as many random kernels do."""

    name: str
    drop: float
    random_mean: float
    random_low: float
    random_high: float

    @property
    def clear(self) -> bool:
        """Whether the pathway matters more than 95% of random draws."""
        return self.drop > self.random_high


def causal_drops(answer: PyramidAnswer) -> list[Drop]:
    """Return what removing a pyramid's kernels does to the logit, per layer and together."""
    return [
        Drop(short_layer_name(name), row.drop, row.random_mean, row.random_low, row.random_high)
        for name, row in answer.ablation.items()
    ]
