"""The tables of a kernel's page: the concepts that drive it, and what the motion probes leave of its response."""

from __future__ import annotations

from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.reading.concepts import DrivenKernel
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.probes import PROBE_TITLES, KernelProbes


def kernel_concepts_table(found: Excerpt[tuple[str, DrivenKernel]]) -> Table | None:
    """Return a kernel beside each concept, of which `found` holds the pages' addresses too; None without concepts."""
    heads = columns(
        "Concept",
        Column("AUROC", "fixed"),
        Column("95% interval", "fixed", parts=("low", "high")),
        Column("Standard score", "fixed"),
        Column("Rank among all kernels", "count"),
        Column("q", "number"),
    )
    told: list[tuple[Cell, ...]] = [
        (Reference(one.concept, uri), one.auroc, (one.low, one.high), one.score, one.rank, one.q) for uri, one in found
    ]
    caption = "AUROC: how often a clip of the concept drives this kernel more than a reference clip."
    where = "on their own pages"
    return Table("concepts", "Concepts", heads, tuple(told), caption, found.left_out, where) if told else None


def probes_table(probes: KernelProbes) -> Table:
    """Return the share of a kernel's response that each probe leaves."""
    heads = columns("Reference clips, changed", Column("Response left", "percent"))
    told: tuple[tuple[Cell, ...], ...] = tuple(
        (title[:1].upper() + title[1:], probes.kept(name)) for name, title in PROBE_TITLES.items()
    )
    return Table("probes", "Motion probes", heads, told)
