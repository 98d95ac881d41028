"""Simulate campaigns of growing size and print what claims cost: ``python -m benchmarks.campaign [--most 100000]``.

Each line is one campaign under one kind of conditions: the share of the work that was done twice, how long a dead
worker's chunk waited for another one, operations on the shared folder per job, and the time over that of workers that
lose nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.campaign.simulation import Campaign, Conditions, Outcome
from reportgen.runner.claims.claims import Claims
from reportgen.runner.claims.files import ClaimFolder
from reportgen.runner.claims.queue import FEW, ChunkQueue, QueuedChunk

MANY = 2_000
SIZES = ((1_000, 8), (10_000, 64), (100_000, 512))
CALM = Conditions(stalls=0.0, mean_life=1e9, freezes=0.0, clock_rate=0.0)
KINDS = {
    "calm": CALM,
    "deaths": replace(CALM, mean_life=3600.0),
    "slow disk": replace(CALM, latency=0.05, stalls=0.005),
    "odd clocks, suspended processes": replace(CALM, clock_rate=0.2, freezes=0.01),
    "all together": replace(Conditions(), mean_life=3600.0, latency=0.02, freezes=0.005, clock_rate=0.1),
}


def figures(outcome: Outcome) -> dict[str, float | int]:
    """Return what is told of a campaign."""
    jobs = outcome.conditions.jobs
    found = {
        "jobs": jobs,
        "workers": outcome.conditions.workers,
        "deaths": outcome.deaths,
        "work done twice": outcome.duplicates,
        "jobs lost": jobs - len(outcome.computed.keys() | outcome.given_up),
        "jobs given up": len(outcome.given_up),
        "over the ideal time": outcome.ended / outcome.ideal - 1,
        "operations per job": sum(outcome.operations.values()) / jobs,
    }
    found |= {f"{name} per job": count / jobs for name, count in sorted(outcome.operations.items())}
    if outcome.recoveries:
        found["recovery, median s"] = statistics.median(outcome.recoveries)
        found["recovery, longest s"] = max(outcome.recoveries)
    return found


def milliseconds_of_a_claim(chunks: int) -> float:
    """Return what it takes to find, take, tell of and end one of so many chunks in a folder of this disk."""
    with tempfile.TemporaryDirectory() as folder:
        claims = Claims(ClaimFolder(Path(folder), "claims"), "benchmark", time.monotonic)
        queue = ChunkQueue(claims, [QueuedChunk(f"kernels/{n}") for n in range(chunks)], wait=time.sleep, seed=0)
        started = time.perf_counter()
        while (claim := queue.next()) is not None:
            claims.begin(claim, "a job")
            claims.end(claim)
            queue.finished(claim)
        return (time.perf_counter() - started) / chunks * 1e3


def main() -> None:
    """Simulate, print, and keep the figures where a file is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=100_000, help="Jobs of the largest campaign.")
    parser.add_argument("--results", type=Path, help="File to keep the figures in, a line of JSON each.")
    asked = parser.parse_args()
    for chunks in (FEW, MANY):
        took = milliseconds_of_a_claim(chunks)
        print(f"a chunk's claim on this disk, of {chunks:,} and no other work beside: {took:.2f} ms")
    lines = []
    for jobs, workers in SIZES:
        if jobs > asked.most:
            continue
        for kind, conditions in KINDS.items():
            started = time.perf_counter()
            outcome = Campaign(replace(conditions, jobs=jobs, workers=workers)).run()
            found = {"conditions": kind, **figures(outcome)}
            lines.append(json.dumps(found))
            shown = ", ".join(f"{name} {value:.3g}" for name, value in figures(outcome).items())
            print(f"{kind}: {shown} ({time.perf_counter() - started:.0f} s to simulate)", flush=True)
    if asked.results:
        asked.results.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
