"""The tables of the response maps' pages: all maps of a network, and the orders of one layer's kernels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.reading.format import fixed, shape
from reportgen.records.answers.responses import KernelOrder, ResponsesAnswer


class ShownMaps(Protocol):
    """A layer's maps of a clip, and where their page is."""

    @property
    def answer(self) -> ResponsesAnswer:
        """What was computed."""
        ...

    @property
    def uri(self) -> str:
        """The address of their page."""
        ...

    @property
    def best(self) -> KernelOrder:
        """The order whose neighbours are most alike."""
        ...


def maps_table(found: Sequence[tuple[ShownMaps, str, str]]) -> Table:
    """Return a row for each layer and clip, of which `found` holds the titles too."""
    heads = columns(
        "Layer",
        "Clip",
        Column("Kernels", "count"),
        "Map",
        Column("Neighbours' correlation by index", "fixed"),
        Column("At best", "fixed"),
        "Best order",
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(layer, view.uri),
            clip,
            view.answer.kernels,
            shape(view.answer.computed),
            view.answer.orders[0].neighbour_correlation,
            view.best.neighbour_correlation,
            view.best.title,
        )
        for view, layer, clip in found
    ]
    caption = (
        "Map: frames × rows × columns. Correlation: the mean over kernels that are neighbours in the order, "
        "from −1 to 1."
    )
    return Table("maps", "Response maps", heads, tuple(told), caption)


def orders_table(answer: ResponsesAnswer) -> Table:
    """Return the orders of a layer's kernels with how well each brings like maps together."""
    heads = columns(
        "Order",
        Column("Groups", "count"),
        Column("Silhouette", "fixed"),
        Column("Explained variance", "percent"),
        Column("Neighbours' correlation", "fixed"),
    )
    told: list[tuple[Cell, ...]] = [
        (
            order.title,
            order.group_count or None,
            order.silhouette,
            order.explained_variance,
            order.neighbour_correlation,
        )
        for order in answer.orders
    ]
    chosen = next((order.tried for order in answer.orders if order.name == "kmeans" and order.tried), ())
    tried = ", ".join(f"{count}: {fixed(value)}" for count, value in chosen)
    caption = (
        "All figures are of whole maps, all positions and frames together. Silhouette: how much nearer a map is to "
        "its own group than to the next, from −1 to 1. Explained variance: the share of the variance of the maps that "
        "lies between the groups, or along the component. Neighbours' correlation: the mean over kernels that are "
        "neighbours in the order."
    )
    silhouettes = f" Silhouettes that chose the number of groups of k-means: {tried}." if tried else ""
    return Table("orders", "Orders", heads, tuple(told), caption + silhouettes)
