"""The tables of the concepts' pages: all concepts, and the kernels of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.reading.concepts import ConceptView, DrivenKernel
from reportgen.reading.excerpt import Excerpt


@dataclass(frozen=True)
class ConceptRow:
    """A concept in the table of all: the kernels that stand out for it, and the first of them."""

    view: ConceptView
    standing: int
    silenced: int
    first: DrivenKernel | None
    kernel: str
    uri: str


@dataclass(frozen=True)
class ConceptKernelRow:
    """A kernel of a concept's table with the address of its page."""

    kernel: DrivenKernel
    name: str
    uri: str


def concepts_table(found: Sequence[ConceptRow]) -> Table:
    """Return every concept with the kernels that stand out for it; what too few clips left untested is not known."""
    heads = columns(
        "Concept",
        Column("Clips", "count"),
        Column("Reference clips", "count"),
        Column("Kernels that respond more", "count"),
        Column("Less", "count"),
        "Leading kernel",
        Column("Its AUROC", "fixed"),
        Column("Its q", "number"),
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(row.view.name, row.view.uri),
            row.view.answer.clips,
            row.view.answer.reference,
            row.standing if row.view.was_tested else None,
            row.silenced if row.view.was_tested else None,
            Reference(row.kernel, row.uri),
            row.first.auroc if row.first else None,
            row.first.q if row.first else None,
        )
        for row in found
    ]
    untested = [row.view.name for row in found if not row.view.was_tested]
    caption = f"Not tested, for want of clips: {', '.join(untested)}." if untested else ""
    return Table("concepts", "Concepts", heads, tuple(told), caption)


def concept_kernels_table(found: Excerpt[ConceptKernelRow]) -> Table:
    """Return the kernels of one concept, the one of the largest AUROC first."""
    heads = columns(
        "Kernel",
        Column("Rank", "count"),
        Column("Standard score", "fixed"),
        Column("AUROC", "fixed"),
        Column("95% interval", "fixed", parts=("low", "high")),
        Column("p", "number"),
        Column("q", "number"),
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(row.name, row.uri),
            row.kernel.rank,
            row.kernel.score,
            row.kernel.auroc,
            (row.kernel.low, row.kernel.high),
            row.kernel.p,
            row.kernel.q,
        )
        for row in found
    ]
    return Table(
        "kernels", "All kernels", heads, tuple(told), left_out=found.left_out, left_where="in the file of all kernels"
    )
