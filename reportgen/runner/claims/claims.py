"""Claims on chunks: at most one worker computes a chunk at a time, and a dead worker's chunk is taken over.

An attempt at a chunk is a file that only one worker could create, ``CHUNK.NUMBER``, and only its creator writes. The
number is the fencing token: whoever takes a chunk over creates the next one, and the earlier holder, should it wake
up, finds that and stops. The file says what became of the attempt: held (with a count that its holder raises), ended,
given up, or let go. A holder is taken for dead when another worker has seen no new count for the length of a lease,
by the clock of the one that watches: no two clocks are ever compared. ``CHUNK.done`` is a hint for listings; the truth
is the attempt's text, and behind it the records.
"""

from __future__ import annotations

import hashlib
import math
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache

from pydantic import ValidationError

from reportgen.errors import one_line
from reportgen.records.base import Frozen
from reportgen.runner.claims.files import ClaimFiles

GROUPS = 96
"""Folders of claims: of 10^5 chunks each has some 2,100 files."""

DONE = "done"

WITHOUT_A_WORD = "the worker ended without a word, as when it is killed or memory runs out"

TOO_LONG = "it had not ended when the worker's time was over"

_LONGEST_WHY = 300
"""Bytes: twice as many, with quotation marks, still fit into a claim beside the rest."""

_LOOKED_BACK = 64
"""Attempts at a chunk that are read: of one that was let go time and again the first ones tell nothing more."""


class Fate(Enum):
    """What a worker is told of a chunk that it does not get."""

    HELD = auto()
    """Somebody works at it, or is not known to be dead yet."""

    ENDED = auto()
    """It is done: its records are there."""

    OWN_FAILURE = auto()
    """This worker gave it up: another one should try."""


class Attempt(Frozen):
    """The text of an attempt's file."""

    state: str
    """``held``, ``ended``, ``given-up`` or ``let-go``."""

    worker: str
    count: int = 0
    job: str = ""
    """The key of the job at hand: what a worker died of, if it dies."""

    alone: bool = False
    """Whether no other job was computed with it."""

    why: str = ""


@dataclass(frozen=True)
class EarlierAttempt:
    """An earlier attempt at a chunk that failed: at which job, by whom, and why as far as that is known."""

    job: str
    why: str
    worker: str = ""
    alone: bool = False


@dataclass(frozen=True)
class LeaseRules:
    """How long a holder may be silent, how often it tells that it lives, and after how many attempts a job fails.

    `beat` is far shorter than `lease`, since a shared file system may stall; both in seconds. A worker that stops when
    the job at hand has taken `longest` seconds has failed at it: where a worker's time is limited, a job that takes
    more of it than that would be begun for ever.
    """

    lease: float = 180.0
    beat: float = 20.0
    attempts: int = 2
    longest: float = math.inf


@dataclass(frozen=True)
class Claim:
    """A chunk that this worker holds, and what became of the earlier attempts at it."""

    chunk: str
    number: int
    failed: tuple[EarlierAttempt, ...] = ()


@dataclass
class _Watched:
    text: str
    since: float


