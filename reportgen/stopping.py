"""Ending a command on Ctrl-C, TERM and HUP alike: the work is unwound, so that what is finished is kept.

A signal that is ignored when the command starts stays ignored: `nohup` and a shell's background jobs mean that.
"""

from __future__ import annotations

import os
import signal
import time
from types import FrameType

#: The signals that ask a command to end; not every system has all of them.
ENDING = tuple(signal.Signals[name] for name in ("SIGINT", "SIGTERM", "SIGHUP") if name in signal.Signals.__members__)

#: A second signal within so many seconds belongs to the first: `timeout` sends two, and so does a double Ctrl-C.
TOGETHER = 1.0


class Stopped(KeyboardInterrupt):
    """The command was asked to end. As with Ctrl-C, what handles the errors of a job lets it pass."""


class StopSignals:
    """Raises `Stopped` where the work is when the first signal comes; `received` is that signal."""

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._when = 0.0

    def listen(self) -> None:
        """Take over the signals that are not ignored; only the main thread may do that."""
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._arrived)

    @property
    def exit_code(self) -> int:
        """What a shell reports of a process that this signal ended: 130, 143 or 129."""
        return 128 + (self.received or signal.SIGINT)

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received, self._when = signal.Signals(number), time.monotonic()
            raise Stopped
        if time.monotonic() - self._when > TOGETHER:
            os._exit(128 + number)  # whoever asks again does not want to wait for the unwinding
