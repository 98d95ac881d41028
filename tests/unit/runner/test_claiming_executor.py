"""Workers beside each other at one plan: each job once, failures tried by another, and the same records as of one."""

from __future__ import annotations

import signal as signals
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from reportgen.analyses.method import Method
from reportgen.analyses.parameters import Parameters
from reportgen.progress import SILENT, Progress
from reportgen.records.jobs import Done, Failed, Outcome, Skipped
from reportgen.records.store import Store
from reportgen.records.written import CLAIMS, held_chunks, lists_in
from reportgen.runner.claims.claims import Claim, Claims, LeaseRules
from reportgen.runner.claims.files import ClaimFolder
from reportgen.runner.executors import claiming
from reportgen.runner.executors.base import Executor, Work
from reportgen.runner.executors.claiming import (
    ClaimingExecutor,
    forget_failures,
    has_certainly_ended,
    worker_name,
)
from reportgen.runner.executors.local import LocalExecutor
from reportgen.runner.plan import plan_jobs
from reportgen.runner.prepare import Prepared
from tests.children import run as run_command
from tests.children import run_python
from tests.unit.runner.test_local_executor import Roots, Squares

QUICK = LeaseRules(lease=2.0, beat=0.2)


def work_of(prepared: Prepared, squares: Squares, folder: Path) -> Work:
    methods: list[Method[Parameters]] = []
    for name, analysis in {"squares": squares, "roots": Roots()}.items():
        methods.append(Method(name, name, name, 1, Parameters, lambda own=analysis: own))  # type: ignore[misc]
    plan = plan_jobs(prepared.subject, methods, {"squares": Parameters(), "roots": Parameters()}, {})
    return Work(plan, prepared.subject, Store(folder))


def run(prepared: Prepared, squares: Squares, executor: Executor, folder: Path) -> tuple[dict[str, Outcome], int]:
    """Return the outcomes by job, and how many were computed by this executor."""
    found = list(executor.execute(work_of(prepared, squares, folder), SILENT))
    outcomes = {f"{record.job.analysis} {record.job.unit.rpartition('/')[2]}": record.outcome for record, _ in found}
    return outcomes, sum(computed for _, computed in found)


def test_one_worker_gives_what_one_process_gives(prepared: Prepared, tmp_path: Path) -> None:
    mine, _ = run(prepared, Squares(), ClaimingExecutor(QUICK), tmp_path / "a")
    plain, _ = run(prepared, Squares(), LocalExecutor(), tmp_path / "b")
    assert mine == plain


def test_three_workers_share_the_work_and_do_each_job_once(prepared: Prepared, tmp_path: Path) -> None:
    workers = [Squares() for _ in range(3)]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda own: run(prepared, own, ClaimingExecutor(QUICK), tmp_path), workers))
    assert sorted(asked for own in workers for asked in own.asked) == [[0, 1, 2], [3, 4, 5]]
    assert all(outcomes == found[0][0] for outcomes, _ in found)
    assert isinstance(found[0][0]["roots tiny"], Done)


