"""How far one saliency map may be believed."""

from __future__ import annotations

from typing import ClassVar

from reportgen.records.answers.base import Answer, Measured
from reportgen.records.targets import Target


class RandomBand(Answer):
    """What random maps reach on the clip: mean and 95% band."""

    mean: float
    low: float
    high: float


class ShuffledWeights(Answer):
    """How like the map stays to itself when all layers down to each of `layers` are shuffled."""

    layers: tuple[str, ...]
    correlations: tuple[float, ...]
    kept: float


class FaithfulnessAnswer(Answer):
    """What the checks found of one map; None where one was not made, and `reason` why the curves were not."""

    analysis: ClassVar[str] = "faithfulness"

    method: str
    target: Target
    clip: str
    reason: str | None = None
    beats_random: bool | None = None
    insertion_auc: Measured = None
    deletion_auc: Measured = None
    insertion_gain: Measured = None
    deletion_gain: Measured = None
    insertion_band: RandomBand | None = None
    deletion_band: RandomBand | None = None
    infidelity: Measured = None
    random_maps: int | None = None
    shares: tuple[float, ...] = ()
    insertion: tuple[float, ...] = ()
    deletion: tuple[float, ...] = ()
    random_insertion: tuple[float, ...] = ()
    random_deletion: tuple[float, ...] = ()
    randomisation: ShuffledWeights | None = None
    sensitivity: Measured = None
    stability: Measured = None

    @property
    def gain(self) -> float | None:
        """The mean of how much better than random its insertion and deletion are: what methods are ranked by."""
        if self.insertion_gain is None or self.deletion_gain is None:
            return None
        return (self.insertion_gain + self.deletion_gain) / 2
