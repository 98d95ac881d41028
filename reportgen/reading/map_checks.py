"""The documents of the checks of saliency maps."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RandomBand(_Read):
    """What random maps reach on the clip."""

    mean: float
    low: float
    high: float


class Shuffled(_Read):
    """How like the map stays to itself when all layers down to each of `layers` are shuffled."""

    layers: tuple[str, ...]
    correlations: tuple[float, ...]
    kept: float


class MapChecks(_Read):
    """What the checks found of one map; None where one was not made, and `reason` why the curves were not."""

    method: str
    reason: str | None = None
    beats_random: bool | None = None
    insertion_auc: float | None = None
    deletion_auc: float | None = None
    insertion_gain: float | None = None
    deletion_gain: float | None = None
    insertion_band: RandomBand | None = None
    deletion_band: RandomBand | None = None
    infidelity: float | None = None
    random_maps: int | None = None
    shares: tuple[float, ...] = ()
    insertion: tuple[float, ...] = ()
    deletion: tuple[float, ...] = ()
    random_insertion: tuple[float, ...] = ()
    random_deletion: tuple[float, ...] = ()
    randomisation: Shuffled | None = None
    sensitivity: float | None = None
    stability: float | None = None

    @property
    def gain(self) -> float | None:
        """The mean of how much better than random its insertion and deletion are: what methods are ranked by."""
        if self.insertion_gain is None or self.deletion_gain is None:
            return None
        return (self.insertion_gain + self.deletion_gain) / 2
