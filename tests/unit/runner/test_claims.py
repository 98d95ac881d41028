"""Claims: one worker at a time, the dead replaced, nothing lost, whatever clocks and disks do."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.campaign.simulation import Campaign, Conditions
from reportgen.errors import StoreError
from reportgen.runner.claims.claims import Claim, Claims, Fate, LeaseRules, place_of
from reportgen.runner.claims.files import ClaimFolder
from reportgen.runner.claims.queue import ChunkQueue, QueuedChunk, longest_ways
from reportgen.runner.claims.worker import LostClaimError, TryElsewhereError, work_through


class Clock:
    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def worker(folder: Path, name: str, clock: Clock | None = None) -> Claims:
    return Claims(ClaimFolder(folder, "claims"), name, clock or Clock(), LeaseRules(lease=100, beat=10))


def taken(found: Claim | Fate) -> Claim:
    assert isinstance(found, Claim)
    return found


def test_of_many_who_ask_at_once_one_gets_the_chunk(tmp_path: Path) -> None:
    workers = [worker(tmp_path, f"w{n}") for n in range(16)]
    for chunk in ("kernels/a", "kernels/b", "kernels/c"):
        with ThreadPoolExecutor(16) as pool:
            found = list(pool.map(lambda one, chunk=chunk: one.take(chunk, 0), workers))
        assert sum(isinstance(one, Claim) for one in found) == 1
        assert found.count(Fate.HELD) == 15


def test_a_chunk_that_ended_is_told_and_one_that_was_let_go_is_free(tmp_path: Path) -> None:
    first, second = worker(tmp_path, "first"), worker(tmp_path, "second")
    done, left = taken(first.take("a", 0)), taken(first.take("b", 0))
    first.end(done)
    first.let_go(left)
    assert second.take("a", 1) is Fate.ENDED
    assert second.listed(place_of("a")[0])[1] == {place_of("a")[1]}
    again = taken(second.take("b", 1))
    assert again.number == 2
    assert again.failed == ()  # to be stopped is no failure


@pytest.mark.parametrize("offset", [0.0, -1e9, 1e9])
def test_the_dead_are_told_by_silence_alone_and_by_the_watchers_own_clock(tmp_path: Path, offset: float) -> None:
    mine, theirs = Clock(5.0), Clock(offset)
    holder, watcher = worker(tmp_path, "holder", mine), worker(tmp_path, "watcher", theirs)
    claim = taken(holder.take("a", 0))
    assert holder.begin(claim, "job 3")
    for _ in range(50):  # it lives for a long time
        assert watcher.take("a", 1) is Fate.HELD
        theirs.now += 60
        assert holder.beat(claim)
    assert watcher.take("a", 1) is Fate.HELD
    theirs.now += 99
    assert watcher.take("a", 1) is Fate.HELD
    theirs.now += 1
    after = taken(watcher.take("a", 1))
    assert [attempt.job for attempt in after.failed] == ["job 3"]
    # The holder was suspended only: it finds that, and stops.
    assert not holder.is_mine(claim)
    assert not holder.beat(claim)
    assert watcher.is_mine(after)


def test_a_process_that_has_certainly_ended_is_not_waited_for(tmp_path: Path) -> None:
    taken(worker(tmp_path, "dead").take("a", 0))
    watcher = replace(worker(tmp_path, "watcher"), is_gone=lambda name: name == "dead")
    assert taken(watcher.take("a", 1)).number == 2


def test_a_job_that_ends_its_workers_is_not_tried_a_third_time(tmp_path: Path) -> None:
    gone = {"is_gone": lambda _name: True}
    claim = taken(worker(tmp_path, "w1").take("a", 0))
    for number in (1, 2):
        own = replace(worker(tmp_path, f"w{number + 1}"), **gone)
        assert not own.is_spent(claim, "poison")
        before = replace(worker(tmp_path, f"w{number}"))
        before._counts["a"] = 0
        before.begin(claim, "poison")
        claim = taken(own.take("a", number))
    assert own.is_spent(claim, "poison")
    assert not own.is_spent(claim, "another")


def test_a_failure_is_tried_by_another_worker_and_by_the_same_only_where_it_is_alone(tmp_path: Path) -> None:
    first, second = worker(tmp_path, "first"), worker(tmp_path, "second")
    claim = taken(first.take("a", 0))
    first.begin(claim, "job")
    first.give_up(claim, "RuntimeError: device lost")
    assert first.take("a", 1) is Fate.OWN_FAILURE
    assert [(one.worker, one.why) for one in taken(second.take("a", 1)).failed] == [
        ("first", "RuntimeError: device lost")
    ]


def test_of_jobs_computed_together_none_is_blamed_before_it_ended_a_worker_alone(tmp_path: Path) -> None:
    claim = taken(worker(tmp_path, "w1").take("a", 0))
    told = []
    for number, (job, alone) in enumerate([("x", False), ("x", False), ("y", True), ("y", True)], start=1):
        own = replace(worker(tmp_path, f"w{number}"), is_gone=lambda _name: True)
        own._counts["a"] = claim.number - 1
        assert own.begin(claim, job, alone=alone)
        claim = taken(replace(own, worker=f"w{number + 1}").take("a", number))
        told.append((own.is_suspect(claim), own.is_spent(claim, "x"), own.is_spent(claim, "y")))
    assert told == [(False, False, False), (True, False, False), (True, False, False), (True, False, True)]
    assert [one.worker for one in claim.failed] == ["w1", "w2", "w3", "w4"]


def run_all(folder: Path, names: list[str], fails: set[str], claims: Claims) -> list[str]:
    """Work through chunks of one job each, of which some fail always; return what was kept."""

    def compute(claim: Claim) -> Iterator[str]:
        assert claims.begin(claim, claim.chunk)
        if claims.is_spent(claim, claim.chunk):
            yield f"{claim.chunk} failed"
        elif claim.chunk in fails:
            raise TryElsewhereError("it fails here")
        else:
            yield claim.chunk

    queue = ChunkQueue(claims, [QueuedChunk(name) for name in names], wait=lambda _s: None, seed=1)
    return list(work_through(queue, claims, compute=compute, beating=lambda _claim: nullcontext()))


def test_a_worker_alone_ends_with_failures_recorded(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(20)]
    kept = run_all(tmp_path, names, {"c3", "c7"}, worker(tmp_path, "only"))
    assert sorted(kept) == sorted([*(set(names) - {"c3", "c7"}), "c3 failed", "c7 failed"])


def test_what_needs_others_waits_for_them(tmp_path: Path) -> None:
    claims = worker(tmp_path, "only")
    chunks = [QueuedChunk(f"c{n}", frozenset({f"c{n - 1}"}) if n else frozenset()) for n in range(30)]
    queue = ChunkQueue(claims, chunks[::-1], wait=lambda _s: None, seed=1)
    found = []
    while (claim := queue.next()) is not None:
        found.append(claim.chunk)
        claims.end(claim)
        queue.finished(claim)
    assert found == [f"c{n}" for n in range(30)]


def test_the_longest_way_to_the_end_is_begun_first(tmp_path: Path) -> None:
    chunks = [
        QueuedChunk("short", seconds=5),
        QueuedChunk("maps", seconds=10),
        QueuedChunk("checks", frozenset({"maps"}), seconds=60),
        QueuedChunk("kernels", seconds=40),
        QueuedChunk("path", frozenset({"kernels"}), seconds=20),
        QueuedChunk("pages", frozenset({"kernels", "path"}), seconds=15),
    ]
    ways = {"short": 5, "maps": 70, "checks": 60, "kernels": 75, "path": 35, "pages": 15}
    assert longest_ways(chunks) == ways == longest_ways(chunks[::-1])
    claims = worker(tmp_path, "only")
    queue = ChunkQueue(claims, chunks, wait=lambda _s: None, seed=1)
    found = []
    while (claim := queue.next()) is not None:
        found.append(claim.chunk)
        claims.end(claim)
        queue.finished(claim)
    assert found == ["kernels", "maps", "checks", "path", "pages", "short"]


def test_whatever_ends_the_work_lets_the_chunk_go(tmp_path: Path) -> None:
    claims = worker(tmp_path, "only")

    def compute(_claim: Claim) -> Iterator[str]:
        raise KeyboardInterrupt
        yield ""

    queue = ChunkQueue(claims, [QueuedChunk("a")], wait=lambda _s: None, seed=1)
    with pytest.raises(KeyboardInterrupt):
        list(work_through(queue, claims, compute=compute, beating=lambda _claim: nullcontext()))
    assert taken(worker(tmp_path, "next").take("a", 1)).failed == ()


def test_a_lost_chunk_is_dropped_and_the_work_goes_on(tmp_path: Path) -> None:
    claims = worker(tmp_path, "slow")
    faster = replace(worker(tmp_path, "fast"), is_gone=lambda _name: True)
    kept = []

    def compute(claim: Claim) -> Iterator[str]:
        if claim.chunk == "a":
            faster.end(taken(faster.take("a", claim.number)))
        if not claims.begin(claim, claim.chunk):
            raise LostClaimError
        yield claim.chunk

    queue = ChunkQueue(claims, [QueuedChunk("a"), QueuedChunk("b")], wait=lambda _s: None, seed=1)
    kept = list(work_through(queue, claims, compute=compute, beating=lambda _claim: nullcontext()))
    assert kept == ["b"]


def test_what_is_forgotten_is_taken_anew_and_what_may_have_a_worker_is_not_forgotten(tmp_path: Path) -> None:
    holder, ending, later = (worker(tmp_path, name) for name in ("holder", "ending", "later"))
    held = taken(holder.take("held", 0))
    ending.end(taken(ending.take("ended", 0)))
    later.forget(["held", "ended", "never taken"])
    assert taken(later.take("ended", 0)).number == 1
    assert later.take("held", 0) is Fate.HELD
    assert holder.beat(held)
    replace(later, is_gone=lambda name: name == "holder").forget(["held"])
    assert taken(later.take("held", 0)).number == 1


def test_a_claim_that_somebody_has_removed_is_lost_and_no_error(tmp_path: Path) -> None:
    holder = worker(tmp_path, "holder")
    claim = taken(holder.take("a", 0))
    for path in (tmp_path / "claims").rglob("*.1"):
        path.unlink()
    assert not holder.begin(claim, "job")
    holder.let_go(claim)
    assert not list((tmp_path / "claims").rglob("*.1"))


def test_a_run_that_was_moved_is_not_begun_anew_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    holder = worker(tmp_path / "run", "holder")
    claim = taken(holder.take("a", 0))
    (tmp_path / "run").rename(tmp_path / "elsewhere")
    assert not holder.begin(claim, "job")
    with pytest.raises(StoreError, match="was moved or removed while it was being computed"):
        holder.take("b", 0)
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere"]


@pytest.mark.parametrize("why", ["\N{GRINNING FACE}" * 300, "\x00\n" * 300, '"' * 300, "\udcff.mp4 cannot be read"])
def test_whatever_an_error_says_others_read_that_the_chunk_was_given_up(tmp_path: Path, why: str) -> None:
    name = f"{'host' * 15}.{'0' * 12}-4026531836.4194304.9999999999"
    holder, other = worker(tmp_path, name), worker(tmp_path, "other")
    claim = taken(holder.take("a", 0))
    holder.begin(claim, "k" * 64)
    holder.give_up(claim, why)
    assert taken(other.take("a", 1)).failed[0].worker == name


@pytest.mark.parametrize(("took", "failed"), [(99, []), (100, [("job", "it had not ended")])])
def test_a_job_that_had_all_the_time_of_its_worker_has_failed_there(
    tmp_path: Path, took: float, failed: list[tuple[str, str]]
) -> None:
    clock = Clock()
    limited = replace(worker(tmp_path, "first", clock), rules=LeaseRules(longest=100))
    claim = taken(limited.take("a", 0))
    clock.now += 1000  # earlier jobs of the chunk
    limited.begin(claim, "job")
    clock.now += took
    limited.let_go(claim)
    after = taken(worker(tmp_path, "second").take("a", 1)).failed
    assert [(one.job, one.why[:16]) for one in after] == failed


def test_attempts_without_number_are_not_all_read(tmp_path: Path) -> None:
    group, stem = place_of("a")
    (tmp_path / "claims" / group).mkdir(parents=True)
    (tmp_path / "claims" / group / f"{stem}.999999998").write_text('{"state": "let-go", "worker": "w"}')
    claims = worker(tmp_path, "w")
    last, _ = claims.listed(group)
    assert taken(claims.take("a", last[stem])).number == 999999999


def test_a_file_server_that_tells_at_the_end_that_it_is_full_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close = os.close

    def full(file: int) -> None:
        close(file)
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    with monkeypatch.context() as patched:
        patched.setattr(os, "close", full)
        with pytest.raises(StoreError, match="no space left"):
            ClaimFolder(tmp_path, "claims").create("00", "a.1", "text")
    assert not list(tmp_path.rglob("a.1"))


def test_a_claim_that_no_space_was_left_for_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int, _content: bytes, _at: int) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(StoreError, match="no space left"):
            worker(tmp_path, "w").take("a", 0)
    assert taken(worker(tmp_path, "other").take("a", 0)).number == 1


def test_claims_are_written_through_no_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    run = tmp_path / "run"
    run.mkdir()
    (run / "claims").symlink_to(outside)
    with pytest.raises(StoreError, match="link"):
        worker(run, "w").take("a", 0)
    group, stem = place_of("a")
    (run / "claims").unlink()
    (run / "claims" / group).mkdir(parents=True)
    (run / "claims" / group / f"{stem}.1").symlink_to(outside / "file")
    with pytest.raises(StoreError, match="link"):
        worker(run, "w").take("a", 0)
    assert not list(outside.iterdir())


HARD = Conditions(
    jobs=600, jobs_a_chunk=4, workers=12, mean_life=1200, latency=0.05, stalls=0.003, freezes=0.05, clock_rate=0.1
)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_hard_campaign_loses_nothing_and_computes_nothing_twice(seed: int) -> None:
    outcome = Campaign(HARD, seed).run()
    assert outcome.deaths > 3
    assert outcome.recoveries
    assert len(outcome.computed.keys() | outcome.given_up) == HARD.jobs
    assert len(outcome.given_up) <= 1
    assert outcome.duplicates < 0.01


def test_the_simulation_shows_work_done_twice_where_leases_are_too_short() -> None:
    rules = LeaseRules(lease=5, beat=20)
    assert Campaign(replace(HARD, rules=rules), 1).run().duplicates > 0.01
