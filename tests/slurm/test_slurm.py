"""Workers as jobs of a real SLURM: every kernel once, none lost, whatever befalls jobs, node and controller."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.children import LONGEST, Running, child, reportgen_command, run
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
    return reportgen_command("compute", *words(zoo), "--executor", "slurm", "--workers", "2", *more)


@pytest.mark.long
def test_workers_of_slurm_make_the_run_of_one_process(
    slurm: Cluster, folder: Path, tiny_zoo: Path, alone: dict[str, object]
) -> None:
    done = run(command(tiny_zoo, "--slurm", "minutes=5"), cwd=folder, env=slurm.environment)
    assert done.returncode == 0, done.stderr
    assert contents(folder / "runs" / "tiny") == alone
    assert not list((folder / "runs").glob(".slurm-*"))  # no pickle and no log is left


@pytest.mark.long
def test_what_slurm_does_not_take_is_one_sentence(slurm: Cluster, folder: Path, tiny_zoo: Path) -> None:
    done = run(command(tiny_zoo, "--slurm", "partition=nowhere"), cwd=folder, env=slurm.environment)
    assert done.returncode == 11
    assert "SLURM does not take the jobs" in done.stderr.splitlines()[-1]
    assert "nowhere" in done.stderr or "partition" in done.stderr.splitlines()[-1]


def befallen(
    slurm: Cluster, folder: Path, zoo: Path, befall: Callable[[Cluster, Path, Running], None], *more: str
) -> dict[str, object]:
    """Compute with two workers, let something happen once both hold a chunk, and return what came of it."""
    with child(command(zoo, *more), cwd=folder, env=slurm.environment) as process:
        wait_until_claimed(folder / "runs" / "tiny", process)
        befall(slurm, folder, process)
        _, complaints = process.communicate(timeout=LONGEST)
        assert process.returncode == 0, complaints
    return contents(folder / "runs" / "tiny")


def worker_processes() -> list[int]:
    """Return the processes of this machine that submitit started."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"submitit.core._submit" in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def kill_all(_slurm: Cluster, _folder: Path, _process: Running) -> None:
    for worker in worker_processes():
        os.kill(worker, signal.SIGKILL)


def requeue(slurm: Cluster, _folder: Path, _process: Running) -> None:
    for job in slurm.run("squeue", "--noheader", "--array", "--format=%i", "--state=RUNNING").split():
        slurm.run("scontrol", "requeue", job)


def drain(slurm: Cluster, _folder: Path, _process: Running) -> None:
    slurm.run("scontrol", "update", f"nodename={slurm.node}", "state=drain", "reason=test")
    time.sleep(3)
    slurm.run("scontrol", "update", f"nodename={slurm.node}", "state=resume")


def lose_node(slurm: Cluster, _folder: Path, _process: Running) -> None:
    slurm.run("scontrol", "update", f"nodename={slurm.node}", "state=down", "reason=test")
    slurm.wait_until_up()  # it answers, and is taken back; its jobs have been killed and are queued again


def restart_controller(slurm: Cluster, _folder: Path, _process: Running) -> None:
    slurm.restart_controller()


@pytest.mark.long
@pytest.mark.parametrize("befall", [kill_all, requeue, drain, lose_node, restart_controller])
def test_whatever_befalls_them_nothing_is_lost(
    slurm: Cluster,
    folder: Path,
    tiny_zoo: Path,
    alone: dict[str, object],
    befall: Callable[[Cluster, Path, Running], None],
) -> None:
    assert befallen(slurm, folder, tiny_zoo, befall) == alone
