"""Seconds of work from its size: a fixed part for each job and a part for each multiply-add, fitted for each kind.

The error that is stated is that of predictions for what the fit has not seen: the observations of a kind are left out
in turn, in ten parts at most, and predicted by the others.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy  # loads its parts when they are asked for: each takes a third of a second

from reportgen.runner.costs.observed import Observation

FOLDS = 10
FEWEST = 3
"""Observations of a kind below which its error is not known."""

_ROUNDS = 12
_USUAL = 0.3
"""A relative error that is no sign of an odd chunk."""

_LEAST_SECONDS = 1e-3


@dataclass(frozen=True)
class CostRate:
    """Seconds of a job, and of 1e9 multiply-adds."""

    job: float
    work: float

    def seconds(self, jobs: float, work: float) -> float:
        """Return the seconds of so many jobs with so much work in all."""
        return self.job * jobs + self.work * work


@dataclass(frozen=True)
class CostError:
    """Relative errors of predictions: their median, and what nine in ten are within."""

    median: float
    ninety: float
    predictions: int


def fitted_rate(observed: Sequence[Observation]) -> CostRate:
    """Return the rate that fits these observations best: relative errors, least squares up to `_USUAL` and above that
    their absolute values, so that one odd chunk does not decide; no negative part.
    """
    seconds = np.array([max(one.seconds, _LEAST_SECONDS) for one in observed])
    sizes = np.array([[one.jobs, one.work] for one in observed], float)
    if len(observed) < 2 or not sizes[:, 1].any():
        column = 1 if sizes[:, 1].all() else 0
        each = float(np.median(seconds / sizes[:, column]))
        return CostRate(0.0, each) if column else CostRate(each, 0.0)
    scale = sizes.max(axis=0)
    weights = 1 / seconds
    found = np.zeros(2)
    for _ in range(_ROUNDS):
        found = scipy.optimize.nnls(sizes / scale * weights[:, None], seconds * weights)[0]
        expected = np.maximum(sizes / scale @ found, _LEAST_SECONDS)
        middle = np.sqrt(expected * seconds)  # by the one or the other alone they would be too small or too large
        odd = np.maximum(np.abs(expected - seconds) / middle / _USUAL, 1)
        weights = 1 / middle / np.sqrt(odd)
    return CostRate(float(found[0] / scale[0]), float(found[1] / scale[1]))


def left_out_errors(observed: Sequence[Observation]) -> list[float]:
    """Return the relative error of each observation, predicted by those of the other parts; none below `FEWEST`."""
    if len(observed) < FEWEST:
        return []
    parts = min(len(observed), FOLDS)
    found = []
    for part in range(parts):
        rate = fitted_rate([one for place, one in enumerate(observed) if place % parts != part])
        for one in observed[part::parts]:
            seconds = max(one.seconds, _LEAST_SECONDS)
            found.append(abs(rate.seconds(one.jobs, one.work) - seconds) / seconds)
    return found


def error_of(errors: Sequence[float]) -> CostError | None:
    """Return what is said of relative errors; None where there are none."""
    if not errors:
        return None
    return CostError(statistics.median(errors), float(np.quantile(errors, 0.9)), len(errors))


@dataclass(frozen=True)
class CostEstimate:
    """What some work is expected to take; `seconds` None: not known. `basis` says what that rests on."""

    seconds: float | None
    basis: str
    error: CostError | None = None


@dataclass(frozen=True)
class CostModel:
    """What work costs on one machine.

    `own` are rates from records of this machine, `other` those from another one's figures, which is named `source`;
    `factor` is how many times the other's seconds this machine takes, None where that is not known.
    """

    own: Mapping[str, CostRate]
    errors: Mapping[str, Sequence[float]]
    other: Mapping[str, CostRate] = field(default_factory=dict)
    source: str = ""
    factor: float | None = None
    sizes: Mapping[str, float] = field(default_factory=dict)

    def estimate(self, kind: str, jobs: int, work: float) -> CostEstimate:
        """Return what so many jobs of a kind take, with so much work in all."""
        if kind in self.own:
            return CostEstimate(self.own[kind].seconds(jobs, work), "records", error_of(self.errors[kind]))
        if kind in self.other and self.factor is not None:
            return CostEstimate(self.other[kind].seconds(jobs, work) * self.factor, self.source)
        return CostEstimate(None, "no record of such a job")

    def error(self) -> CostError | None:
        """Return the error over all kinds that have records."""
        return error_of([error for errors in self.errors.values() for error in errors])

    def bytes_of(self, kind: str, jobs: int, pixels: int) -> int | None:
        """Return how many bytes the files of so many jobs have; None where it is not known."""
        return round(self.sizes[kind] * jobs * pixels) if kind in self.sizes else None


def cost_model(
    machine: str,
    observed: Sequence[Observation],
    further: Sequence[Observation],
    *,
    is_here: bool,
    times: float | None = None,
) -> CostModel:
    """Return the model of a machine from what was `observed` in runs and `further` figures of another machine.

    What this machine has no records of is taken from others', times how much slower it was where both have records.
    Where it has none at all, `times` says how many times as fast it is as the others; without it the others' figures
    stand for the machine that asks (`is_here`), and for no other.
    """
    own = _by_kind(one for one in observed if one.machine == machine)
    others = [one for one in observed if one.machine != machine] or list(further)
    machines = sorted({one.machine for one in others})
    other = {kind: fitted_rate(those) for kind, those in _by_kind(others).items()}
    ratios = [
        one.seconds / expected
        for kind, those in own.items()
        for one in those
        if kind in other and (expected := other[kind].seconds(one.jobs, one.work)) > 0 and one.seconds > 0
    ]
    factor, how = _factor(ratios, is_here=is_here, times=times)
    sizes = {
        kind: sum(one.size / one.pixels for one in those) / sum(one.jobs for one in those)
        for kind, those in _by_kind([*others, *(one for one in observed if one.machine == machine)]).items()
    }
    return CostModel(
        own={kind: fitted_rate(those) for kind, those in own.items()},
        errors={kind: left_out_errors(those) for kind, those in own.items()},
        other=other,
        source=f"measured on {' and '.join(machines)}{how}",
        factor=factor,
        sizes=sizes,
    )


def _factor(ratios: Sequence[float], *, is_here: bool, times: float | None) -> tuple[float | None, str]:
    """Return how many times another machine's seconds are taken, and that in words."""
    if times is not None:
        return 1 / times, f", taken for {times:g} times as fast"
    if ratios:
        factor = statistics.median(ratios)
        return factor, f", times {factor:.2g} as where both have records"
    return (1.0, ", as if this machine were that one") if is_here else (None, "")


def _by_kind(observed: Iterable[Observation]) -> dict[str, list[Observation]]:
    found: dict[str, list[Observation]] = defaultdict(list)
    for one in observed:
        found[one.kind].append(one)
    return found
