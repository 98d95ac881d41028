"""Pages of Markdown made a site by mkdocs, in a process of its own, and why it could not."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reportgen.errors import RenderError
from reportgen.isolated import clean_environment, waiting_command
from reportgen.progress import Progress
from reportgen.records.os_errors import describe_os_error

_FAULTS_SHOWN = 3

_DIRTY = "A 'dirty' build is being performed"
"""What mkdocs warns of whenever it is told to leave pages as they are: strict builds would fail at it."""

_IMPORTED = (
    "mkdocs.commands.build",
    "mkdocs.config.defaults",
    *(f"markdown.extensions.{n}" for n in ("admonition", "attr_list", "toc", "tables", "fenced_code")),
)
"""What mkdocs imports when it is told what to build."""


class Mkdocs:
    """mkdocs in a process that imports what it needs at once, and waits to be told what to build."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child

    def build(
        self,
        configuration: Path,
        site: Path,
        progress: Progress,
        meanwhile: Callable[[], object],
        *,
        some: bool = False,
    ) -> None:
        """Build a site in the folder `site`; `meanwhile` is called while mkdocs works.

        With `some`, pages that lie in the folder and are newer than their Markdown stay as they are. Raises
        RenderError, and what `meanwhile` raises.
        """
        configuration = configuration.resolve()
        how = ("--dirty", "--no-strict") if some else ("--strict",)
        words = ("build", *how, "--config-file", str(configuration), "--site-dir", str(site))
        with progress.task("Building the site", 1) as task:
            assert self._child.stdin is not None
            with suppress(BrokenPipeError):  # it has ended, and what it said tells why
                self._child.stdin.write(json.dumps((str(configuration.parent), *words)) + "\n")
                self._child.stdin.flush()
            meanwhile()
            said, _ = self._child.communicate()
            task.advance()
        warned = some and any(line.startswith("WARNING") and _DIRTY not in line for line in said.splitlines())
        if self._child.returncode != 0 or warned:
            raise RenderError(_why_not_built(said, self._child.returncode, configuration, site))


@contextmanager
def begun_mkdocs() -> Iterator[Mkdocs]:
    """Begin a process for mkdocs, which keeps its state in the logging module; it is ended where nothing is built."""
    with subprocess.Popen(  # noqa: S603
        waiting_command("mkdocs", *_IMPORTED),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=Path(sys.prefix),
        env=clean_environment(NO_MKDOCS_2_WARNING="1"),
    ) as child:
        try:
            yield Mkdocs(child)
        finally:
            child.kill()


def _why_not_built(said: str, code: int, configuration: Path, site: Path) -> str:
    """Return the sentence about a site that mkdocs did not build."""
    lines = [line.strip() for line in said.splitlines()]
    faults = [line for line in lines if line and not line.startswith(("INFO", "DEBUG")) and _DIRTY not in line]
    for number in (errno.ENOSPC, errno.EDQUOT):
        if any(f"[Errno {number}]" in line for line in faults):
            return describe_os_error(OSError(number, os.strerror(number)), site)
    if any(line.startswith("Traceback") for line in faults):
        faults = faults[-1:]  # the error itself; what led to it is mkdocs' own
    why = " ".join(faults[:_FAULTS_SHOWN]) or f"exit code {code}"
    return f"mkdocs could not build the site from {configuration}: {why}"
