"""What is left of a network's answer while filters are removed, as a chart of each score."""

from __future__ import annotations

from reportgen.audit.importance import MEASURES, SCORE_NAMES
from reportgen.outputs.charts import RemovalCurves
from reportgen.outputs.model import ReportFigure
from reportgen.records.answers.weight_gradients import ImportanceTest


def score_charts(test: ImportanceTest) -> list[ReportFigure]:
    """Return the curves of each score, the best one first, all on one scale."""
    found = []
    for row in test.scores:
        name, measure = SCORE_NAMES[row.score], MEASURES[test.measure]
        alt = f"{measure} while filters are removed by {name}"
        found.append(
            ReportFigure(f"removal-{row.score}", removal_of(test, row.score), alt, f"{name[0].upper()}{name[1:]}")
        )
    return found


def removal_of(test: ImportanceTest, score: str) -> RemovalCurves:
    """Return the curves of one score, beside those of random filters."""
    ends = [value for curve in test.curves for value in (*curve.mean, *(curve.low or ()), *(curve.high or ()))]
    own = {curve.order: curve for curve in test.curves if curve.score in {score, "random"}}
    return RemovalCurves(
        test.shares,
        test.intact,
        MEASURES[test.measure],
        {order: (own[order].mean, own[order].low, own[order].high) for order in ("random", "least", "most")},
        (min([0.0, test.intact, *ends]), max([0.0, test.intact, *ends])),
        as_share=test.measure == "accuracy",
    )
