"""Cases of a benchmark, one after the other within a time, each kept as it ends."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

import torch

from benchmarks.kernels import loaded
from benchmarks.machine import peak_memory, synchronize
from reportgen.errors import OptionError
from reportgen.networks.core.network import Network
from reportgen.networks.core.out_of_memory import is_out_of_memory, release_memory
from reportgen.zoo.cards import default_zoo

Found = dict[str, Any]
Document = dict[str, Any]


@dataclass(frozen=True)
class Clock:
    """How many seconds are left of those that a call may take."""

    seconds: float
    now: Callable[[], float] = time.monotonic
    began: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "began", self.now())

    def left(self) -> float:
        """Return the seconds left."""
        return self.seconds - (self.now() - self.began)


@dataclass(frozen=True)
class Setting:
    """Where the cases run; `smoke` is the smallest work that covers all of them, for a machine without a GPU."""

    device: torch.device
    smoke: bool = False

    def stages(self, name: str) -> list[str]:
        """Return the layers of a network's stages; in `smoke` the last one of the bundled network's."""
        card = default_zoo().find("texture_motion" if self.smoke else name).card
        return [stage.layer for stage in card.stages[-1 if self.smoke else 0 :]]

    def network(self, name: str) -> Network:
        """Return a network on the device, kept until others are asked for; in `smoke` always the bundled one."""
        return _network("texture_motion" if self.smoke else name, str(self.device))

    def on_cpu(self, name: str) -> Network:
        """Return the same network on the CPU."""
        return _network("texture_motion" if self.smoke else name, "cpu")


@lru_cache(maxsize=2)
def _network(name: str, device: str) -> Network:
    return loaded(name, device)[0]


@dataclass(frozen=True)
class Case:
    """One measurement: what it returns is kept. `expected` is how many seconds it may take on a recent GPU."""

    name: str
    measure: Callable[[Clock], Found]
    expected: float = 10.0


@dataclass(frozen=True)
class Part:
    """Cases that answer one question."""

    name: str
    title: str
    cases: Callable[[Setting], Sequence[Case]]


class TimeIsUp(BaseException):
    """Raised within a case when the call's time has ended: no error, and not to be caught with errors."""


def run_cases(
    parts: Sequence[Part],
    setting: Setting,
    machine: Mapping[str, Any],
    path: Path,
    clock: Clock,
    say: Callable[[str], None],
) -> Document:
    """Measure what the JSON at `path` does not hold yet, as far as the time goes, and return its content.

    Raises OptionError where the file holds figures of another device or of another amount of work.
    """
    document = _opened(path, machine, setting)
    for part in parts:
        kept: dict[str, Any] = document["parts"].setdefault(part.name, {"title": part.title, "cases": {}})
        waiting = [case for case in part.cases(setting) if not _is_done(kept["cases"].get(case.name))]
        kept["left"] = [case.name for case in waiting]
        for case in waiting:
            if clock.left() < case.expected:
                continue
            try:
                kept["cases"][case.name] = _measured(case, setting.device, clock)
            except TimeIsUp:
                _write(path, document)
                return document
            if _is_done(kept["cases"][case.name]):
                kept["left"].remove(case.name)
            kept["peak_memory"] = max(found["peak_memory"] for found in kept["cases"].values())
            say(f"{part.name} {case.name}: {json.dumps(kept['cases'][case.name])}")
            _write(path, document)
        _write(path, document)
    return document


@contextmanager
def ending_after(seconds: float) -> Iterator[None]:
    """Raise TimeIsUp in what runs within the context when its time has ended."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise TimeIsUp

    handler, began = signal.signal(signal.SIGALRM, end), time.monotonic()
    outer, interval = signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-3))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if outer:  # another timer was running: it goes on
            signal.setitimer(signal.ITIMER_REAL, max(outer - (time.monotonic() - began), 1e-3), interval)


def _is_done(found: Found | None) -> bool:
    return found is not None and "failed" not in found


def _measured(case: Case, device: torch.device, clock: Clock) -> Found:
    """Return what a case found, with its seconds and its most memory in GiB, or why it failed."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    before = clock.left()
    try:
        found = case.measure(clock)
        synchronize(device)
    except Exception as error:  # whatever it is: the other cases go on
        words = "memory ran out" if is_out_of_memory(error) else f"{type(error).__name__}: {error}"
        found = {"failed": words}
    release_memory()
    return {"seconds": before - clock.left(), "peak_memory": peak_memory(device), **found}


def _opened(path: Path, machine: Mapping[str, Any], setting: Setting) -> Document:
    """Return the file's content, or an empty one for this machine."""
    same = {"device": machine["device"], "torch": machine["torch"], "smoke": setting.smoke}
    if not path.exists():
        return {"machine": dict(machine), "smoke": setting.smoke, "parts": {}}
    document: Document = json.loads(path.read_text(encoding="utf-8"))
    kept = {**{name: document["machine"].get(name) for name in ("device", "torch")}, "smoke": document["smoke"]}
    if kept != same:
        raise OptionError(f"{path} holds figures of {kept}, and this is {same}: name another file with --json.")
    return document


def _write(path: Path, document: Document) -> None:
    """Write the file beside its place, then move it there: a stop leaves the old one whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".json.tmp")
    beside.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)
