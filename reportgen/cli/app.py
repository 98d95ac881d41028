"""The command line as a whole: its commands, and what becomes of errors and signals."""

from __future__ import annotations

import errno
import signal
import sys
from typing import NoReturn

import click

from reportgen.cli.building import build, check, compute, plan, render, work
from reportgen.cli.keeping import clean, fetch, serve
from reportgen.cli.listing import card, layers, methods, models, schema, status
from reportgen.cli.proving import diff, verify
from reportgen.cli.publishing import publish
from reportgen.cli.travelling import export
from reportgen.errors import (
    MEMORY_RAN_OUT,
    OptionError,
    OutOfMemoryError,
    OutputError,
    ReportgenError,
    StoreError,
    speaking,
)
from reportgen.records.os_errors import OF_THE_PLACE, describe_any_error
from reportgen.stopping import StopSignals
from reportgen.streams import ReaderGoneError, abandon, sure_output
from reportgen.version import __version__
from reportgen.wording import COMMAND_LINE

_NOT_LOADED = "Memory ran out while a library was loaded: allow this command more (ulimit -v), or use a larger machine."


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="reportgen")
def cli() -> None:
    """Build a report that tells the truth about a 3D convolutional (video) network."""


_COMMANDS: tuple[click.Command, ...] = (
    *(build, compute, plan, work, status, render, check, export, publish, verify, diff),
    *(models, methods, layers, card, schema, fetch, serve, clean),
)
for _command in _COMMANDS:
    cli.add_command(_command)


def run_command(stop: StopSignals) -> NoReturn:
    """Run the command line and exit; `stop` has the signal that ended it, if one did."""
    with speaking(COMMAND_LINE):
        try:
            sys.stdout = sure_output(sys.stdout)
            cli.main(standalone_mode=False)
            sys.stdout.flush()
        except BaseException as error:
            code = _exit_code(error, stop)
            if code is None:
                raise
            sys.exit(code)
    sys.exit(0)


def _exit_code(error: BaseException, stop: StopSignals) -> int | None:  # noqa: PLR0911 (one for each kind of end)
    """Say why the command ended and return its exit code; None for a fault of the program, which has a traceback."""
    # First: what is raised while the work is unwound, such as a terminal that has gone, is not why it ended.
    if stop.received is not None or isinstance(error, KeyboardInterrupt):
        _last_words("Stopped. Finished work is kept: the same command goes on from there.")
        return stop.exit_code
    match error:
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            error.show()
            return error.exit_code
        case OutputError() if sys.stdout is not None:
            abandon(sys.stdout)  # or the interpreter complains of it once more
            return _said(error)
        case ReportgenError():
            return _said(error)
        case click.Abort():
            _last_words("Nothing was done.")
            return 1
        case ReaderGoneError() | BrokenPipeError():
            # The reader of a pipe has gone (`reportgen models | head`); nothing more can be said to it.
            abandon(sys.stdout)
            return 128 + signal.SIGPIPE
        case OSError() if error.errno in OF_THE_PLACE:
            return _said(StoreError(describe_any_error(error)))
        case OSError() if error.errno == errno.ENAMETOOLONG:
            return _said(OptionError(f"The path {str(error.filename)[:60]}... is longer than any can be: check it."))
        case ImportError() if "failed to map segment" in str(error):
            return _said(OutOfMemoryError(_NOT_LOADED))
        case MemoryError() | RuntimeError() | OSError() if _is_out_of_memory(error):
            return _said(OutOfMemoryError(MEMORY_RAN_OUT))
    return None


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True  # perhaps while torch was being loaded: it is not asked then
    if "torch" not in sys.modules:
        return False
    from reportgen.networks.core.out_of_memory import is_out_of_memory

    return is_out_of_memory(error)


def _said(error: ReportgenError) -> int:
    _last_words(f"Error: {error}")
    return error.exit_code


def _last_words(text: str) -> None:
    """Say it on standard error; a terminal or pipe that has gone is no error of its own."""
    try:
        click.echo(text, err=True)
    except OSError:
        abandon(sys.stderr)
