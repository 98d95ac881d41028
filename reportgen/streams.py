"""Standard streams that cannot be written to: a reader that has gone must not end the work, a full disk is said."""

from __future__ import annotations

import io
import os
from typing import TextIO, cast

from reportgen.bidi import without_bidi
from reportgen.errors import OutputError


class ReaderGoneError(Exception):
    """Nobody reads standard output any more. No OSError: click makes exit code 1 of one."""


def abandon(stream: TextIO) -> None:
    """Send what is still to be written to a stream nowhere, since whoever read it has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, stream.fileno())
    finally:
        os.close(nowhere)


def lasting(stream: TextIO) -> TextIO:
    """Return a stream that passes text on to `stream` until that cannot take any more, and then drops it."""
    return cast("TextIO", _Lasting(stream))


def sure_output(stream: TextIO | None) -> TextIO:
    """Return standard output as a stream that raises OutputError where it cannot be written to.

    Where the reader of a pipe has gone it raises ReaderGoneError. Raises OutputError where there is no standard output
    at all: the file that is opened next would take its place.
    """
    if stream is None:
        raise OutputError("Standard output is closed: send it to a file, or to /dev/null, and run again.")
    return cast("TextIO", _Sure(stream))


class _Passing(io.TextIOBase):
    """A stream that passes text on to another, and says what becomes of a failure."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def failed(self, error: OSError) -> None:
        """Called with each failure to write."""
        raise NotImplementedError

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io's stub calls it an attribute
        """The stream's encoding: what may be printed depends on it."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """Write, or fail."""
        try:
            return self._stream.write(without_bidi(text) if self._stream.isatty() else text)
        except OSError as error:
            self.failed(error)
            return len(text)

    def flush(self) -> None:
        """Write out what waits, or fail."""
        try:
            self._stream.flush()
        except OSError as error:
            self.failed(error)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The stream's descriptor: the size of a terminal is asked by it."""
        return self._stream.fileno()


class _Lasting(_Passing):
    def failed(self, error: OSError) -> None:  # noqa: ARG002
        """Go on: what it says is no part of the work."""
        abandon(self._stream)


class _Sure(_Passing):
    def failed(self, error: OSError) -> None:
        """Raise OutputError: what it says is the work."""
        if isinstance(error, BrokenPipeError):
            raise ReaderGoneError from error
        raise OutputError(f"Standard output cannot be written to: {error.strerror or error}.") from error
