"""The table of all kernels of a layer: what the reference clips and their probes say of each, shown or not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.pages.census import MeasuredKernel
from reportgen.pages.report import ModelView
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.probes import PROBE_TITLES

_OTHERS = {name: title for name, title in PROBE_TITLES.items() if name != "frozen"}


def measured_tables(model: ModelView, found: Sequence[MeasuredKernel], most: int) -> Iterator[Table]:
    """Yield the kernels of a layer, and apart from them those that the clips barely drive, at most so many of each."""
    loud, silent = ([row for row in found if row.silent is apart] for apart in (False, True))
    groups = (("all-kernels", "All kernels of the layer", loud), ("near-silent", "Near-silent kernels", silent))
    yield from (_table(model, name, title, Excerpt.of(rows, most)) for name, title, rows in groups if rows)


def _table(model: ModelView, name: str, title: str, found: Excerpt[MeasuredKernel]) -> Table:
    labelled, concepts = bool(model.evidence.labelled), bool(model.concepts)
    probed = any(row.told for row in found)
    heads = columns(
        "Kernel",
        Column("Largest response", "number"),
        *((Column("Motion reliance", "fixed"),) if probed else ()),
        *(("Label that drives it",) if labelled else ()),
        *(("Concept that drives it",) if concepts else ()),
        "Dead, duplicate or near-silent",
        *(Column(title[:1].upper() + title[1:], "percent") for title in _OTHERS.values() if probed),
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(f"#{row.index}", row.uri, row.index),
            row.best,
            *((row.told.motion_reliance if row.told else None,) if probed else ()),
            *((row.label,) if labelled else ()),
            *((", ".join(row.concepts),) if concepts else ()),
            row.state,
            *(row.told.kept(name) if row.told else None for name in _OTHERS if probed),
        )
        for row in found
    ]
    return Table(name, title, heads, tuple(told), "", found.left_out, "in the list of all kernels")
