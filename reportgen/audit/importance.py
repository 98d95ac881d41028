"""Weight gradients: whether they are right, and which score is said to order a network's filters, in words."""

from __future__ import annotations

from typing import Literal

from reportgen.audit.limits import Limits
from reportgen.audit.verdicts import State, Verdict, graded, judged
from reportgen.reading.format import fixed, number, plural
from reportgen.reading.run_view import RunView
from reportgen.records.answers.weight_gradients import CheckedGradients, ImportanceTest, ScoreDifference, ScoreOrdering

SCORE_NAMES = {
    "norm": "the norm of the gradient",
    "first_order": "|⟨W, ∂y/∂W⟩|",
    "weight_norm": "the norm of the weights",
}
"""The scores in words."""

MEASURES = {"accuracy": "accuracy", "logit": "logit above the mean of all classes'", "change": "change of the value"}
"""What is left of the network's answer, in words."""

Ordered = Literal["best", "alike", "chance", "untested"]
"""One score orders the filters best; some do, and cannot be told apart; none does better than chance; too few data."""


def ordering_state(test: ImportanceTest, limits: Limits) -> Ordered:
    """Return what the removals say of the scores.

    A score orders the filters where every random draw, or all but as many as the limit allows, costs more than removing
    its least important filters and less than removing its most important ones.
    """
    if test.clips < limits.importance_clips or test.draws < limits.importance_draws:
        return "untested"
    if not _beats_chance(test.scores[0], limits):
        return "chance"
    apart = all(pair.p <= limits.importance_p and pair.difference > 0 for pair in _of_the_first(test))
    return "best" if apart else "alike"


def _beats_chance(row: ScoreOrdering, limits: Limits) -> bool:
    return max(row.p_least, row.p_most) <= limits.importance_p


def _of_the_first(test: ImportanceTest) -> list[ScoreDifference]:
    return [pair for pair in test.pairs if pair.better == test.scores[0].score]


def ordering_sentence(test: ImportanceTest, limits: Limits) -> str:
    """Return which score orders the filters best."""
    state, best = ordering_state(test, limits), SCORE_NAMES[test.scores[0].score]
    if state == "untested":
        return (
            f"Not tested which score orders the filters best: filters were removed on {plural(test.clips, 'clip')}, "
            f"against {plural(test.draws, 'random draw')}; to tell takes {limits.importance_clips} clips and "
            f"{limits.importance_draws} draws."
        )
    if state == "chance":
        return f"No score orders the filters clearly better than chance; {best} comes nearest."
    if state == "best":
        return f"Of {len(test.scores)} scores, {best} orders the filters best."
    alike = [SCORE_NAMES[pair.other] for pair in _of_the_first(test) if pair.p > limits.importance_p]
    return (
        f"Of {len(test.scores)} scores, {best} orders the filters best here, but is not told apart from "
        f"{' and '.join(alike)}."
    )


def ordering_figures(test: ImportanceTest, limits: Limits) -> str:
    """Return the figures behind the sentence, and what they were compared with; empty where nothing was tested."""
    state = ordering_state(test, limits)
    if state == "untested":
        return ""
    first, *others = test.scores
    areas = " and ".join(f"{fixed(row.area)} for {SCORE_NAMES[row.score]}" for row in others)
    ps = " and ".join(number(pair.p, 2) for pair in _of_the_first(test))
    draws = f"{test.draws} random draws of as many filters"
    chance = f"p {number(first.p_least, 2)} and {number(first.p_most, 2)}"
    beats = (
        f"Removed in its order, the least important filters are compared with {draws}, and so are the most important "
        f"ones ({chance})."
        if state == "chance"
        else f"It leaves more with its least important filters removed, and less with its most important ones removed, "
        f"than {draws} do ({chance})."
    )
    return (
        f"Area between its two curves {_area(first)}, against {areas} (paired permutation test over "
        f"{plural(test.clips, 'clip')}, corrected by Holm: p {ps}). {beats}"
    )


def _area(row: ScoreOrdering) -> str:
    if row.low is None or row.high is None:
        return fixed(row.area)
    return f"{fixed(row.area)} (95% interval {fixed(row.low)} to {fixed(row.high)})"


def check_state(check: CheckedGradients, limits: Limits) -> State:
    """Return whether the gradients are those of central differences."""
    return graded(check.worst, *limits.gradient_error)


def check_sentence(check: CheckedGradients, limits: Limits) -> str:
    """Return what the numeric check says of the gradients."""
    if check.reason is not None:
        return f"Not checked: {check.reason}."
    if check.worst is None:
        return "Not checked: all gradients are zero."
    worst = number(check.worst, 2)
    words = {
        "pass": f"The gradients are right: central differences in float64 differ from them by {worst} at most.",
        "warn": f"Central differences in float64 differ from the gradients by {worst}, more than rounding explains.",
        "fail": f"The gradients are not those of central differences in float64, from which they differ by {worst}.",
    }
    return words[check_state(check, limits)]


def weight_checks(model: RunView, limits: Limits) -> list[Verdict]:
    """Return whether gradients are right, and whether a score orders the filters; no row where they were not asked."""
    found = model.importance
    if found is None:
        return []
    link = model.addresses.weights
    rows = []
    if found.check is not None:
        good, fair = (number(limit, 1) for limit in limits.gradient_error)
        rows.append(
            Verdict(
                check_state(found.check, limits),
                "Weight gradients agree with differences (worst layer)",
                found.check.worst,
                judged(found.check.worst, *limits.gradient_error, tell=number, digits=2),
                f"at most {good} (warn to {fair})",
                check_sentence(found.check, limits),
                link,
            )
        )
    test = found.removal
    states: dict[Ordered, State] = {"best": "pass", "alike": "warn", "chance": "warn", "untested": "untested"}
    rows.append(
        Verdict(
            "untested" if test is None else states[ordering_state(test, limits)],
            "A score tells which filters matter",
            test.scores[0].area if test else None,
            fixed(test.scores[0].area) if test else "–",
            f"better than chance and than every other score, p at most {number(limits.importance_p, 2)}",
            f"{ordering_sentence(test, limits)} {ordering_figures(test, limits)}".strip()
            if test
            else f"No filters were removed: {found.no_removal}.",
            link,
        )
    )
    return rows
