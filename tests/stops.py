"""Stopping work at a step of it: a child does the work and sends itself a signal where it opens, moves or removes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reportgen.errors import ReportgenError

STEPS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.utime", "shutil.rmtree", "shutil.copyfile"}


def run_until(stop_at: int, number: int, steps_file: Path, work: Callable[[], object]) -> int:
    """Work in a child that sends itself a signal at a step; return its exit code, or minus the signal.

    What the child writes is a step. Where it is not stopped, the steps that it took stand in `steps_file`.
    """
    if pid := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    steps = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal steps
        if event in STEPS and (event != "open" or (isinstance(arguments[2], int) and arguments[2] & 3)):
            steps += 1
            if steps == stop_at:
                os.kill(os.getpid(), number)

    sys.addaudithook(watch)
    try:
        work()
    except ReportgenError as error:
        sys.stderr.write(f"{error}\n")
        os._exit(7)
    except KeyboardInterrupt:
        os._exit(8)
    done = steps
    steps_file.write_text(str(done))
    os._exit(0)
