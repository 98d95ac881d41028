"""Workers as jobs of a real SLURM: every kernel once, none lost, whatever befalls jobs, node and controller."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.children import LONGEST, Loaded, loaded, reportgen, run
from tests.slurm.cluster import NEEDED, Cluster, cluster, is_missing
from tests.worker_runs import contents, run_of_one_process, wait_until_claimed, with_settings, words

pytestmark = pytest.mark.xdist_group("slurm")  # one cluster at a time


@pytest.fixture(scope="module")
def slurm() -> Iterator[Cluster]:
    if is_missing():
        pytest.skip(NEEDED)
    with cluster() as found:
        yield found


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, tiny_zoo: Path) -> dict[str, object]:
    folder = tmp_path_factory.mktemp("alone")
    return run_of_one_process(folder, tiny_zoo)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return with_settings(tmp_path)


def command(zoo: Path, *more: str) -> list[str]:
    return ["compute", *words(zoo), "--executor", "slurm", "--workers", "2", *more]


@pytest.mark.long
def test_workers_of_slurm_make_the_run_of_one_process(
    slurm: Cluster, folder: Path, tiny_zoo: Path, alone: dict[str, object]
) -> None:
    done = reportgen(*command(tiny_zoo, "--slurm", "minutes=5"), cwd=folder, env=slurm.environment)
    assert done.returncode == 0, done.stderr
    assert contents(folder / "runs" / "tiny") == alone
    assert not list((folder / "runs").glob(".slurm-*"))  # no pickle and no log is left


@pytest.mark.long
def test_what_slurm_does_not_take_is_one_sentence(slurm: Cluster, folder: Path, tiny_zoo: Path) -> None:
    done = reportgen(*command(tiny_zoo, "--slurm", "partition=nowhere"), cwd=folder, env=slurm.environment)
    assert done.returncode == 11
    assert "SLURM does not take the jobs" in done.stderr.splitlines()[-1]
    assert "nowhere" in done.stderr or "partition" in done.stderr.splitlines()[-1]


def befallen(
    slurm: Cluster, folder: Path, zoo: Path, befall: Callable[[Cluster, Path, Loaded], None], *more: str
) -> dict[str, object]:
    """Compute with two workers, let something happen once both hold a chunk, and return what came of it."""
    with loaded(*command(zoo, *more), cwd=folder, env=slurm.environment) as process:
        wait_until_claimed(folder / "runs" / "tiny", process)
        befall(slurm, folder, process)
        _, complaints = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, complaints
    return contents(folder / "runs" / "tiny")


def worker_processes(folder: Path) -> list[int]:
    """Return the processes that submitit started for runs in a folder: others may work on this machine, too."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes()
            if b"submitit.core._submit" in command and os.fsencode(folder) in command:
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def kill_all(_slurm: Cluster, folder: Path, _process: Loaded) -> None:
    workers = worker_processes(folder)
    assert workers
    for worker in workers:
        os.kill(worker, signal.SIGKILL)


def requeue(slurm: Cluster, _folder: Path, process: Loaded) -> None:
    jobs = running(slurm)
    for job in jobs:
        slurm.run("scontrol", "requeue", job)
    begin_at_once(slurm, jobs, process)


def begin_at_once(slurm: Cluster, jobs: list[str], process: Loaded) -> None:
    """Have jobs that are queued again begin now, as an operator may: by itself SLURM leaves them for two minutes.

    Their limit of time is a usual one again.
    """
    left = set(jobs)
    until = time.monotonic() + LONGEST / 2
    while left and process.poll() is None:
        assert time.monotonic() < until, f"{left} are not queued again"
        waiting = slurm.run("squeue", "--noheader", "--array", "--format=%i %r", "--state=PENDING").splitlines()
        for job, why in (line.split(maxsplit=1) for line in waiting):
            if job in left and why == "BeginTime":
                slurm.run("scontrol", "update", f"jobid={job}", "starttime=now", "timelimit=10")
                left.discard(job)
        time.sleep(0.2)


