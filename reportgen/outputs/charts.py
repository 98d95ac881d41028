"""The kinds of charts as data: what is drawn, and the same as columns and rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from reportgen.outputs.model import Cell, Column, columns, rows
from reportgen.reading.ablation import Drop

Told = tuple[tuple[Column, ...], tuple[tuple[Cell, ...], ...]]
"""Columns and rows."""

PETALS = 16
"""Directions that a rose tells apart."""


@dataclass(frozen=True)
class StepCurve:
    """Values over equal steps of `x_label`."""

    values: Sequence[float]
    x_label: str
    y_label: str = "value"

    def table(self) -> Told:
        """Return each point, counted from 1."""
        told = columns(Column(f"{self.x_label}: point", "count"), Column(self.y_label, "number"))
        return told, rows(enumerate(self.values, start=1))


@dataclass(frozen=True)
class FrameProfiles:
    """One value per frame for each of several series, a method each; one is seen at a time, at first `first`."""

    series: tuple[tuple[str, Sequence[float]], ...]
    first: str = ""

    @property
    def frames(self) -> int:
        """The number of frames of the longest."""
        return max(len(values) for _, values in self.series)

    def table(self) -> Told:
        """Return each frame, counted from 0."""
        told = columns(Column("Frame", "count"), *(Column(name, "number") for name, _ in self.series))
        return told, rows(
            (frame, *(values[frame] if frame < len(values) else None for _, values in self.series))
            for frame in range(self.frames)
        )


@dataclass(frozen=True)
class Histogram:
    """How often each range of values occurs; `ends` cut the axis where values reach beyond them."""

    values: Sequence[float]
    unit: str = ""
    bins: int = 12
    ends: tuple[float, float] | None = None

    @property
    def cut(self) -> tuple[list[float], bool, bool]:
        """The values, moved to the ends where they lie beyond, and whether the first and last bar hold such."""
        if self.ends:
            low, high = self.ends
            moved = [min(max(value, low), high) for value in self.values]
            if min(moved) < max(moved):  # else all lie beyond one end, and an axis that is not cut shows more
                return moved, min(self.values) < low, max(self.values) > high
        return list(self.values), False, False

    def counts(self) -> list[tuple[float, float, int]]:
        """Return each range, from and to, with how many values it holds."""
        values, _, _ = self.cut
        low, high = min(values), max(values)
        span = (high - low) or 1.0
        counts = [0] * self.bins
        for value in values:
            counts[min(int((value - low) / span * self.bins), self.bins - 1)] += 1
        edges = pairwise(low + span * place / self.bins for place in range(self.bins + 1))
        return [(start, end, count) for (start, end), count in zip(edges, counts, strict=True)]

    def table(self) -> Told:
        """Return each range; where the axis is cut the first and last hold all beyond it, and their ends are empty."""
        _, low, high = self.cut
        told: list[tuple[Cell, ...]] = [(start, end, count) for start, end, count in self.counts()]
        if low:
            told[0] = (None, *told[0][1:])
        if high:
            told[-1] = (told[-1][0], None, told[-1][2])
        unit = self.unit
        heads = columns(Column("From", "number", unit), Column("To", "number", unit), Column("Kernels", "count"))
        return heads, tuple(told)


@dataclass(frozen=True)
class Rose:
    """How many kernels prefer each direction, in degrees clockwise from right."""

    directions: Sequence[float]

    def counts(self) -> list[int]:
        """Return how many lie within each of the `PETALS` directions, from right, clockwise."""
        counts = [0] * PETALS
        for degrees in self.directions:
            counts[round(degrees % 360 / (360 / PETALS)) % PETALS] += 1
        return counts

    def table(self) -> Told:
        """Return each direction."""
        heads = columns(Column("Direction, clockwise from right", "number", "degrees"), Column("Kernels", "count"))
        return heads, rows((place * 360 / PETALS, found) for place, found in enumerate(self.counts()))


@dataclass(frozen=True)
class Drops:
    """By how much a value falls without some kernels, with the interval of others in their place."""

    rows: Sequence[Drop]

    def table(self) -> Told:
        """Return each drop."""
        heads = columns(
            "Removed",
            Column("Fall", "number"),
            Column("Fall without others, mean", "number"),
            Column("Fall without others", "number", "95% of draws", ("low", "high")),
        )
        return heads, rows((d.name, d.drop, d.random_mean, (d.random_low, d.random_high)) for d in self.rows)


@dataclass(frozen=True)
class Interval:
    """A named value, with its 95% interval where it has one."""

    name: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Intervals:
    """Named values on one scale."""

    rows: Sequence[Interval]
    what: str

    def table(self) -> Told:
        """Return each value."""
        interval = Column("95% interval", "fixed", parts=("low", "high"))
        return columns("Name", Column(self.what, "fixed"), interval), rows(
            (r.name, r.value, (r.low, r.high)) for r in self.rows
        )


@dataclass(frozen=True)
class UsualBand:
    """A value for each of some kernels, within what is usual of each (low, middle, high); some are `marked`."""

    values: Sequence[float]
    low: Sequence[float]
    middle: Sequence[float]
    high: Sequence[float]
    marked: Sequence[int] = ()

    def table(self) -> Told:
        """Return each kernel."""
        usual = Column("Usual", "number", parts=("low", "middle", "high"))
        ends = zip(self.values, self.low, self.middle, self.high, strict=True)
        return columns(Column("Kernel", "count"), Column("Mean response", "number"), usual), rows(
            (kernel, value, (low, middle, high)) for kernel, (value, low, middle, high) in enumerate(ends)
        )


@dataclass(frozen=True)
class Fidelity:
    """The value of what is explained over the share of the clip that is shown or hidden, beside random maps'."""

    shares: Sequence[float]
    own: Sequence[float]
    random: Sequence[float]

    def table(self) -> Told:
        """Return each share."""
        heads = columns(
            Column("Share of the clip", "percent"), Column("This map", "number"), Column("Random maps", "number")
        )
        return heads, rows(zip(self.shares, self.own, self.random, strict=True))


