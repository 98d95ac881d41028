"""How the saliency maps fared: their curves as charts, and the methods in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from reportgen.audit.limits import Limits
from reportgen.audit.maps import faithful_state
from reportgen.outputs.charts import Fidelity
from reportgen.outputs.model import Column, ReportFigure, Table, columns
from reportgen.reading.format import fixed, short_layer_name
from reportgen.records.answers.faithfulness import FaithfulnessAnswer


def curves(checks: FaithfulnessAnswer) -> list[ReportFigure]:
    """Return the curves by each baseline beside the mean of random maps."""
    found = []
    for baseline, test in checks.told.items():
        behind = f"the {baseline.replace('_', ' ')}, dashed the mean of {test.random_maps} random maps"
        found += [
            ReportFigure(
                f"insertion-{checks.method}-{baseline}",
                Fidelity(test.shares, test.insertion, test.random_insertion),
                f"Insertion, {baseline.replace('_', ' ')}",
                f"Most marked shown first on {behind}: area {fixed(test.insertion_auc)}, higher is better",
            ),
            ReportFigure(
                f"deletion-{checks.method}-{baseline}",
                Fidelity(test.shares, test.deletion, test.random_deletion),
                f"Deletion, {baseline.replace('_', ' ')}",
                f"Most marked hidden first behind {behind}: area {fixed(test.deletion_auc)}, lower is better",
            ),
        ]
    return found


def curves_table(name: str, checks: Sequence[FaithfulnessAnswer]) -> Table:
    """Return the curves of several methods as one table."""
    heads = columns(
        "Method",
        "Baseline",
        "Order",
        Column("Share of the clip", "percent"),
        Column("This map", "number"),
        Column("Random maps, mean", "number"),
    )
    told = [
        (one.method, baseline, order, *point)
        for one in checks
        for baseline, test in one.told.items()
        for order, own, random in (
            ("most marked shown first", test.insertion, test.random_insertion),
            ("most marked hidden first", test.deletion, test.random_deletion),
        )
        for point in zip(test.shares, own, random, strict=True)
    ]
    return Table(name, "Insertion and deletion", heads, tuple(told))


def shuffled_depths(checks: FaithfulnessAnswer) -> list[tuple[str, float]]:
    """Return how like itself the map stays when all layers down to each depth are shuffled, from the top."""
    found = checks.randomisation
    if found is None:
        return []
    return [(short_layer_name(name), value) for name, value in zip(found.layers, found.correlations, strict=True)]


@dataclass(frozen=True)
class RankRow:
    """A method's place on one clip and over all of them; gains over random maps, in share of the logit's way."""

    title: str
    method: str
    gain: float | None
    place: int | None
    control: float | None
    unexplained: float | None
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


def method_means(every: Iterable[Sequence[FaithfulnessAnswer]], limits: Limits) -> dict[str, MethodMeans]:
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
            beaten=sum(faithful_state(one, limits) == "pass" for one in checks),
        )
    return found


def _best_control(checks: FaithfulnessAnswer) -> float | None:
    """Return the mean over baselines of what the best map without a network gains."""
    best = [test.best_control[1] for test in checks.told.values() if test.best_control]
    return fmean(best) if best else None


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
                control=_best_control(checks),
                unexplained=checks.unexplained,
                mean_gain=over.gain,
                mean_place=over.place,
                maps=over.maps,
                beaten=over.beaten,
            )
        )
    return sorted(rows, key=lambda row: (row.place is None, row.place or 0, row.title))
