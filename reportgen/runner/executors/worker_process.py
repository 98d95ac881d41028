"""A process of `ProcessesExecutor`: it reads what to do from its standard input, and ends when that closes."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path

from reportgen.config.options import BuildOptions
from reportgen.errors import ReportgenError, for_pages
from reportgen.progress import SILENT
from reportgen.runner.executors.claiming import ClaimingExecutor
from reportgen.runner.one_worker import work_at
from reportgen.stopping import StopSignals


def work_as_asked() -> int:
    """Work at a run until nothing is left, and return the exit code."""
    stop = StopSignals()
    stop.listen()
    try:
        asked = json.loads(sys.stdin.readline())
        threading.Thread(target=_end_with_parent, daemon=True).start()
        work_at(Path(asked["run"]), BuildOptions.model_validate(asked["options"]), ClaimingExecutor(), SILENT)
    except ReportgenError as error:
        print(for_pages(error), file=sys.stderr)  # noqa: T201 (the executor reads it)
        return error.exit_code
    except KeyboardInterrupt:
        return stop.exit_code
    return 0


def _end_with_parent() -> None:
    """Wait until the standard input closes, as it does when the process that started this one has gone."""
    while sys.stdin.readline():
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(work_as_asked())