@dataclass
class Claims:
    """The claims of one worker on the chunks of a run.

    `clock` is monotonic seconds; `is_gone` says of another worker that it has certainly ended, such as a process of
    this machine that is no more.
    """

    files: ClaimFiles
    worker: str
    clock: Callable[[], float]
    rules: LeaseRules = field(default_factory=LeaseRules)
    is_gone: Callable[[str], bool] = lambda _worker: False
    _watched: dict[tuple[str, int], _Watched] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)
    _jobs: dict[str, tuple[str, bool]] = field(default_factory=dict)
    _since: dict[str, float] = field(default_factory=dict)
    _writing: threading.Lock = field(default_factory=threading.Lock)

    def listed(self, group: str) -> tuple[dict[str, int], frozenset[str]]:
        """Return the last attempts at the chunks of a group, by the chunks' names in files, and those that are done."""
        return _last_attempts(self.files.names(group))

    def take(self, chunk: str, last: int, *, again: bool = False) -> Claim | Fate:
        """Take a chunk of which the listing shows `last` attempts, 0 for none; say why not where it cannot be had.

        With `again` this worker tries once more what it gave up itself, where no other worker has come to try.
        """
        group, stem = place_of(chunk)
        failed: tuple[EarlierAttempt, ...] = ()
        if last:
            fate = self._fate(group, stem, last)
            if fate is not None and not (again and fate is Fate.OWN_FAILURE):
                return fate
            failed = self._failures(group, stem, last)
        number = last + 1
        if not self.files.create(group, f"{stem}.{number}", self._text("held")):
            return Fate.HELD  # somebody was faster, or the listing was old
        self._counts[chunk] = 0
        return Claim(chunk, number, failed)

    def _fate(self, group: str, stem: str, number: int) -> Fate | None:
        """Return why the chunk of this last attempt cannot be had; None where it can."""
        text = self.files.read(group, f"{stem}.{number}")
        attempt = _read(text)
        if attempt is None or attempt.state == "held":
            return None if self._is_dead(stem, number, text or "", attempt) else Fate.HELD
        if attempt.state == "ended":
            return Fate.ENDED
        return Fate.OWN_FAILURE if attempt.state == "given-up" and attempt.worker == self.worker else None

    def _is_dead(self, stem: str, number: int, text: str, attempt: Attempt | None) -> bool:
        if attempt is not None and self.is_gone(attempt.worker):
            return True
        now = self.clock()
        seen = self._watched.get((stem, number))
        if seen is None or seen.text != text:
            self._watched[stem, number] = _Watched(text, now)
            return False
        return now - seen.since >= self.rules.lease

    def _failures(self, group: str, stem: str, last: int) -> tuple[EarlierAttempt, ...]:
        """Return what is known of each earlier attempt that failed; one that was let go did not."""
        found = []
        for number in range(max(1, last - _LOOKED_BACK + 1), last + 1):
            attempt = _read(self.files.read(group, f"{stem}.{number}"))
            if attempt is None:
                found.append(EarlierAttempt("", WITHOUT_A_WORD))
            elif attempt.state in ("given-up", "held"):
                why = attempt.why if attempt.state == "given-up" else WITHOUT_A_WORD
                found.append(EarlierAttempt(attempt.job, why, attempt.worker, attempt.alone))
        return tuple(found)

    def is_spent(self, claim: Claim, job: str) -> bool:
        """Whether a job has ended as many attempts as it may: it is recorded as failed and not tried once more.

        At least one of them it must have ended alone: of several that are computed together any may be the cause.
        """
        blamed = [attempt for attempt in claim.failed if attempt.job == job]
        return len(blamed) >= self.rules.attempts and any(attempt.alone for attempt in blamed)

    def is_suspect(self, claim: Claim) -> bool:
        """Whether the chunk's jobs are to be computed one by one: together they have ended as many attempts."""
        together = Counter(attempt.job for attempt in claim.failed if not attempt.alone)
        return any(count >= self.rules.attempts for count in together.values())

    def begin(self, claim: Claim, job: str, *, alone: bool = True) -> bool:
        """Say which job of the chunk is at hand; False where the chunk is another's by now."""
        self._jobs[claim.chunk] = (job, alone)
        self._since[claim.chunk] = self.clock()
        return self.beat(claim)

    def beat(self, claim: Claim) -> bool:
        """Tell that this worker lives; False where the chunk is another's by now."""
        return self.is_mine(claim) and self._rewrite(claim, "held")

    def is_mine(self, claim: Claim) -> bool:
        """Whether nobody has taken the chunk over: asked before each record is written."""
        group, stem = place_of(claim.chunk)
        return self.files.read(group, f"{stem}.{claim.number + 1}") is None

    def end(self, claim: Claim, *, whole: bool = True) -> None:
        """Say that all records of the chunk are there; unless it is `whole`, those that this worker wanted."""
        self._rewrite(claim, "ended" if whole else "let-go")
        if not whole:
            return
        group, stem = place_of(claim.chunk)
        self.files.create(group, f"{stem}.{DONE}", "")

    def give_up(self, claim: Claim, why: str) -> None:
        """Say that the chunk failed here, so that another worker tries it."""
        self._rewrite(claim, "given-up", why)

    def let_go(self, claim: Claim) -> None:
        """Say that this worker stops, which is no fault of the chunk unless its job had all the time that there is."""
        if self.clock() - self._since.get(claim.chunk, self.clock()) >= self.rules.longest:
            self.give_up(claim, TOO_LONG)
        else:
            self._rewrite(claim, "let-go")

    def forget(self, chunks: Iterable[str]) -> None:
        """Take away all that is known of chunks, so that they are computed anew; what may have a worker stays."""
        groups: dict[str, set[str]] = defaultdict(set)
        for group, stem in map(place_of, chunks):
            groups[group].add(stem)
        for group, stems in groups.items():
            names = self.files.names(group)
            last, _ = _last_attempts(names)
            held = {stem for stem in stems & last.keys() if self._fate(group, stem, last[stem]) is Fate.HELD}
            self.files.remove(group, [name for name in names if name.partition(".")[0] in stems - held])

    def _rewrite(self, claim: Claim, state: str, why: str = "") -> bool:
        """Replace the text of this worker's attempt; False where somebody has removed it."""
        group, stem = place_of(claim.chunk)
        with self._writing:  # a heartbeat comes from another thread, and must not write an older text
            self._counts[claim.chunk] = count = self._counts[claim.chunk] + 1
            text = self._text(state, count, *self._jobs.get(claim.chunk, ("", False)), why=why)
            return self.files.rewrite(group, f"{stem}.{claim.number}", text)

    def _text(self, state: str, count: int = 0, job: str = "", alone: bool = False, why: str = "") -> str:
        why = one_line(why).encode()[:_LONGEST_WHY].decode(errors="ignore")  # one that is cut off is no text at all
        found = Attempt(state=state, worker=self.worker, count=count, job=job, alone=alone, why=why)
        return found.model_dump_json()


def _last_attempts(names: Iterable[str]) -> tuple[dict[str, int], frozenset[str]]:
    """Return the last attempts by the beginnings of files' names, and the beginnings of those that are done."""
    last: dict[str, int] = {}
    done = set()
    for name in names:
        stem, _, end = name.rpartition(".")
        if end == DONE:
            done.add(stem)
        elif stem and end.isdecimal() and len(end) < 10:
            last[stem] = max(last.get(stem, 0), int(end))
    return last, frozenset(done)


@lru_cache(1 << 17)
def place_of(chunk: str) -> tuple[str, str]:
    """Return the group of a chunk's files and the beginning of their names."""
    digest = hashlib.sha256(chunk.encode()).hexdigest()[:32]
    return f"{int(digest[:8], 16) % GROUPS:02d}", digest


def _read(text: str | None) -> Attempt | None:
    """Return an attempt; None for a file that is being created or is damaged, which only watching can tell."""
    if not text:
        return None
    try:
        return Attempt.model_validate_json(text)
    except ValidationError:
        return None
