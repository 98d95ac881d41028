"""What jobs of SLURM are asked for and told, with commands in SLURM's place that say what the tests want."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reportgen.config.slurm import SlurmOptions
from reportgen.errors import OptionError, StoreError
from reportgen.runner.executors.slurm import SlurmExecutor, _end_in_order, _Jobs
from tests.notes import Notes

ENDING = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of commands that come first: sbatch keeps its script and takes it, squeue has no job."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    write(folder / "sbatch", f"cp $1 {tmp_path}/script; echo Submitted batch job 7")
    for name in ("squeue", "scancel", "srun", "scontrol"):
        write(folder / name, "exit 0")
    return folder


def write(place: Path, text: str) -> None:
    place.write_text(f"#!/bin/sh\n{text}\n")
    place.chmod(0o755)


def jobs_of(folder: Path, workers: int = 2, **asked: object) -> _Jobs:
    (folder / "runs" / "tiny").mkdir(parents=True)
    executor = SlurmExecutor(workers, {}, SlurmOptions(**asked), threads=1, looks=0.0)  # type: ignore[arg-type]
    return _Jobs(executor, folder / "runs" / "tiny", Notes())


def test_the_warning_before_the_limit_reaches_the_worker_itself(commands: Path, tmp_path: Path) -> None:
    with jobs_of(tmp_path, minutes=30, partition="gpu", extra=("qos=low",)):
        script = (tmp_path / "script").read_text().split("\n")
    asked = {line for line in script if line.startswith("#SBATCH")}
    assert {"#SBATCH --signal=B:USR2@60", "#SBATCH --time=30", "#SBATCH --partition=gpu", "#SBATCH --qos=low"} <= asked
    assert [line for line in script if line][-1].startswith(f"exec {sys.executable} ")


def test_workers_are_several_arrays_where_one_would_be_too_long(commands: Path, tmp_path: Path) -> None:
    refused = "echo 'sbatch: error: Batch job submission failed: Invalid job array specification' >&2; exit 1"
    short = f"grep -q 'array=0-[2-9]' $1 && {{ {refused}; }}; echo x >> {tmp_path}/submitted"
    write(commands / "sbatch", f"{short}; echo Submitted batch job $(wc -l < {tmp_path}/submitted)")
    with jobs_of(tmp_path, workers=5) as jobs:
        assert sorted(jobs._ids) == ["1", "2", "3"]


def test_a_link_in_the_place_of_its_folder_is_not_followed(commands: Path, tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path)
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o755)
    (tmp_path / "runs" / ".slurm-tiny").symlink_to(outside)
    with pytest.raises(StoreError, match="is a link"), jobs:
        pass
    assert not list(outside.iterdir())
    assert outside.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(("squeue", "kept"), [("echo '3_0|RUNNING|None'", True), ("exit 1", True), ("exit 0", False)])
def test_jobs_of_a_command_that_was_killed_keep_what_they_start_from(
    commands: Path, tmp_path: Path, squeue: str, kept: bool
) -> None:
    jobs = jobs_of(tmp_path)
    folder = tmp_path / "runs" / ".slurm-tiny"
    folder.mkdir(mode=0o700)
    theirs = folder / "3_0_submitted.pkl"
    theirs.touch()
    with jobs:
        assert len(list(folder.glob("7_*"))) > 0
        write(commands / "squeue", squeue)
    assert list(folder.parent.glob(".slurm-tiny/*")) == ([theirs] if kept else [])
    assert folder.exists() == kept


@pytest.mark.parametrize(
    ("scancel", "squeue", "told"),
    [
        ("exit 1", "exit 1", True),
        ("exit 1", "echo '7_1|RUNNING|None'", True),
        ("exit 1", "exit 0", False),
        ("exit 0", "exit 1", False),
    ],
)
def test_jobs_that_slurm_does_not_cancel_are_named_and_keep_what_they_start_from(
    commands: Path, tmp_path: Path, scancel: str, squeue: str, told: bool
) -> None:
    with jobs_of(tmp_path) as jobs:
        write(commands / "scancel", scancel)
        write(commands / "squeue", squeue)
    assert isinstance(jobs.progress, Notes)
    assert any(said.endswith("in its queue: scancel 7") for said in jobs.progress.said) == told
    assert (tmp_path / "runs" / ".slurm-tiny").exists() == told


def test_why_the_work_ended_is_told_where_slurm_cannot_be_asked(commands: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="The disk is full"), jobs_of(tmp_path):
        (commands / "scancel").write_bytes(b"\x7fELF")  # what cannot be run
        raise StoreError("The disk is full.")


def test_workers_that_slurm_refuses_to_follow_do_not_end_those_that_are_left(commands: Path, tmp_path: Path) -> None:
    with jobs_of(tmp_path) as jobs:
        write(commands / "squeue", "echo '7_1|RUNNING|None'")  # one of the two has ended
        write(commands / "sbatch", "echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2; exit 1")
        for _ in range(6):
            assert not jobs.is_over(lacking=True)
        assert isinstance(jobs.progress, Notes)
        assert sum("QOSMaxSubmitJobPerUserLimit" in said for said in jobs.progress.said) == 1
        write(commands / "squeue", "exit 0")  # and now the other one
        with pytest.raises(OptionError, match="QOSMaxSubmitJobPerUserLimit"):
            for _ in range(2):
                jobs.is_over(lacking=True)


def test_one_bad_node_does_not_end_the_workers_of_the_others(commands: Path, tmp_path: Path) -> None:
    with jobs_of(tmp_path) as jobs:
        write(commands / "sbatch", f"echo again >> {tmp_path}/submitted; echo Submitted batch job 8")
        write(commands / "squeue", "echo '7_1|RUNNING|None'")  # the other one ends whenever it is started
        for _ in range(40):
            assert not jobs.is_over(lacking=True)
        assert len((tmp_path / "submitted").read_text().split()) == 6
        jobs.kept += 1
        for _ in range(2):
            assert not jobs.is_over(lacking=True)
        assert len((tmp_path / "submitted").read_text().split()) == 7
        write(commands / "squeue", "exit 0")
        with pytest.raises(StoreError, match="nothing comes of them"):
            for _ in range(40):
                jobs.is_over(lacking=True)


def test_what_a_shell_says_beside_the_queue_is_no_job(commands: Path, tmp_path: Path) -> None:
    with jobs_of(tmp_path) as jobs:
        write(commands / "squeue", "echo 'Welcome to node 7_1 |RUNNING| of ours'; echo '7_0|RUNNING|None'")
        assert not jobs.is_over(lacking=False)
        write(commands / "squeue", "echo 'Welcome to node 7_1 |RUNNING| of ours'; echo '7_0|COMPLETED|None'")
        assert jobs.is_over(lacking=False)


def test_who_cancels_the_jobs_ends_the_campaign_and_who_cancels_one_is_left_with_the_others(
    commands: Path, tmp_path: Path
) -> None:
    with jobs_of(tmp_path) as jobs:
        write(commands / "sbatch", f"echo again >> {tmp_path}/submitted; echo Submitted batch job 8")
        write(commands / "squeue", "echo '7_0|CANCELLED|None'; echo '7_1|RUNNING|None'")
        for _ in range(4):
            assert not jobs.is_over(lacking=True)
        write(commands / "squeue", "echo '7_0|CANCELLED|None'; echo '7_1|CANCELLED|None'")
        with pytest.raises(StoreError, match=r"were cancelled \(scancel\): finished work is kept"):
            for _ in range(2):
                assert not jobs.is_over(lacking=True)
        assert not (tmp_path / "submitted").exists()


@pytest.mark.parametrize(
    ("squeue", "words"),
    [
        ("echo '7_0|PENDING|JobHeldUser'; echo '7_1|PENDING|JobHeldUser'", "as SLURM says: JobHeldUser."),
        ("echo '7_0|PENDING|PartitionDown'", "as SLURM says: PartitionDown."),
        ("exit 1", "SLURM does not answer"),
    ],
)
def test_why_nothing_happens_is_told_once(commands: Path, tmp_path: Path, squeue: str, words: str) -> None:
    with jobs_of(tmp_path) as jobs:
        write(commands / "squeue", squeue)
        for _ in range(6):
            assert not jobs.is_over(lacking=True)
        assert isinstance(jobs.progress, Notes)
        assert sum(words in said for said in jobs.progress.said) == 1
        write(commands / "squeue", "exit 0")


@pytest.fixture
def usual_signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize(("first", "code"), [(signal.SIGTERM, 143), (signal.SIGUSR2, "queued again")])
def test_the_first_signal_ends_a_worker_and_later_ones_disturb_nothing(first: signal.Signals, code: object) -> None:
    signal.signal(signal.SIGUSR2, lambda *_: sys.exit("queued again"))
    _end_in_order()
    with pytest.raises(SystemExit) as caught:
        os.kill(os.getpid(), first)
        time.sleep(1)
    assert caught.value.code == code
    os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGUSR2)
    time.sleep(0.01)
