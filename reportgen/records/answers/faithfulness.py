"""How far one saliency map may be believed."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from reportgen.records.answers.base import Answer, Measured
from reportgen.records.targets import Target


class RandomBand(Answer):
    """What random maps reach on the clip: mean and 95% band."""

    mean: float
    low: float
    high: float


class HidingTest(Answer):
    """How the logit follows when parts are hidden behind one baseline; `reason` where nothing can be said.

    Gains are how much better than the mean of random maps the areas are. `controls` are the mean gains of maps that
    see no network.
    """

    reason: str | None = None
    insertion_auc: float = 0.0
    deletion_auc: float = 0.0
    insertion_band: RandomBand | None = None
    deletion_band: RandomBand | None = None
    controls: dict[str, float] = Field(default_factory=dict)
    unexplained: Measured = Field(None, description="1 - r^2 of the falls of the logit and the map's sums.")
    random_maps: int = 0
    shares: tuple[float, ...] = ()
    insertion: tuple[float, ...] = ()
    deletion: tuple[float, ...] = ()
    random_insertion: tuple[float, ...] = ()
    random_deletion: tuple[float, ...] = ()

    @property
    def gain(self) -> float:
        """The mean of how much better than random its insertion and deletion are; 0 where nothing was measured."""
        if self.insertion_band is None or self.deletion_band is None:
            return 0.0
        return (self.insertion_auc - self.insertion_band.mean + self.deletion_band.mean - self.deletion_auc) / 2

    @property
    def beyond(self) -> int:
        """How many of the two areas lie beyond the band of random maps, on the good side."""
        if self.insertion_band is None or self.deletion_band is None:
            return 0
        return (self.insertion_auc > self.insertion_band.high) + (self.deletion_auc < self.deletion_band.low)

    @property
    def best_control(self) -> tuple[str, float] | None:
        """The map without a network that gains most, and what it gains."""
        return max(self.controls.items(), key=lambda each: each[1], default=None)


class ShuffledWeights(Answer):
    """How like the map stays to itself when all layers down to each of `layers` are shuffled, the lowest one last."""

    layers: tuple[str, ...]
    correlations: tuple[float, ...] = Field(min_length=1)

    @property
    def kept(self) -> float:
        """The likeness when everything is shuffled, as a magnitude."""
        return abs(self.correlations[-1])


class FaithfulnessAnswer(Answer):
    """What the checks found of one map; None where one was not made. `tests` are by baseline."""

    analysis: ClassVar[str] = "faithfulness"

    method: str
    target: Target
    clip: str
    tests: dict[str, HidingTest] = Field(default_factory=dict)
    randomisation: ShuffledWeights | None = None
    sensitivity: Measured = None
    stability: Measured = None

    @property
    def told(self) -> dict[str, HidingTest]:
        """The baselines by which something can be said."""
        return {name: test for name, test in self.tests.items() if test.reason is None}

    @property
    def reason(self) -> str | None:
        """Why nothing can be said by any baseline; None where something can, or nothing was tried."""
        reasons = [test.reason for test in self.tests.values() if test.reason]
        return reasons[0] if reasons and not self.told else None

    @property
    def gain(self) -> float | None:
        """The mean gain over random maps of all baselines: what methods are ranked by."""
        gains = [test.gain for test in self.told.values()]
        return sum(gains) / len(gains) if gains else None

    @property
    def unexplained(self) -> float | None:
        """The mean over baselines of what the map leaves unexplained of the logit's falls."""
        known = [test.unexplained for test in self.told.values() if test.unexplained is not None]
        return sum(known) / len(known) if known else None
