"""The tests of every kernel as a table to take away."""

from __future__ import annotations

import math
from collections.abc import Iterator

from reportgen.analyses.concepts.compare import ConceptTests
from reportgen.records.figures import TableFigure

_COLUMNS = (
    *("layer", "kernel", "rank", "score", "auroc", "auroc_low", "auroc_high", "p", "q", "method"),
    *("mean", "reference_p5", "reference_median", "reference_p95"),
)


def table_of_tests(tests: ConceptTests, caption: str) -> TableFigure:
    """Return one row a kernel, layers in the network's order; what cannot be told is empty."""
    return TableFigure(_COLUMNS, list(_rows(tests)), caption)


def _rows(tests: ConceptTests) -> Iterator[list[object]]:
    for layer, found in tests.layers.items():
        figures = (found.score, found.auroc, found.low, found.high, found.p, found.q)
        responses = (found.mean, *found.reference)
        for kernel, rank in enumerate(found.rank.tolist()):
            judged = [_written(float(values[kernel])) for values in figures]
            means = [_written(float(values[kernel])) for values in responses]
            yield [layer, kernel, rank, *judged, str(found.methods[kernel]), *means]


def _written(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"
