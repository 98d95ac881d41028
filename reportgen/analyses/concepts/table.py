"""The tests of every kernel as a table to take away."""

from __future__ import annotations

import csv
import io
import math

from reportgen.analyses.concepts.compare import ConceptTests

_COLUMNS = (
    *("layer", "kernel", "rank", "score", "auroc", "auroc_low", "auroc_high", "p", "q", "method"),
    *("mean", "reference_p5", "reference_median", "reference_p95"),
)


def tests_as_csv(tests: ConceptTests) -> str:
    """Return one row a kernel, layers in the network's order; what cannot be told is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for layer, found in tests.layers.items():
        figures = (found.score, found.auroc, found.low, found.high, found.p, found.q)
        responses = (found.mean, *found.reference)
        for kernel, rank in enumerate(found.rank.tolist()):
            judged = [_written(float(values[kernel])) for values in figures]
            means = [_written(float(values[kernel])) for values in responses]
            writer.writerow([layer, kernel, rank, *judged, str(found.methods[kernel]), *means])
    return text.getvalue()


def _written(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4g}"
