"""How the saliency maps fared: their curves as charts, and the methods in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from markupsafe import Markup

from reportgen.pages.charts import fidelity
from reportgen.reading.format import fixed
from reportgen.records.answers.faithfulness import FaithfulnessAnswer


def curves(checks: FaithfulnessAnswer) -> list[tuple[str, Markup]]:
    """Return the insertion and deletion curves beside the mean of random maps, each with its caption."""
    if not checks.shares:
        return []
    dashed = f"dashed the mean of {checks.random_maps} random maps"
    return [
        (
            f"Most marked shown first: area {fixed(checks.insertion_auc)}, higher is better; {dashed}",
            fidelity(checks.shares, checks.insertion, checks.random_insertion, "Insertion"),
        ),
        (
            f"Most marked hidden first: area {fixed(checks.deletion_auc)}, lower is better; {dashed}",
            fidelity(checks.shares, checks.deletion, checks.random_deletion, "Deletion"),
        ),
    ]


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


def places(checks: Iterable[FaithfulnessAnswer]) -> dict[str, int]:
    """Return each method's place on one clip and class, the largest gain over random maps first."""
    known = [one for one in checks if one.gain is not None]
    ordered = sorted(known, key=lambda one: -(one.gain or 0.0))
    return {one.method: place for place, one in enumerate(ordered, start=1)}


@dataclass(frozen=True)
class MethodMeans:
    """A method over all clips and classes of a report."""

    gain: float | None
    place: float | None
    maps: int
    beaten: int


def method_means(every: Iterable[Sequence[FaithfulnessAnswer]]) -> dict[str, MethodMeans]:
    """Return each method's means over `every` clip and class."""
    same: dict[str, list[FaithfulnessAnswer]] = defaultdict(list)
    ranks: dict[str, list[int]] = defaultdict(list)
    for group in every:
        for one in group:
            same[one.method].append(one)
        for method, place in places(group).items():
            ranks[method].append(place)
    found = {}
    for method, checks in same.items():
        gains = [one.gain for one in checks if one.gain is not None]
        found[method] = MethodMeans(
            gain=fmean(gains) if gains else None,
            place=fmean(ranks[method]) if ranks[method] else None,
            maps=len(gains),
            beaten=sum(one.beats_random is True for one in checks),
        )
    return found


def ranking(
    own: Sequence[FaithfulnessAnswer], means: Mapping[str, MethodMeans], titles: dict[str, str] | None = None
) -> list[RankRow]:
    """Return the methods in their order on one clip (`own`), with their `means` over every clip and class."""
    here = places(own)
    rows = []
    for checks in own:
        over = means[checks.method]
        rows.append(
            RankRow(
                title=(titles or {}).get(checks.method, checks.method.replace("_", " ")),
                method=checks.method,
                gain=checks.gain,
                place=here.get(checks.method),
                infidelity=checks.infidelity,
                kept=checks.randomisation.kept if checks.randomisation else None,
                mean_gain=over.gain,
                mean_place=over.place,
                maps=over.maps,
                beaten=over.beaten,
            )
        )
    return sorted(rows, key=lambda row: (row.place is None, row.place or 0, row.title))
