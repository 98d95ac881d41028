"""The table of all kernels of a layer: what the reference clips and their probes say of each, shown or not."""

from __future__ import annotations

from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.pages.census import MeasuredKernel
from reportgen.pages.report import ModelView
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.probes import PROBE_TITLES

_OTHERS = {name: title for name, title in PROBE_TITLES.items() if name != "frozen"}


def measured_table(model: ModelView, found: Excerpt[MeasuredKernel]) -> Table:
    """Return what is known of every kernel of a layer, those that the clips barely drive at the end."""
    labelled, concepts = bool(model.evidence.labelled), bool(model.concepts)
    heads = columns(
        "Kernel",
        Column("Largest response to a reference clip", "number"),
        Column("Motion reliance", "fixed"),
        *(("Label that drives it",) if labelled else ()),
        *(("Concept that drives it",) if concepts else ()),
        "Dead, duplicate or near-silent",
        *(Column(title[:1].upper() + title[1:], "percent") for title in _OTHERS.values()),
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(f"#{row.index}", row.uri, row.index),
            row.best,
            row.told.motion_reliance if row.told else None,
            *((row.label,) if labelled else ()),
            *((", ".join(row.concepts),) if concepts else ()),
            row.state,
            *(row.told.kept(name) if row.told else None for name in _OTHERS),
        )
        for row in found
    ]
    return Table(
        "all-kernels", "All kernels of the layer", heads, tuple(told), "", found.left_out, "in the list of all kernels"
    )
