"""The start of the command line: it listens to signals first, since what a command loads takes a while."""

from __future__ import annotations

import sys
from typing import NoReturn

from reportgen.stopping import StopSignals


def main() -> NoReturn:
    """Run the command line and exit: 0, an error's own code, 2 for wrong usage, 128 and its number after a signal."""
    stop = StopSignals()
    stop.listen()
    try:
        from reportgen.cli.app import run_command
    except BaseException:  # whatever an interrupted import makes of it
        if stop.received is None:
            raise
        sys.stderr.write("Stopped.\n")
        sys.exit(stop.exit_code)
    run_command(stop)