def drain(slurm: Cluster, _folder: Path, _process: Loaded) -> None:
    slurm.run("scontrol", "update", f"nodename={slurm.node}", "state=drain", "reason=test")
    time.sleep(3)
    slurm.run("scontrol", "update", f"nodename={slurm.node}", "state=resume")


def lose_node(slurm: Cluster, _folder: Path, _process: Loaded) -> None:
    slurm.run("scontrol", "update", f"nodename={slurm.node}", "state=down", "reason=test")
    slurm.wait_until_up()  # it answers, and is taken back; its jobs have been killed and are queued again


def running(slurm: Cluster) -> list[str]:
    return slurm.run("squeue", "--noheader", "--array", "--format=%i", "--state=RUNNING").split()


def near_the_limit(slurm: Cluster, _folder: Path, process: Loaded) -> None:
    """Leave the jobs less time than the warning comes before their limit: they are to end in order and be queued."""
    jobs = running(slurm)
    for job in jobs:
        slurm.run("scontrol", "update", f"jobid={job}", "timelimit=1")
    begin_at_once(slurm, jobs, process)


def over_the_limit(slurm: Cluster, _folder: Path, _process: Loaded) -> None:
    """Have the jobs at their limit of time at once: SLURM ends them, and does not queue them again."""
    for job in running(slurm):
        slurm.run("scontrol", "update", f"jobid={job}", "timelimit=0:01")


def restart_controller(slurm: Cluster, _folder: Path, _process: Loaded) -> None:
    slurm.restart_controller()


@pytest.mark.long
@pytest.mark.parametrize(
    "befall", [kill_all, requeue, near_the_limit, over_the_limit, drain, lose_node, restart_controller]
)
def test_whatever_befalls_them_nothing_is_lost(
    slurm: Cluster,
    folder: Path,
    tiny_zoo: Path,
    alone: dict[str, object],
    befall: Callable[[Cluster, Path, Loaded], None],
) -> None:
    assert befallen(slurm, folder, tiny_zoo, befall) == alone


@pytest.mark.long
def test_who_cancels_the_jobs_ends_the_campaign_and_the_same_command_goes_on(
    slurm: Cluster, folder: Path, tiny_zoo: Path, alone: dict[str, object]
) -> None:
    run = folder / "runs" / "tiny"
    with loaded(*command(tiny_zoo), cwd=folder, env=slurm.environment) as process:
        wait_until_claimed(run, process)
        slurm.run("scancel", "--user=root")
        _, complaints = process.communicate(timeout=LONGEST)
    assert process.returncode == 20, complaints
    assert "were cancelled (scancel)" in complaints.splitlines()[-1]
    done = reportgen(*command(tiny_zoo), cwd=folder, env=slurm.environment)
    assert done.returncode == 0, done.stderr
    assert contents(run) == alone


@contextmanager
def small_disk(place: Path, mebibytes: int) -> Iterator[None]:
    """Have a file system of so many MiB at a place; skips the test where nothing may be mounted."""
    place.mkdir()
    mounted = run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", place])
    if mounted.returncode:
        pytest.skip(f"A full disk needs the right to mount one: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        run(["umount", "--lazy", place])


@pytest.mark.long
def test_a_full_disk_is_told_and_the_same_command_goes_on_when_there_is_space(
    slurm: Cluster, folder: Path, tiny_zoo: Path, alone: dict[str, object]
) -> None:
    with small_disk(folder / "runs", 64):
        filler = folder / "runs" / "filler"
        with loaded(*command(tiny_zoo), cwd=folder, env=slurm.environment) as process:
            wait_until_claimed(folder / "runs" / "tiny", process)
            with suppress(OSError), filler.open("wb") as file:
                while file.write(bytes(1 << 16)):
                    file.flush()
            _, complaints = process.communicate(timeout=LONGEST)
            assert process.returncode == 20, complaints
        assert "no space left" in complaints.splitlines()[-1]
        filler.unlink()
        done = reportgen(*command(tiny_zoo), cwd=folder, env=slurm.environment)
        assert done.returncode == 0, done.stderr
        assert contents(folder / "runs" / "tiny") == alone