def test_a_worker_says_what_it_waits_for_and_takes_over_what_a_dead_one_held(
    prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"elsewhere.0123456789ab-1.{number}.1" for number in range(2)]  # of a boot that is over, say
    work = work_of(prepared, Squares(), tmp_path)
    for name, chunk in zip(names, claiming._chunks_to_do(work), strict=False):
        claims = Claims(ClaimFolder(tmp_path, CLAIMS), name, time.monotonic)
        assert isinstance(claims.take(chunk, 0), Claim)
    now = [0.0]
    said: list[str] = []
    monkeypatch.setattr(
        claiming,
        "time",
        SimpleNamespace(monotonic=lambda: now[0], sleep=lambda seconds: now.__setitem__(0, now[0] + seconds)),
    )
    progress = SimpleNamespace(task=SILENT.task, note=said.append)
    found = list(ClaimingExecutor().execute(work, cast("Progress", progress)))
    assert not any(isinstance(record.outcome, Failed) for record, _ in found)
    assert 180 <= now[0] < 300
    assert len(said) == 1
    assert "taken over when nothing has been heard of it for 180 s" in said[0]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("no square today"), "ValueError: no square today"),
        (MemoryError(), "Memory ran out: choose a smaller clip, fewer kernels, or a larger device."),
    ],
)
def test_an_error_that_may_be_the_workers_is_tried_again_and_then_recorded(
    prepared: Prepared, tmp_path: Path, error: Exception, said: str
) -> None:
    squares = Squares(bad=frozenset({4}), error=error)
    found, _ = run(prepared, squares, ClaimingExecutor(QUICK), tmp_path)
    assert [asked for asked in squares.asked if 0 not in asked] == [[3, 4, 5], [3, 4, 5], [4], [5]]
    failed = found["squares 4"]
    assert isinstance(failed, Failed)
    assert (failed.message, failed.error) == (said, type(error).__name__)
    assert [attempt.ended for attempt in failed.attempts] == 3 * [said]
    assert all(attempt.lines[-1].startswith(type(error).__name__) for attempt in failed.attempts)
    assert isinstance(found["squares 5"], Done)
    assert isinstance(found["roots tiny"], Skipped)


@pytest.mark.long
@pytest.mark.parametrize("signal", ["SIGKILL", "SIGSEGV"])
@pytest.mark.parametrize("together", [True, False])
def test_a_job_that_ends_its_workers_is_recorded_and_no_other(tmp_path: Path, signal: str, together: bool) -> None:
    deaths = 0
    command = [sys.executable, "-m", "tests.unit.runner.dying_worker", tmp_path, signal, str(int(together))]
    while (ended := run_command(command, cwd=Path(__file__).parents[3])).returncode:
        assert ended.returncode == -getattr(signals, signal), ended.stderr
        deaths += 1
        assert deaths < 6, "the job is tried for ever"
    store = Store(tmp_path)
    keys = store.keys()
    found = {record.job.unit: record for key in keys if (record := store.record(key))}
    failed = [unit for unit, record in found.items() if isinstance(record.outcome, Failed)]
    assert failed == ["tiny/4"]
    outcome = found["tiny/4"].outcome
    assert isinstance(outcome, Failed)
    assert deaths == len(outcome.attempts) == (4 if together else 3)
    assert f"{deaths} workers tried it" in outcome.message
    assert len({attempt.log for attempt in outcome.attempts}) == deaths
    assert all(attempt.machine == socket.gethostname()[:60] for attempt in outcome.attempts)
    last = outcome.attempts[-1]
    assert last.log is not None
    assert "tiny/4" in last.lines[0]
    assert ("Segmentation fault" in "\n".join(last.lines)) == (signal == "SIGSEGV")
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.txt")}
    assert {attempt.log for attempt in outcome.attempts} <= written <= store._ours() | {*lists_in(tmp_path)}


@pytest.mark.slow
def test_a_live_process_is_not_taken_for_dead_and_an_ended_one_is() -> None:
    assert not has_certainly_ended(worker_name())
    name = run_python(
        "from reportgen.runner.executors.claiming import worker_name; print(worker_name())"
    ).stdout.strip()
    if not Path("/proc/self/stat").exists():
        pytest.skip("This system has no /proc: only silence tells that a worker has ended.")
    assert has_certainly_ended(name)
    assert not has_certainly_ended("another-machine." + name.partition(".")[2])
    assert not has_certainly_ended("nonsense")


@pytest.mark.slow
def test_a_process_of_another_machine_of_the_same_name_is_not_taken_for_dead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = "from reportgen.runner.executors.claiming import worker_name; print(worker_name())"
    ended = run_python(code).stdout.strip()
    (tmp_path / "boot_id").write_text("another-boot\n")
    monkeypatch.setattr(claiming, "_BOOT", tmp_path / "boot_id")
    assert not has_certainly_ended(ended)
    assert not has_certainly_ended(worker_name())
    monkeypatch.setattr(claiming, "_BOOT", tmp_path / "none")
    assert not has_certainly_ended(ended)
    assert not has_certainly_ended(worker_name())


