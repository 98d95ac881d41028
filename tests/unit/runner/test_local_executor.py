"""The work of a plan in this process: what fails, what is kept, and what is not done twice."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest

from reportgen.analyses.base import Analysis, Answers, Inapplicable, Subject, Unit
from reportgen.analyses.method import Method
from reportgen.analyses.parameters import Parameters
from reportgen.errors import NetworkError, NoAnswerError, StoreError
from reportgen.progress import SILENT, Progress
from reportgen.records.answers.base import Answer
from reportgen.records.figures import DataFigure, Result, TextFigure
from reportgen.records.jobs import Done, Failed, Outcome, Skipped
from reportgen.records.store import Store
from reportgen.runner.executors import local
from reportgen.runner.executors.base import Work
from reportgen.runner.executors.local import LocalExecutor
from reportgen.runner.plan import plan_jobs
from reportgen.runner.prepare import Prepared


class Squared(Answer):
    """A number."""

    analysis: ClassVar[str] = "squares"
    value: int


@dataclass
class Squares:
    """Squares of 0 to 5, three a chunk; `bad` numbers raise, those of `pages` bring a file that no run may hold.

    Numbers of `refused` have the error for their answer.
    """

    bad: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    pages: frozenset[int] = frozenset()
    error: Exception = field(default_factory=lambda: ValueError("no square today"))
    asked: list[list[int]] = field(default_factory=list)

    def units(self, subject: Subject, parameters: Parameters) -> Sequence[Unit | Inapplicable]:
        numbers = [Unit(f"{subject.model}/{n}", f"chunk{n // 3}", {"n": n}) for n in range(6)]
        return [*numbers, Inapplicable(subject.model, "it is no number")]

    def run(
        self, subject: Subject, units: Sequence[Unit], parameters: Parameters, answers: Answers, progress: Progress
    ) -> Iterator[tuple[Unit, Result | NetworkError]]:
        self.asked.append([unit.parameters["n"] for unit in units])
        for unit in units:
            n = unit.parameters["n"]
            if n in self.bad:
                raise self.error
            if n in self.refused:
                assert isinstance(self.error, NetworkError)
                yield unit, self.error
                continue
            figure = TextFigure("", ".html") if n in self.pages else DataFigure({"n": np.array([n])})
            yield unit, Result(Squared(value=n * n), {"data": figure})


@dataclass
class Roots:
    """One root, of the square of 4."""

    def units(self, subject: Subject, parameters: Parameters) -> Sequence[Unit | Inapplicable]:
        return [Unit(subject.model, "root", needs=(("squares", f"{subject.model}/4", "data"),))]

    def run(
        self, subject: Subject, units: Sequence[Unit], parameters: Parameters, answers: Answers, progress: Progress
    ) -> Iterator[tuple[Unit, Result]]:
        n = int(answers("squares", f"{subject.model}/4", "data")["n"][0])
        yield units[0], Result(Squared(value=n))


def outcomes(prepared: Prepared, squares: Squares, only: frozenset[str] | None = None) -> dict[str, Outcome]:
    methods: list[Method[Parameters]] = []
    loaded: dict[str, Analysis[Parameters]] = {"squares": squares, "roots": Roots()}
    for name, analysis in loaded.items():
        methods.append(Method(name, name, name, 1, Parameters, lambda own=analysis: own))  # type: ignore[misc]
    plan = plan_jobs(prepared.subject, methods, dict.fromkeys(loaded, Parameters()), {})
    work = Work(plan, prepared.subject, Store(prepared.place.folder), only)
    found = LocalExecutor().execute(work, SILENT)
    return {f"{record.job.analysis} {record.job.unit.rpartition('/')[2]}": record.outcome for record, _ in found}


def test_every_job_is_answered_and_later_ones_read_earlier_ones(prepared: Prepared) -> None:
    found = outcomes(prepared, Squares())
    assert [found[f"squares {n}"].answer["value"] for n in range(6)] == [0, 1, 4, 9, 16, 25]  # type: ignore[union-attr]
    assert isinstance(found["roots tiny"], Done)
    assert found["squares tiny"] == Skipped(reason="it is no number")


def test_an_error_fails_the_open_jobs_of_its_chunk_and_what_needs_them(prepared: Prepared) -> None:
    found = outcomes(prepared, Squares(bad=frozenset({4})))
    assert [type(found[f"squares {n}"]) for n in range(6)] == [Done, Done, Done, Done, Failed, Failed]
    failed = found["squares 4"]
    assert isinstance(failed, Failed)
    assert (failed.message, failed.error) == ("ValueError: no square today", "ValueError")
    (attempt,) = failed.attempts
    assert attempt.machine == socket.gethostname()[:60]
    assert attempt.log is not None
    log = (prepared.place.folder / attempt.log).read_text()
    assert "squares" in attempt.lines[0]
    assert attempt.lines[-1] == log.splitlines()[-1] == "ValueError: no square today"
    assert not [line for line in attempt.lines if "site-packages" in line or str(Path.cwd()) in line]
    assert isinstance(found["roots tiny"], Skipped)
    assert "which failed" in found["roots tiny"].reason


@pytest.mark.parametrize(
    ("error", "kind", "said"), [(NetworkError, Failed, "which failed"), (NoAnswerError, Skipped, "which has none")]
)
def test_what_one_job_is_refused_does_not_concern_the_others(
    prepared: Prepared, error: type[NetworkError], kind: type[Outcome], said: str
) -> None:
    found = outcomes(prepared, Squares(refused=frozenset({3, 4}), error=error("it has no root")))
    assert [type(found[f"squares {n}"]) for n in range(6)] == [Done, Done, Done, kind, kind, Done]
    assert isinstance(found["roots tiny"], Skipped)
    assert found["roots tiny"].reason.endswith(said)


def test_an_answer_that_cannot_be_kept_is_a_failed_job(prepared: Prepared) -> None:
    found = outcomes(prepared, Squares(pages=frozenset({1})))
    assert [type(found[f"squares {n}"]) for n in range(6)] == [Done, Failed, Failed, Done, Done, Done]


def test_the_next_build_does_only_chunks_in_which_something_failed(prepared: Prepared) -> None:
    """Such a chunk is asked as a whole, for what is computed beside others is rounded as they are."""
    outcomes(prepared, Squares(bad=frozenset({4})))
    again = Squares()
    found = outcomes(prepared, again)
    assert again.asked == [[3, 4, 5]]
    assert isinstance(found["roots tiny"], Done)


class Stopped(BaseException):
    """Somebody pressed Ctrl-C."""


@dataclass
class Beside(Squares):
    """Answers depend on how many units are asked together, as rounding does; at the number `stop` it is stopped."""

    stop: int | None = None

    def run(
        self, subject: Subject, units: Sequence[Unit], parameters: Parameters, answers: Answers, progress: Progress
    ) -> Iterator[tuple[Unit, Result]]:
        for unit, result in super().run(subject, units, parameters, answers, progress):
            if self.stop is not None and unit.parameters["n"] >= self.stop:
                raise Stopped
            assert isinstance(result, Result)
            yield unit, Result(Squared(value=len(units)), result.figures)


@pytest.mark.parametrize("stop", range(6))
def test_answers_after_a_stop_are_those_of_a_build_without(prepared: Prepared, stop: int) -> None:
    with pytest.raises(Stopped):
        outcomes(prepared, Beside(stop=stop))
    found = outcomes(prepared, Beside())
    assert [found[f"squares {n}"].answer["value"] for n in range(6)] == [3] * 6  # type: ignore[union-attr]


def test_a_store_that_cannot_be_written_ends_the_work(prepared: Prepared) -> None:
    with pytest.raises(StoreError, match="no space"):
        outcomes(prepared, Squares(bad=frozenset({1}), error=StoreError("There is no space left.")))


def test_of_some_jobs_the_others_are_left(prepared: Prepared) -> None:
    outcomes(prepared, Squares())
    store = Store(prepared.place.folder)
    records = [store.record(key) for key in sorted(store.keys())]
    wanted = frozenset(record.key for record in records if record and record.job.unit.endswith("/5"))
    assert outcomes(prepared, Squares(), wanted).keys() == {"squares 5"}


def test_it_looks_for_other_workers_less_often_where_that_takes_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[Path] = []

    def nobody(run: Path) -> int:
        looks.append(run)
        return 0

    clock = iter([0.0, 2.0, 19.9, 20.0, 20.5])
    monkeypatch.setattr(local, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(local, "held_chunks", nobody)
    others = local._Others(tmp_path)
    others.are_here()  # from 0 to 2 s: the next one is at 20 s
    assert len(looks) == 1
    others.are_here()  # at 19.9 s
    assert len(looks) == 1
    others.are_here()  # at 20 s
    assert len(looks) == 2
