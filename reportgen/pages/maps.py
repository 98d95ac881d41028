"""How the saliency maps fared: their checks as badges, their curves as charts, and the methods in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from markupsafe import Markup
from pydantic import BaseModel, ConfigDict

from reportgen.options import CheckLimits
from reportgen.pages.charts import fidelity
from reportgen.pages.format import fixed, percent
from reportgen.pages.verdicts import State, Verdict, graded

ADDS_UP, NEARLY = 0.01, 0.05
"""Completeness error to which integrated gradients pass, and to which they get a warning."""

CHANGED, HARDLY = 0.5, 0.8
"""Likeness of a map to itself under shuffled weights to which it passes, and to which it gets a warning."""

STEADY, WAVERING = 0.8, 0.5
"""Rank correlation between the maps of two seeds from which they agree, and from which there is a warning."""

CALM, SHAKEN = 0.5, 1.0
"""Relative change under noise to which a map passes, and to which it gets a warning."""


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

    def curves_suffice(self, limits: CheckLimits) -> bool:
        """Whether the curves are evidence enough for a failure."""
        return (self.random_maps or 0) >= limits.random_maps and len(self.shares) > limits.curve_steps

    def shuffles_suffice(self, limits: CheckLimits) -> bool:
        """Whether weights were shuffled at depths enough for a failure."""
        return self.randomisation is not None and len(self.randomisation.layers) >= limits.shuffled_depths

    def charts(self) -> list[tuple[str, Markup]]:
        """Return the insertion and deletion curves beside the mean of random maps, each with its caption."""
        if not self.shares:
            return []
        dashed = f"dashed the mean of {self.random_maps} random maps"
        return [
            (
                f"Most marked shown first: area {fixed(self.insertion_auc)}, higher is better; {dashed}",
                fidelity(self.shares, self.insertion, self.random_insertion, "Insertion, logit of the class"),
            ),
            (
                f"Most marked hidden first: area {fixed(self.deletion_auc)}, lower is better; {dashed}",
                fidelity(self.shares, self.deletion, self.random_deletion, "Deletion, logit of the class"),
            ),
        ]


def faithful_state(checks: MapChecks | None) -> State:
    """Return pass for a map that beats random maps at both tests, warn for one test alone, else fail."""
    if checks is None or checks.beats_random is None or checks.insertion_band is None or checks.deletion_band is None:
        return "untested"
    if checks.beats_random:
        return "pass"
    inserted = (checks.insertion_auc or 0.0) > checks.insertion_band.high
    deleted = (checks.deletion_auc or 0.0) < checks.deletion_band.low
    return "warn" if inserted or deleted else "fail"


def map_verdicts(
    completeness: float | None, checks: MapChecks | None = None, limits: CheckLimits | None = None
) -> list[Verdict]:
    """Return the badges of one map; by `limits`, what was measured with too little effort warns and does not fail."""
    found = []
    if completeness is not None:
        found.append(
            Verdict(
                graded(abs(completeness), ADDS_UP, NEARLY),
                "adds up",
                percent(abs(completeness), 2),
                f"error at most {percent(ADDS_UP)}",
                "Do the attributions sum to the logit's change?",
            )
        )
    found.append(_faithful(checks, limits))
    if checks:
        found += _method_checks(checks, limits)
    return found


def _faithful(checks: MapChecks | None, limits: CheckLimits | None) -> Verdict:
    state = faithful_state(checks)
    figure, meaning = "–", "Does uncovering what the map marks bring the class back?"
    if checks and checks.insertion_band and checks.deletion_band:
        figure = (
            f"insertion {fixed(checks.insertion_auc)} (random {fixed(checks.insertion_band.mean)}), "
            f"deletion {fixed(checks.deletion_auc)} (random {fixed(checks.deletion_band.mean)})"
        )
        if state == "fail" and limits and not checks.curves_suffice(limits):
            state = "warn"
            meaning = f"{meaning} {checks.random_maps} random maps at {len(checks.shares) - 1} steps cannot say no."
    elif checks and checks.reason:
        meaning = f"{meaning} {checks.reason}"
    else:
        meaning = f"{meaning} This run did not measure it."
    return Verdict(state, "faithful", figure, "both beyond the 95% band of random maps", meaning)


def _method_checks(checks: MapChecks, limits: CheckLimits | None) -> list[Verdict]:
    found = []
    if checks.randomisation:
        state = graded(checks.randomisation.kept, CHANGED, HARDLY)
        found.append(
            Verdict(
                "warn" if state == "fail" and limits and not checks.shuffles_suffice(limits) else state,
                "reads the weights",
                f"{fixed(checks.randomisation.kept)} kept",
                f"at most {fixed(CHANGED)} of its rank order kept under shuffled weights (warn to {fixed(HARDLY)})",
                "Does the map change when the network forgets? One that stays shows the clip, not the network.",
            )
        )
    if checks.sensitivity is not None:
        found.append(
            Verdict(
                graded(checks.sensitivity, CALM, SHAKEN),
                "steady under noise",
                f"changes by {percent(checks.sensitivity)}",
                f"at most {percent(CALM)} (warn to {percent(SHAKEN)})",
                "How far does the map change when the clip changes by less than an eye sees?",
            )
        )
    if checks.stability is not None:
        found.append(
            Verdict(
                graded(checks.stability, STEADY, WAVERING),
                "same with other seeds",
                fixed(checks.stability),
                f"rank correlation at least {fixed(STEADY)} (warn from {fixed(WAVERING)})",
                "Does the method say the same twice?",
            )
        )
    return found


@dataclass(frozen=True)
class RankRow:
    """A method's place on one clip and over all of them; gains over random maps, in share of the logit's way."""

    title: str
    method: str
    gain: float | None
    place: int | None
    infidelity: float | None
    kept: float | None
    mean_gain: float | None
    mean_place: float | None
    maps: int
    beaten: int


def places(checks: Iterable[MapChecks]) -> dict[str, int]:
    """Return each method's place on one clip and class, the largest gain over random maps first."""
    known = [one for one in checks if one.gain is not None]
    ordered = sorted(known, key=lambda one: -(one.gain or 0.0))
    return {one.method: place for place, one in enumerate(ordered, start=1)}


def ranking(
    own: Sequence[MapChecks], every: Sequence[Sequence[MapChecks]], titles: dict[str, str] | None = None
) -> list[RankRow]:
    """Return the methods in their order on one clip (`own`), with their means over `every` clip and class."""
    here = places(own)
    over = [places(group) for group in every]
    rows = []
    for checks in own:
        same = [one for group in every for one in group if one.method == checks.method]
        gains = [one.gain for one in same if one.gain is not None]
        ranks = [found[checks.method] for found in over if checks.method in found]
        rows.append(
            RankRow(
                title=(titles or {}).get(checks.method, checks.method.replace("_", " ")),
                method=checks.method,
                gain=checks.gain,
                place=here.get(checks.method),
                infidelity=checks.infidelity,
                kept=checks.randomisation.kept if checks.randomisation else None,
                mean_gain=fmean(gains) if gains else None,
                mean_place=fmean(ranks) if ranks else None,
                maps=len(gains),
                beaten=sum(one.beats_random is True for one in same),
            )
        )
    return sorted(rows, key=lambda row: (row.place is None, row.place or 0, row.title))
