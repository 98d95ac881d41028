"""Standard streams whose reader may go: a closed terminal or pipe must not end, or fail, the work."""

from __future__ import annotations

import io
import os
from typing import TextIO, cast


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


class _Lasting(io.TextIOBase):
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]  # io's stub calls it an attribute
        """The stream's encoding: what may be printed depends on it."""
        return self._stream.encoding

    def write(self, text: str) -> int:
        """Write, or drop."""
        try:
            return self._stream.write(text)
        except OSError:
            abandon(self._stream)
            return len(text)

    def flush(self) -> None:
        """Write out what waits, or drop it."""
        try:
            self._stream.flush()
        except OSError:
            abandon(self._stream)

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """The stream's descriptor: the size of a terminal is asked by it."""
        return self._stream.fileno()
