"""The known answers as the runner sees them: one unit a case, which asks nothing of the run's own network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch

from reportgen.analyses.base import Answers, Inapplicable, Subject, Unit
from reportgen.analyses.known_answers import classes, comparisons, pictures
from reportgen.analyses.known_answers.case import Case
from reportgen.analyses.known_answers.parameters import KnownAnswerParameters
from reportgen.analyses.registry import find_method
from reportgen.progress import Progress
from reportgen.records.answers.known_answers import KnownAnswer
from reportgen.records.figures import Result

CASES: Mapping[str, Case] = {**pictures.PICTURE_CASES, **classes.CLASS_CASES, **comparisons.COMPARED_CASES}
"""The cases by the section of the methods page to which they belong."""


class KnownAnswerAnalysis:
    """One unit a case; each is computed anew when its method's version rises."""

    def units(self, subject: Subject, parameters: KnownAnswerParameters) -> Sequence[Unit | Inapplicable]:  # noqa: ARG002
        """Return a unit for each case."""
        return [
            Unit(
                f"{subject.model}/known-{name}",
                f"{subject.model}/known-{name}",
                {"case": name},
                {"version": str(find_method(case.method).version)},
            )
            for name, case in CASES.items()
        ]

    def run(
        self,
        subject: Subject,  # noqa: ARG002
        units: Sequence[Unit],
        parameters: KnownAnswerParameters,  # noqa: ARG002
        answers: Answers,  # noqa: ARG002
        progress: Progress,  # noqa: ARG002
    ) -> Iterator[tuple[Unit, Result]]:
        """Yield what each method finds."""
        for unit in units:
            yield unit, Result(known_answer(str(unit.parameters["case"])))


def known_answer(name: str) -> KnownAnswer:
    """Compute a case; whoever draws random numbers after it draws the same as without it."""
    case = CASES[name]
    with torch.random.fork_rng(devices=[]), _one_thread():
        figures = case.find()
    version = find_method(case.method).version
    return KnownAnswer(case=name, method=case.method, version=version, planted=case.planted, figures=figures)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute in one thread: for such small tensors several would wait for each other more than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