@dataclass(frozen=True)
class RemovalCurves:
    """What is left of `measure` while filters are removed, the least or the most important first, or at random.

    Each curve has its mean at every share, and the ends of its interval where there is one; `intact` is before.
    """

    shares: Sequence[float]
    intact: float
    measure: str
    curves: dict[str, tuple[Sequence[float], Sequence[float] | None, Sequence[float] | None]]
    ends: tuple[float, float]
    as_share: bool = False

    def table(self) -> Told:
        """Return each share, from none on."""
        heads = [Column("Filters removed", "percent")]
        heads += [
            Column(f"{self.measure}, {name}", "fixed", parts=("mean", "low", "high"), joined=" · ")
            for name in self.curves
        ]
        told: list[tuple[Cell, ...]] = [(0.0, *((self.intact, None, None) for _ in self.curves))]
        for place, share in enumerate(self.shares):
            cells = (
                (mean[place], low[place] if low else None, high[place] if high else None)
                for mean, low, high in self.curves.values()
            )
            told.append((share, *cells))
        return tuple(heads), tuple(told)


@dataclass(frozen=True)
class Kept:
    """The kept kernels of one layer of two pyramids: how many only one keeps, both keep, and would by chance."""

    layer: str
    first: int
    shared: int
    second: int
    jaccard: float | None
    by_chance: float | None


@dataclass(frozen=True)
class Shared:
    """The kept kernels of each layer of two pyramids."""

    first: str
    second: str
    layers: Sequence[Kept]

    def table(self) -> Told:
        """Return each layer."""
        heads = columns(
            Column("Layer", "code"),
            Column(f"Only {self.first}", "count"),
            Column("Both", "count"),
            Column("Both, by chance", "fixed1"),
            Column(f"Only {self.second}", "count"),
            Column("Shared", "percent"),
        )
        return heads, rows((k.layer, k.first, k.shared, k.by_chance, k.second, k.jaccard) for k in self.layers)


@dataclass(frozen=True)
class Piece:
    """A part of a layer's positive relevance: a kept kernel, or all `others`; `reliance` on motion where known."""

    name: str
    share: float
    value: float
    uri: str = ""
    reliance: float | None = None
    others: bool = False


@dataclass(frozen=True)
class Pieces:
    """Layers, each divided among its kernels by their relevance."""

    layers: Sequence[tuple[str, Sequence[Piece]]]

    def table(self) -> Told:
        """Return each piece."""
        heads = columns(
            Column("Layer", "code"),
            "Kernel",
            Column("Relevance", "number"),
            Column("Share of the layer", "percent1"),
            Column("Motion reliance", "fixed"),
        )
        return heads, rows((layer, p.name, p.value, p.share, p.reliance) for layer, found in self.layers for p in found)
