"""The plain tables behind the catalogue of kernels: its layers, and every kernel of one layer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.pages.census import MeasuredKernel
from reportgen.pages.report import ModelView


def kernel_layers_table(model: ModelView) -> Table:
    """Return the layers of a network's kernels, in its order."""
    told: Iterable[tuple[Cell, ...]] = (
        (Reference(model.stage_title(layer), model.addresses.all_kernels(layer)), layer, count)
        for layer, count in model.census.items()
    )
    return Table("layers", "Layers", columns("Layer", Column("Name", "code"), Column("Kernels", "count")), tuple(told))


def all_kernels_table(model: ModelView, layer: str, found: Sequence[MeasuredKernel]) -> Table:
    """Return every kernel of a layer, each with the anchor by which its page is linked to."""
    labelled = any(row.word for row in found)
    only = model.driver_title(model.evidence.names[0]) if model.evidence.clips == 1 and model.evidence.names else ""
    heads = columns(
        "Kernel",
        Column("Motion reliance", "fixed"),
        *(() if only else ("Reference clip that drives it most",)),
        Column(f"Response to {only or 'it'}", "number"),
        *(("Label that drives it",) if labelled else ()),
        "Dead, duplicate or near-silent",
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(f"#{row.index}", row.uri if row.visualised else "", row.index, f"{row.index:04d}"),
            row.told.motion_reliance if row.told else None,
            *_best_clip(model, layer, row)[1 if only else 0 :],
            *((row.label,) if labelled else ()),
            row.state,
        )
        for row in found
    ]
    return Table("kernels", "All kernels of the layer", heads, tuple(told))


def _best_clip(model: ModelView, layer: str, row: MeasuredKernel) -> tuple[str, float | None]:
    best = model.evidence.best(layer, row.index)
    return (model.driver_title(best.clip), best.value) if best else ("", None)
