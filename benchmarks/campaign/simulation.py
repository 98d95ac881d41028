"""A campaign of many workers, with the claims' own code on a virtual clock and a virtual shared disk."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field

from benchmarks.campaign.world import KilledError, World
from reportgen.runner.claims.claims import Claim, Claims, LeaseRules
from reportgen.runner.claims.queue import ChunkQueue, QueuedChunk
from reportgen.runner.claims.worker import LostClaimError, work_through

LISTING_AGE = 30.0
"""Seconds for which a client of NFS may show an old listing of a folder."""


@dataclass(frozen=True)
class Conditions:
    """What a campaign meets. Times in seconds; `stalls` and `freezes` are shares of operations and of chunks."""

    jobs: int = 10_000
    jobs_a_chunk: int = 8
    workers: int = 64
    job_seconds: float = 30.0
    latency: float = 0.003
    stalls: float = 0.001
    stall_seconds: float = 20.0
    mean_life: float = 4 * 3600.0
    restart: float = 60.0
    freezes: float = 0.001
    clock_rate: float = 0.01
    rules: LeaseRules = field(default_factory=LeaseRules)


@dataclass
class Disk:
    """A shared folder of claims: operations take time and are counted; listings may be old."""

    world: World
    conditions: Conditions
    files: dict[tuple[str, str], str] = field(default_factory=dict)
    groups: dict[str, set[str]] = field(default_factory=dict)
    operations: Counter[str] = field(default_factory=Counter)

    def client(self, seed: int, alive: Callable[[], None]) -> Client:
        """Return the disk as one worker sees it; `alive` raises where the worker has been killed."""
        return Client(self, random.Random(seed), alive)


@dataclass
class Client:
    """One worker's way to the disk (see `reportgen.runner.claims.files.ClaimFiles`)."""

    disk: Disk
    random: random.Random
    alive: Callable[[], None]
    listings: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)

    def create(self, group: str, name: str, text: str) -> bool:
        """Create a file that is not there."""
        self._takes_time("create")
        there = (group, name) in self.disk.files
        if not there:
            self.disk.files[group, name] = ""
            self.disk.groups.setdefault(group, set()).add(name)
            self._takes_time("write")
            self.disk.files[group, name] = text
        return not there

    def rewrite(self, group: str, name: str, text: str) -> bool:
        """Replace the text of a file."""
        self._takes_time("write")
        self.disk.files[group, name] = text
        return True

    def read(self, group: str, name: str) -> str | None:
        """Return a file's text."""
        self._takes_time("read")
        return self.disk.files.get((group, name))

    def names(self, group: str) -> frozenset[str]:
        """Return a listing, which may be as old as a client keeps one."""
        known = self.listings.get(group)
        if known and self.disk.world.now - known[0] < LISTING_AGE:
            return known[1]
        self._takes_time("list")
        found = frozenset(self.disk.groups.get(group, ()))
        self.listings[group] = (self.disk.world.now, found)
        return found

    def remove(self, group: str, names: Iterable[str]) -> None:
        """Remove files of a group."""
        for name in names:
            self._takes_time("remove")
            self.disk.files.pop((group, name), None)
            self.disk.groups[group].discard(name)

    def _takes_time(self, operation: str) -> None:
        self.disk.operations[operation] += 1
        conditions = self.disk.conditions
        stalled = self.random.random() < conditions.stalls
        own = conditions.stall_seconds if stalled else conditions.latency
        self.disk.world.wait(self.random.expovariate(1 / own))
        self.alive()


@dataclass
class Outcome:
    """What came of a campaign. Times in virtual seconds."""

    conditions: Conditions
    computed: Counter[str] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    deaths: int = 0
    recoveries: list[float] = field(default_factory=list)
    given_up: set[str] = field(default_factory=set)
    doubled: float = 0.0
    ended: float = 0.0

    @property
    def duplicates(self) -> float:
        """The share of the work that another worker did too; what a worker loses that is killed is no part of it."""
        return self.doubled / (self.conditions.jobs * self.conditions.job_seconds)

    @property
    def ideal(self) -> float:
        """How long so many workers would take without any loss."""
        return self.conditions.jobs * self.conditions.job_seconds / self.conditions.workers


