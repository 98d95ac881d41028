"""How often each verdict passes where it must not, and where it must: as `python -m benchmarks.nulls` measured it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from reportgen.resources import null_rates_file


class Rate(BaseModel):
    """So many of so many, with the 95% interval of the share (Clopper and Pearson)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passed: int = Field(ge=0)
    of: int = Field(ge=1)
    low: float
    high: float

    @property
    def share(self) -> float:
        """The share that passed."""
        return self.passed / self.of


class NullRate(BaseModel):
    """One verdict or sentence: its rate on nulls, of which `nominal` is the most that is asked for, and its power."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    verdict: str
    null: str
    planted: str
    nominal: float
    seeds: int = Field(ge=1)
    null_rate: Rate
    power: Rate


class NullRates(BaseModel):
    """All that was measured."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reportgen: str
    torch: str
    first_seed: int
    cases: tuple[NullRate, ...]


def null_rates() -> NullRates:
    """Return the kept rates; raises RenderError where the installation lacks them."""
    return NullRates.model_validate_json(null_rates_file().read_bytes())
