"""The known answers that were computed with a run: which of them this installation reproduces."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.audit.verdicts import State, Verdict
from reportgen.reading.format import number, plain
from reportgen.reading.run_view import RunView
from reportgen.records.answers.known_answers import KnownAnswer, KnownFigure

_METHODS_PAGE = "methods.md"
"""Where each is shown beside its method."""

NAME = "Known answers reproduced"


def known_answers(model: RunView) -> Iterator[KnownAnswer]:
    """Yield those that were computed, in the order of the plan."""
    for record in model.manifest.of("known_answers"):
        if answer := model.answer(record, KnownAnswer):
            yield answer


def figure_state(figure: KnownFigure) -> State:
    """Return whether a figure is what it must be."""
    return "pass" if figure.holds else "fail"


def must_be(figure: KnownFigure) -> str:
    """Return in words what a figure must be."""
    known = _number(figure.known)
    if figure.asked != "equal":
        return f"at {figure.asked} {known}"
    return f"{known} ± {_number(figure.margin)}" if figure.margin else known


def _number(value: float) -> str:
    return number(value, 1) if 0 < abs(value) < 1e-3 else plain(value)


def known_answers_check(model: RunView) -> Verdict:
    """Return whether all known answers are reproduced; the ones that are not are named."""
    found = list(known_answers(model))
    missed = [answer.case for answer in found if not answer.holds]
    held = len(found) - len(missed)
    meaning = (
        "Small planted cases, computed with this run by the code that made it, whose answers are known beforehand."
    )
    if missed:
        meaning += (
            f" Not reproduced: {', '.join(missed)}; nothing that these methods say in this report can be trusted."
        )
    state: State = "untested" if not found else "fail" if missed else "pass"
    share = held / len(found) if found else None
    figure = f"{held} of {len(found)}" if found else "–"
    return Verdict(state, NAME, share, figure, "all", meaning, _METHODS_PAGE)
