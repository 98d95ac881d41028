"""Signals that ask a command to end, and streams whose reader has gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from reportgen import stopping
from reportgen.stopping import ENDING, Stopped, StopSignals
from reportgen.streams import lasting


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_the_work_and_gives_the_exit_code(number: signal.Signals, code: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    stop = StopSignals()
    stop.listen()
    with pytest.raises(Stopped):
        os.kill(os.getpid(), number)
    assert (stop.received, stop.exit_code) == (number, code)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    stop = StopSignals()
    stop.listen()
    os.kill(os.getpid(), signal.SIGHUP)
    assert stop.received is None


def test_the_same_request_twice_is_one_and_a_second_one_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(stopping.os, "_exit", ended.append)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    stop = StopSignals()
    stop.listen()
    with pytest.raises(Stopped):
        os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    assert not ended
    monkeypatch.setattr(stopping, "TOGETHER", 0.0)
    os.kill(os.getpid(), signal.SIGTERM)
    assert ended == [143]


def test_what_is_written_to_a_pipe_whose_reader_has_gone_is_dropped() -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        lines = lasting(stream)
        lines.write("read")
        lines.flush()
        assert os.read(reader, 10) == b"read"
        os.close(reader)
        for line in ("lost", "lost too"):
            lines.write(line)
            lines.flush()
