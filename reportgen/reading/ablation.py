"""What removing a class pyramid's kernels does to its logit, beside removing as many at random."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.reading.format import figure, short_layer_name
from reportgen.records.jobs import Done


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


def causal_drops(done: Done) -> list[Drop]:
    """Return what removing a pyramid's kernels does to the logit, per layer and together."""
    found = done.metrics.get("ablation")
    if not isinstance(found, dict):
        return []
    rows = []
    for name, facts in found.items():
        if isinstance(facts, dict):
            values = [figure(facts, key) for key in ("drop", "random_mean", "random_low", "random_high")]
            if all(value is not None for value in values):
                rows.append(Drop(short_layer_name(name), *(value for value in values if value is not None)))
    return rows
