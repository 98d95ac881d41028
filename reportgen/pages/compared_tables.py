"""The tables of the page of compared pyramids: what all share, one class over its clips, and each pair."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.pages.report import ModelView
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import short_kernel_name
from reportgen.records.pyramid_compare import ComparedKernel, KernelSpread, PyramidComparison

_KEPT_BY = {"shared": "both", "first": "the first", "second": "the second"}
_ELSEWHERE = "in the pyramids' files"


def _kernel(model: ModelView, one: ComparedKernel | KernelSpread) -> Reference:
    return Reference(short_kernel_name(one.layer, one.index), model.kernel_uri(one.layer, one.index))


def shared_table(names: Sequence[Reference], shares: Sequence[Sequence[float | None]]) -> Table:
    """Return the share of kernels that every two pyramids keep both, of those that either keeps."""
    heads = columns("Pyramid", *(Column(name.words, "percent") for name in names))
    told = tuple((name, *row) for name, row in zip(names, shares, strict=True))
    return Table("shared", "Shared kernels", heads, told)


def spread_table(model: ModelView, name: str, label: str, found: Excerpt[KernelSpread]) -> Table:
    """Return the kernels of one class over its clips, with mean and deviation of their share of relevance."""
    heads = columns(
        "Kernel",
        Column("Back-steps", "count"),
        Column("Relevance, share of its layer", "percent1"),
        Column("Standard deviation", "percent1"),
        Column("Kept on", "percent"),
    )
    told: list[tuple[Cell, ...]] = [
        (_kernel(model, one), one.depth, one.mean, one.deviation, one.kept) for one in found
    ]
    return Table(name, f"{label} over its clips", heads, tuple(told), "", found.left_out, _ELSEWHERE)


def pair_layers_table(name: str, found: PyramidComparison) -> Table:
    """Return what two pyramids keep of each layer, beside what two of their sizes share by chance."""
    heads = columns(
        Column("Layer", "code"),
        Column("Back-steps", "count"),
        Column("Kernels", "count"),
        Column("Shared", "count"),
        Column("Shared by chance", "fixed1"),
        Column("Only the first", "count"),
        Column("Only the second", "count"),
        Column("Cosine of all relevance", "fixed"),
    )
    told: list[tuple[Cell, ...]] = [
        (
            *(one.name, one.depth, one.kernels, one.shared, one.by_chance),
            *(one.only_first, one.only_second, one.cosine),
        )
        for one in found.layers
    ]
    return Table(name, "Layers", heads, tuple(told))


def pair_kernels_table(model: ModelView, name: str, found: Excerpt[ComparedKernel]) -> Table:
    """Return the kernels of two pyramids, with their share of their layer in each."""
    heads = columns(
        "Kernel",
        Column("Back-steps", "count"),
        "Kept by",
        Column("Share of its layer, first", "percent1"),
        Column("Second", "percent1"),
    )
    told: list[tuple[Cell, ...]] = [
        (_kernel(model, one), one.depth, _KEPT_BY[one.side], one.first, one.second) for one in found
    ]
    return Table(name, "Kernels", heads, tuple(told), "", found.left_out, _ELSEWHERE)
