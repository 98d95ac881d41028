"""Real signals to real commands: the exit code says which, finished work is kept, and nothing is left running."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.children import LONGEST, Running, alive, child, one_thread, reportgen, reportgen_command, run_python

#: Steps that keep a kernel busy for a while, so that a build is still running when the signal comes.
LONG = "[kernels]\nsteps = 200\nearly_stop = false\nbatch_size = 1\n"
WORDS = ("--preset", "quick", "--untrained", "--model", "tiny", "--analyses", "kernels")


def wait_for(happened: Callable[[], bool], process: Running) -> None:
    deadline = time.monotonic() + LONGEST
    while not happened():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def records(folder: Path) -> list[Path]:
    """Return the records of kernels: the choice of kernels comes before them, and has a record of its own."""
    found = [path for path in (folder / "runs/tiny/records").glob("*/*.json") if not path.name.startswith(".")]
    return [path for path in found if json.loads(path.read_text())["job"]["analysis"] == "kernels"]


@pytest.fixture
def long_build(tmp_path: Path, tiny_zoo: Path) -> list[str]:
    (tmp_path / "reportgen.toml").write_text(LONG)
    return reportgen_command("build", *WORDS, "--zoo", tiny_zoo, "--kernels", "all")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        *(pytest.param(*end, marks=pytest.mark.long) for end in ((signal.SIGTERM, 143), (signal.SIGHUP, 129))),
    ],
)
def test_a_build_that_is_stopped_keeps_finished_work(
    number: signal.Signals, code: int, long_build: list[str], tmp_path: Path
) -> None:
    with child(long_build, cwd=tmp_path, env=one_thread()) as process:
        wait_for(lambda: bool(records(tmp_path)), process)
        process.send_signal(number)
        said, complained = process.communicate(timeout=LONGEST)
        assert not alive(process.pid)
    assert process.returncode == code
    assert "Finished work is kept" in complained
    assert "Traceback" not in complained
    assert said == ""
    assert 1 <= len(records(tmp_path)) < 10
    assert not list((tmp_path / "runs").rglob(".part-*"))


@pytest.mark.long
def test_what_is_ignored_at_the_start_stays_ignored_and_a_stopped_build_goes_on(
    long_build: list[str], tmp_path: Path, tiny_zoo: Path
) -> None:
    """As under `nohup`, and in the background of a shell script."""
    with child(long_build, cwd=tmp_path, env=one_thread(), ignored=(signal.SIGINT, signal.SIGHUP)) as process:
        wait_for(lambda: bool(records(tmp_path)), process)
        there = len(records(tmp_path))
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(records(tmp_path)) > there, process)
        process.terminate()
        process.communicate(timeout=LONGEST)
    assert process.returncode == 143
    kept = {json.loads(path.read_text())["job"]["parameters"]["kernel"] for path in records(tmp_path)}
    only = ",".join(map(str, sorted(kept))) + ","
    done = reportgen("compute", *WORDS, "--zoo", tiny_zoo, "--kernels", only, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "are there already" in done.stderr


def test_a_stop_while_the_program_is_being_loaded_is_one_word() -> None:
    interrupted = """
import os, signal, sys

class Interrupting:
    def find_spec(self, name, *_):
        if name == "click":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
from reportgen.cli import main
main()
"""
    done = run_python(interrupted)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Stopped.\n")


def test_children_can_be_interrupted_where_the_tests_themselves_cannot(tmp_path: Path) -> None:
    """Under `nohup make test` or `make test &` this process ignores interrupts, which children inherit."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        (tmp_path / "index.html").write_text("<p>report</p>")
        with child(reportgen_command("serve", "--site", tmp_path, "--port", 0)) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("Serving")
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=LONGEST)
        assert process.returncode == 130
    finally:
        signal.signal(signal.SIGINT, before)