class Campaign:
    """A campaign under some conditions; `run` simulates it to its end."""

    def __init__(self, conditions: Conditions, seed: int = 0) -> None:
        self.conditions = conditions
        self.random = random.Random(seed)
        self.world = World()
        self.disk = Disk(self.world, conditions)
        self.outcome = Outcome(conditions)
        self.kept: set[str] = set()
        self.died: dict[str, float] = {}
        names = range(0, conditions.jobs, conditions.jobs_a_chunk)
        self.chunks = [QueuedChunk(f"kernels/{first}") for first in names]
        self.started = 0

    def run(self) -> Outcome:
        """Simulate the campaign."""
        for _ in range(self.conditions.workers):
            self._start(self.random.uniform(0, 30))
        self.world.run()
        self.outcome.operations = self.disk.operations
        return self.outcome

    def _start(self, after: float) -> None:
        self.started += 1
        worker = Worker(self, self.started, self.random.getrandbits(32))
        self.world.start(worker.run, after)

    def jobs_of(self, chunk: str) -> list[str]:
        """Return the jobs of a chunk."""
        first = int(chunk.rpartition("/")[2])
        return [f"job {n}" for n in range(first, min(first + self.conditions.jobs_a_chunk, self.conditions.jobs))]


class Worker:
    """One process of a campaign."""

    def __init__(self, campaign: Campaign, number: int, seed: int) -> None:
        self.campaign = campaign
        self.name = f"worker-{number}"
        self.random = random.Random(seed)
        conditions, world = campaign.conditions, campaign.world
        self.dies = world.now + self.random.expovariate(1 / conditions.mean_life)
        rate = 1 + self.random.uniform(-1, 1) * conditions.clock_rate
        offset = self.random.uniform(-1e6, 1e6)
        files = campaign.disk.client(self.random.getrandbits(32), self._alive)
        self.claims = Claims(files, self.name, lambda: offset + rate * world.now, conditions.rules)
        self.queue = ChunkQueue(self.claims, campaign.chunks, wait=self._wait, seed=self.random.getrandbits(32))
        self.holds: Claim | None = None

    def run(self) -> None:
        """Work until all is done or it dies; who dies is followed by another worker."""
        campaign = self.campaign
        try:
            for _ in work_through(self.queue, self.claims, compute=self._compute, beating=self._holding):
                pass
        except KilledError:
            campaign.outcome.deaths += 1
            if self.holds:
                campaign.died[self.holds.chunk] = campaign.world.now
            campaign._start(campaign.conditions.restart)
            raise
        campaign.outcome.ended = max(campaign.outcome.ended, campaign.world.now)

    def _holding(self, claim: Claim) -> nullcontext[None]:
        self.holds = claim
        died = self.campaign.died.pop(claim.chunk, None)
        if died is not None:
            self.campaign.outcome.recoveries.append(self.campaign.world.now - died)
        return nullcontext()

    def _compute(self, claim: Claim) -> Iterator[str]:
        """Compute a chunk's jobs; now and then the process is suspended for longer than a lease."""
        conditions, kept = self.campaign.conditions, self.campaign.kept
        if self.random.random() < conditions.freezes:
            self._wait(2 * conditions.rules.lease)
        for job in self.campaign.jobs_of(claim.chunk):
            if job in kept:
                continue
            if not self.claims.begin(claim, job):
                raise LostClaimError
            if self.claims.is_spent(claim, job):
                self.campaign.outcome.given_up.add(job)
                continue
            whole = left = conditions.job_seconds * self.random.uniform(0.5, 1.5)
            while left > 0:
                step = min(left, conditions.rules.beat)
                self._wait(step)
                left -= step
                if not self.claims.beat(claim):
                    self.campaign.outcome.doubled += whole - left
                    raise LostClaimError
            if job in kept:
                self.campaign.outcome.doubled += whole
            self.campaign.outcome.computed[job] += 1
            kept.add(job)
            yield job
        self.holds = None

    def _wait(self, seconds: float) -> None:
        self.campaign.world.wait(seconds)
        self._alive()

    def _alive(self) -> None:
        if self.campaign.world.now >= self.dies:
            raise KilledError
