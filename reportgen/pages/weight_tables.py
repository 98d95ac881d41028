"""The tables of the page of weight gradients: scores, curves, importance, compared clips, and the numeric check."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.audit.importance import SCORE_NAMES
from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.pages.report import ModelView
from reportgen.reading.format import percent
from reportgen.records.answers.weight_gradients import (
    CheckedGradients,
    ClassComparison,
    ClassImportance,
    ComparedClip,
    ImportanceTest,
    ModelImportance,
)

_CURVE = ("mean", "low", "high")


def scores_table(test: ImportanceTest) -> Table:
    """Return how well each score orders the filters."""
    heads = columns(
        "Score",
        Column("Area between its curves", "fixed"),
        Column("95% interval", "fixed", parts=("low", "high")),
        Column("p, least against random", "number"),
        Column("p, most against random", "number"),
    )
    told: list[tuple[Cell, ...]] = [
        (SCORE_NAMES[row.score], row.area, (row.low, row.high), row.p_least, row.p_most) for row in test.scores
    ]
    return Table("scores", "Scores", heads, tuple(told))


def removal_table(test: ImportanceTest) -> Table:
    """Return what is left at each share of removed filters."""
    heads = columns(
        "Removed",
        Column("none", "fixed"),
        *(Column(percent(share), "fixed", parts=_CURVE, joined=" · ") for share in test.shares),
    )
    told: list[tuple[Cell, ...]] = []
    for curve in test.curves:
        by = f" important by {SCORE_NAMES[curve.score]}" if curve.order != "random" else " filters"
        ends = zip(curve.low or (), curve.high or (), strict=True)
        cells = [(mean, *end) for mean, end in zip(curve.mean, ends, strict=True)] if curve.low else curve.mean
        told.append((f"{curve.order}{by}", test.intact, *cells))
    caption = "Mean, and the ends of its 95% interval."
    return Table("curves", "What is left while filters are removed", heads, tuple(told), caption)


def important_filters_table(model: ModelView, found: ClassImportance, place: int) -> Table:
    """Return the filter of the largest score of each layer for one class, and how far the two scores agree."""
    heads = columns(
        "Layer",
        Column("Filters", "count"),
        "Most important, published score",
        "Most important, first order",
        Column("Agreement", "fixed"),
    )
    told: list[tuple[Cell, ...]] = []
    for layer, scores in found.layers.items():
        names = [_leading(model, layer, values) for values in (scores.published, scores.first_order)]
        own = Reference(model.stage_title(layer), _layer(model, layer))
        told.append((own, len(scores.published), *names, scores.agreement))
    return Table(f"importance-{place}", f"Importance for {found.title}", heads, tuple(told))


def _leading(model: ModelView, layer: str, values: tuple[float, ...]) -> Reference:
    """Return the filter of the largest score."""
    if not values:
        return Reference("–")
    first = max(range(len(values)), key=values.__getitem__)
    return Reference(f"#{first}", model.kernel_uri(layer, first))


def compared_table(model: ModelView, found: ClassComparison) -> Table:
    """Return the clips whose gradients are compared."""
    heads = columns(
        "Clip",
        "Stands for",
        "Its class",
        "Taken for",
        Column(f"Logit of {model.label(found.reference)}", "number"),
    )
    told: list[tuple[Cell, ...]] = [
        (model.driver_title(one.clip), role_of(one), model.label(one.label), model.label(one.predicted), one.logit)
        for one in found.cases
    ]
    return Table("compared", "Compared clips", heads, tuple(told))


def role_of(case: ComparedClip) -> str:
    """Return what a compared clip stands for."""
    return f"{case.role.capitalize()}, {case.outcome}{', another clip' if case.again else ''}"


def likeness_table(model: ModelView, found: ClassComparison) -> Table:
    """Return each layer's likeness to the first clip's gradient, in the network's order."""
    others = found.cases[1:]
    heads = columns(
        "Layer",
        *(Column(role_of(one), "fixed", parts=("cosine", "rank correlation"), joined=" · ") for one in others),
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(model.stage_title(layer), _layer(model, layer), place),
            *((one.layers[layer].cosine, one.layers[layer].rank) for one in others),
        )
        for place, layer in enumerate(found.cases[0].layers)
    ]
    return Table("likeness", "Likeness of the gradients", heads, tuple(told))


def check_table(model: ModelView, check: CheckedGradients) -> Table:
    """Return the relative error of the gradients of each layer that was checked."""
    heads = columns(
        "Layer",
        Column("Weights", "count"),
        Column("Relative error", "number"),
        Column("Along a random direction", "number"),
        Column("Asked with a smaller step", "count"),
    )
    told: list[tuple[Cell, ...]] = [
        (model.stage_title(layer), row.weights, row.error, row.direction, row.smaller_steps)
        for layer, row in check.layers.items()
    ]
    zero = [row[0] for row in told if row[2] is None and row[3] is None]
    caption = f"The gradient is zero, and no error is relative to it: {', '.join(map(str, zero))}." if zero else ""
    return Table("check", "Numeric check", heads, tuple(told), caption)


def _layer(model: ModelView, layer: str) -> str:
    return model.addresses.layer(layer) if layer in model.kernels else ""


def weight_tables(model: ModelView, found: ModelImportance | None) -> Iterator[Table]:
    """Yield the tables of the page that have rows."""
    if found is None:
        return
    if found.removal:
        yield scores_table(found.removal)
        yield removal_table(found.removal)
    for place, one in enumerate(found.classes):
        if one.layers:
            yield important_filters_table(model, one, place)
    if found.comparison and found.comparison.cases:
        yield compared_table(model, found.comparison)
        if len(found.comparison.cases) > 1:
            yield likeness_table(model, found.comparison)
    if found.check and found.check.layers:
        yield check_table(model, found.check)
