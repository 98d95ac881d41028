"""Known answers hold here, and a method that is broken misses its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from reportgen.analyses.known_answers import classes, comparisons, pictures
from reportgen.analyses.known_answers.analysis import CASES, known_answer
from reportgen.audit.known_answers import known_answers_check, must_be
from reportgen.pages.known_tables import shown_answers
from reportgen.pages.method_notes import METHOD_NOTES
from reportgen.records.answers.known_answers import Comparison, KnownAnswer, KnownFigure


@pytest.mark.parametrize("name", CASES)
def test_this_installation_reproduces_it(name: str) -> None:
    answer = known_answer(name)
    assert answer.holds, [figure for figure in answer.figures if not figure.holds]


def test_each_known_answer_of_the_methods_page_has_its_case() -> None:
    asked = [note.case(place) for note in METHOD_NOTES for place in range(len(note.known))]
    assert sorted(asked) == sorted(CASES)


def test_whoever_draws_next_draws_the_same() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    known_answer("kernels")
    assert torch.equal(torch.rand(4), expected)


def spoiled(change: Callable[[Any], Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what makes of a method one whose results are changed."""
    return lambda method: lambda *given, **options: change(method(*given, **options))


def _swapped(groups: Any) -> Any:
    return [replace_order(order) for order in groups]


def replace_order(order: Any) -> Any:
    """Return an order whose first two kernels of different groups have changed places."""
    if not order.groups:
        return order
    groups = list(order.groups)
    other = next(place for place, group in enumerate(groups) if group != groups[0])
    groups[0], groups[other] = groups[other], groups[0]
    return order.model_copy(update={"groups": tuple(groups)})


BROKEN: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "kernels": (pictures, "maximize_activation", lambda found: replace(found, activations=0.9 * found.activations)),
    "multiscale": (
        pictures,
        "maximize_over_scales",
        lambda found: replace(
            found, pictures=tuple(replace(one, activations=(0.9 * one.activations[-1],)) for one in found.pictures)
        ),
    ),
    "decomposition": (pictures, "decompose", lambda found: replace(found, motion=-found.motion)),
    "headlines": (pictures, "pattern", lambda found: found.model_copy(update={"orientation": 180 - found.orientation})),
    "pyramid": (
        classes,
        "class_pyramid",
        lambda found: SimpleNamespace(
            kept=lambda: {name: tuple((k + 1) % 8 for k in kernels) for name, kernels in found.kept().items()},
            conservation=found.conservation,
        ),
    ),
    "saliency": (classes, "attribute", lambda found: replace(found, attribution=found.attribution.abs())),
    "faithfulness": (classes, "evaluate_maps", lambda found: found[::-1]),
    "weight-gradients": (
        classes,
        "weight_gradients",
        lambda found: replace(
            found, layers={name: replace(one, gradients=1.01 * one.gradients) for name, one in found.layers.items()}
        ),
    ),
    "motion": (classes, "motion_audit", lambda found: replace(found, dissolved_loss=found.motion_reliance)),
    "evidence": (comparisons, "aurocs", lambda found: 1 - found),
    "path": (comparisons, "natural_path", lambda found: replace(found, natural=found.kernels)),
    "concepts": (comparisons.RankTests, "of", lambda found: replace(found, p=found.p / 2)),
    "responses": (comparisons, "kernel_orders", _swapped),
}
"""For each case a method that goes wrong as code does: a sign, a factor, a place, one side of a test."""


@pytest.mark.parametrize("name", CASES)
def test_a_method_that_is_broken_misses_its_known_answer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    room, method, change = BROKEN[name]
    monkeypatch.setattr(room, method, spoiled(change)(getattr(room, method)))
    assert not known_answer(name).holds


@pytest.mark.parametrize(
    ("asked", "found", "holds", "words"),
    [
        ("equal", 1.05, True, "1 ± 0.1"),
        ("equal", 1.2, False, "1 ± 0.1"),
        ("least", 1.2, True, "at least 1"),
        ("least", 0.8, False, "at least 1"),
        ("most", 0.8, True, "at most 1"),
        ("most", 1.2, False, "at most 1"),
        ("least", None, False, "at least 1"),
    ],
)
def test_a_figure_is_held_against_the_known_one(
    asked: Comparison, found: float | None, holds: bool, words: str
) -> None:
    figure = KnownFigure(what="figure", found=found, asked=asked, known=1.0, margin=0.1)
    assert (figure.holds, must_be(figure)) == (holds, words)


def a_report(*answers: KnownAnswer) -> Any:
    """A model that holds these answers."""
    return SimpleNamespace(manifest=SimpleNamespace(of=lambda _: answers), answer=lambda record, _: record)


def an_answer(found: float) -> KnownAnswer:
    figure = KnownFigure(what="reliance", found=found, known=1.0)
    return KnownAnswer(case="motion", method="motion", version=1, planted="A case.", figures=(figure,))


def test_the_audit_and_the_page_are_red_where_one_is_missed() -> None:
    right, wrong = an_answer(1.0), an_answer(0.4)
    assert known_answers_check(a_report()).state == "untested"
    assert (known_answers_check(a_report(right)).state, known_answers_check(a_report(right)).figure) == (
        "pass",
        "1 of 1",
    )
    missed = known_answers_check(a_report(right, wrong))
    assert (missed.state, missed.figure) == ("fail", "1 of 2")
    assert "motion" in missed.meaning
    shown = shown_answers([a_report(right), a_report(wrong), a_report(right)])["motion"]
    assert not shown.holds
    assert [row[1] for row in shown.table.rows] == ["fail"]
