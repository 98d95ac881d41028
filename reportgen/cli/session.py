"""What commands say and show: progress, tables, JSON, and the command as it was typed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reportgen.streams import lasting

if TYPE_CHECKING:
    from reportgen.progress import Progress
    from reportgen.runner.summary import Summary


def command_line() -> tuple[str, ...]:
    """Return the command as typed, with paths as bare names: reports are published."""
    words = [Path(word).name if os.sep in word else word for word in sys.argv[1:]]
    return ("reportgen", *words)


@contextmanager
def shown_progress(quiet: bool) -> Iterator[Progress]:
    """Show the progress of what is done within the context, on standard error; nothing when `quiet`."""
    from reportgen.progress import SILENT

    if quiet:
        yield SILENT
        return
    from rich.console import Console

    from reportgen.cli.terminal import terminal_progress

    with terminal_progress(Console(file=lasting(sys.stderr))) as progress:
        yield progress


def finish(summary: Summary, quiet: bool) -> None:
    """Show what came of a build; raises JobsFailedError when any of its jobs failed."""
    from reportgen.cli.tables import summary_table

    if not quiet:
        click.echo(summary_table(summary))
    if summary.site is not None:
        click.echo(summary.site)
    summary.check()


def show(rows: list[Any], table: Callable[[list[Any], int | None], str], as_json: bool) -> None:
    """Show rows as JSON, or as a table as wide as the terminal."""
    if as_json:
        click.echo(json_text(rows))
    else:
        click.echo(table(rows, width()))


def json_text(found: Any) -> str:
    """Return a document, or a list of them, as JSON in ASCII: nothing in it does anything to a terminal."""
    several = found if isinstance(found, list) else [found]
    data = [json.loads(one.model_dump_json()) for one in several]  # a number that is none is null in it
    return json.dumps(data if isinstance(found, list) else data[0], indent=1)


def width() -> int | None:
    """Return the columns of the terminal; None where the table goes into a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