def test_a_command_that_begins_leaves_its_chunk_to_a_worker_that_is_at_it(prepared: Prepared, tmp_path: Path) -> None:
    class Interrupted(Squares):
        def run(self, *given):  # type: ignore[no-untyped-def]
            for answer in super().run(*given):
                yield answer
                forget_failures(work_of(prepared, Squares(), tmp_path))

    slow = Interrupted()
    found, computed = run(prepared, slow, ClaimingExecutor(QUICK), tmp_path)
    assert sorted(slow.asked) == [[0, 1, 2], [3, 4, 5]]
    assert computed == len(found)


def test_a_worker_that_wants_a_part_of_a_chunk_leaves_the_rest_to_others(prepared: Prepared, tmp_path: Path) -> None:
    some, every = Squares(), Squares()
    whole = work_of(prepared, some, tmp_path)
    selected = replace(whole, only=frozenset(job.key for job in whole.plan.jobs() if job.unit == "tiny/1"))
    assert len(list(ClaimingExecutor(QUICK).execute(selected, SILENT))) == 1
    assert some.asked == [[1]]
    found, computed = run(prepared, every, ClaimingExecutor(QUICK), tmp_path)
    assert computed == len(found) - 1
    assert all(isinstance(found[f"squares {n}"], Done) for n in range(6))


def test_two_workers_that_want_other_parts_of_a_chunk_are_not_at_it_at_once(prepared: Prepared, tmp_path: Path) -> None:
    held = []

    class Watching(Squares):
        def run(self, *given):  # type: ignore[no-untyped-def]
            held.append(held_chunks(tmp_path))
            time.sleep(0.3)
            yield from super().run(*given)

    def part(unit: str) -> int:
        work = work_of(prepared, Watching(), tmp_path)
        only = frozenset(job.key for job in work.plan.jobs() if job.unit == unit)
        return len(list(ClaimingExecutor(QUICK).execute(replace(work, only=only), SILENT)))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(part, ["tiny/1", "tiny/2"])) == [1, 1]
    assert held == [1, 1]


def test_one_process_shares_its_run_with_a_worker_that_comes(prepared: Prepared, tmp_path: Path) -> None:
    class Slow(Squares):
        def run(self, *given):  # type: ignore[no-untyped-def]
            for answer in super().run(*given):
                yield answer
                time.sleep(0.3)

    coming = Slow()
    work = work_of(prepared, coming, tmp_path)
    only = frozenset(job.key for job in work.plan.jobs() if job.unit in ("tiny/3", "tiny/4", "tiny/5"))

    class Beside(Squares):
        def run(self, *given):  # type: ignore[no-untyped-def]
            beside = ClaimingExecutor(QUICK).execute(replace(work, only=only), SILENT)
            assert next(beside)[1]  # from now on it holds its chunk
            threading.Thread(target=list, args=[beside]).start()
            yield from super().run(*given)

    own = Beside()
    found, _ = run(prepared, own, LocalExecutor(), tmp_path)
    assert (own.asked, coming.asked) == ([[0, 1, 2]], [[3, 4, 5]])
    assert isinstance(found["roots tiny"], Done)
    assert len(found) == 8


def test_a_long_job_is_not_taken_over_while_its_worker_lives(prepared: Prepared, tmp_path: Path) -> None:
    class Slow(Squares):
        def run(self, *given):  # type: ignore[no-untyped-def]
            time.sleep(1.5)
            yield from super().run(*given)

    rules = LeaseRules(lease=0.8, beat=0.1)
    workers = [Slow(), Slow()]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda own: run(prepared, own, ClaimingExecutor(rules), tmp_path), workers))
    assert sorted(asked for own in workers for asked in own.asked) == [[0, 1, 2], [3, 4, 5]]
