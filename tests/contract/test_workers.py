"""Several processes at one run: what comes out is that of one process, whoever is killed when."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.children import LONGEST, child, one_thread, reportgen, reportgen_command
from tests.worker_runs import contents, run_of_one_process, wait_until_claimed, with_settings, words

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="This system has no /proc to look in.")


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started and that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[1]) == process and fields[0] != "Z":
                found.append(int(path.parent.name))
    return found


def finished(run: Path) -> dict[str, int]:
    """Return the finished records with the time of each file."""
    return {path.name: path.stat().st_mtime_ns for path in run.glob("records/*/*.json") if path.name[0] != "."}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, tiny_zoo: Path) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("alone")
    return run_of_one_process(folder, tiny_zoo)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return with_settings(tmp_path)


@pytest.mark.long
def test_two_workers_make_the_run_of_one(folder: Path, tiny_zoo: Path, alone: dict[str, object]) -> None:
    done = reportgen("compute", *words(tiny_zoo), "--workers", "2", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert contents(folder / "runs" / "tiny") == alone
    again = reportgen("compute", *words(tiny_zoo), "--workers", "2", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert contents(folder / "runs" / "tiny") == alone
    assert reportgen("clean", "--all", "--yes", cwd=folder).returncode == 0
    assert not (folder / "runs" / "tiny").exists()  # the claims and the workers' lists were ours too


def kill_workers(folder: Path, zoo: Path, moments: list[float]) -> str:
    """Compute with two workers, kill one with -9 after each so many seconds; return what was said."""
    command = reportgen_command("compute", *words(zoo), "--workers", "2")
    with child(command, cwd=folder, env=one_thread()) as process:
        for moment in moments:
            time.sleep(moment)
            if workers := children_of(process.pid):
                os.kill(random.choice(workers), signal.SIGKILL)
        _, complaints = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, complaints
    return complaints


@pytest.mark.long
def test_a_killed_worker_is_replaced_and_nothing_is_lost(
    folder: Path, tiny_zoo: Path, alone: dict[str, object]
) -> None:
    command = reportgen_command("compute", *words(tiny_zoo), "--workers", "2")
    run = folder / "runs" / "tiny"
    with child(command, cwd=folder, env=one_thread()) as process:
        wait_until_claimed(run, process)
        before = finished(run)
        for worker in children_of(process.pid):
            os.kill(worker, signal.SIGKILL)
        _, complaints = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, complaints
    assert contents(run) == alone
    after = finished(run)
    assert {name: after[name] for name in before} == before


@pytest.mark.long
def test_workers_end_with_whoever_started_them_and_one_by_hand_goes_on(
    folder: Path, tiny_zoo: Path, alone: dict[str, object]
) -> None:
    command = reportgen_command("compute", *words(tiny_zoo), "--workers", "2")
    run = folder / "runs" / "tiny"
    with child(command, cwd=folder, env=one_thread()) as process:
        wait_until_claimed(run, process)
        workers = children_of(process.pid)
        process.kill()
        process.wait()
    assert len(workers) == 2
    until = time.monotonic() + 60
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < until, "a worker has outlived the process that started it"
        time.sleep(0.1)
    another = reportgen("work", "runs/tiny", *words(tiny_zoo), "--seed", "7", cwd=folder)
    assert another.returncode == 11
    assert "planned for another network" in another.stderr  # untrained weights are drawn by the seed
    other = reportgen("work", "runs/tiny", *words(tiny_zoo), "--kernels", "1", cwd=folder)
    assert other.returncode == 11
    assert "give the flags that it was planned with" in other.stderr
    done = reportgen("work", "runs/tiny", *words(tiny_zoo), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert contents(run) == alone


@pytest.mark.long
def test_work_without_a_plan_says_what_to_do(folder: Path, tiny_zoo: Path) -> None:
    done = reportgen("work", "runs/tiny", *words(tiny_zoo), cwd=folder)
    assert done.returncode == 20
    assert done.stderr.count("\n") == 1


@pytest.mark.long
def test_fifty_deaths_at_random_moments_lose_nothing(folder: Path, tiny_zoo: Path, alone: dict[str, object]) -> None:
    rng = random.Random(0)
    deaths = 0
    for number in range(10):
        own = folder / str(number)
        own.mkdir()
        with_settings(own)
        moments = [rng.uniform(0.5, 6) for _ in range(5)]
        kill_workers(own, tiny_zoo, moments)
        deaths += len(moments)
        assert contents(own / "runs" / "tiny") == alone
    assert deaths == 50
