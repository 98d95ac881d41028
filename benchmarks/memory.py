"""What keeping freed memory is worth: the same step with and without `reused_memory`, in turn, on one machine.

    python -m benchmarks.memory
    python -m benchmarks.memory --models i3d_r50 --rounds 3

A step is that of stage 1 on four native clips, forward and back, for the first and the middle stage of a card. Each
measurement has a process of its own, so that its most memory is its own; `system` is the share of the processor time
that the system took.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

import torch

from benchmarks.kernels import loaded
from benchmarks.machine import describe, peak_memory
from benchmarks.step import step_of
from reportgen.analyses.kernels import maximize
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.search import Search

KERNELS = 4
SECONDS = 8.0


@dataclass(frozen=True)
class Measured:
    """Seconds a step, the share of the processor time that the system took, and the most memory in GiB."""

    seconds: float
    system: float
    memory: float


@dataclass(frozen=True)
class Row:
    """Medians over the rounds, of a step with memory given back as usual and with memory kept."""

    model: str
    layer: str
    usual: Measured
    kept: Measured
    ratio: float


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["texture_motion", "c3d", "i3d_r50"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--one", nargs=3, metavar=("MODEL", "LAYER", "HOW"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.one:
        print(json.dumps(asdict(measured(*options.one))))
        return
    machine = describe(torch.device("cpu"))
    print(json.dumps(machine))
    rows = [row(model, layer, options) for model in options.models for layer in two_stages(model)]
    if options.json:
        content = {"machine": machine, "rows": [asdict(one) for one in rows]}
        options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def two_stages(model: str) -> list[str]:
    """Return the layers of a card's first and middle stage."""
    network, _ = loaded(model, "cpu")
    stages = [stage.layer for stage in network.card.stages] if network.card else []
    return [stages[0], stages[len(stages) // 2]]


def row(model: str, layer: str, options: argparse.Namespace) -> Row:
    """Measure one layer both ways in turn; print and return its row."""
    found: dict[str, list[Measured]] = {"usual": [], "kept": []}
    for _ in range(options.rounds):
        for how, results in found.items():
            arguments = ["--one", model, layer, how, "--threads", str(options.threads)]
            said = subprocess.run(
                [sys.executable, "-m", "benchmarks.memory", *arguments], check=True, capture_output=True, text=True
            )
            results.append(Measured(**json.loads(said.stdout)))
    usual, kept = (median(results) for results in found.values())
    result = Row(model, layer, usual, kept, usual.seconds / kept.seconds)
    figures = [
        f"{name} {1000 * one.seconds:7.0f} ms, {one.system:3.0%} system, {one.memory:.2f} GiB"
        for name, one in (("usual", usual), ("kept", kept))
    ]
    print(f"{model:14} {layer:28} {' | '.join(figures)} | {result.ratio:.2f}x", flush=True)
    return result


def median(results: list[Measured]) -> Measured:
    """Return the median of each figure."""
    return Measured(*(statistics.median(getattr(one, name) for one in results) for name in asdict(results[0])))


def measured(model: str, layer: str, how: str) -> Measured:
    """Take steps for some seconds, `how` "usual" or "kept"."""
    network, _ = loaded(model, "cpu")
    kernels = list(range(KERNELS))
    search = Search(network, layer, kernels, AscentOptions())
    step = step_of(search, search.levels[-1], kernels)
    # Only what this measures is left out of the context in which a search runs.
    usual = mock.patch.object(maximize, "reused_memory", nullcontext)
    with usual if how == "usual" else nullcontext(), maximize.as_searched(network, search.levels):
        step()
        before, began, steps = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter(), 0
        while steps < 2 or time.perf_counter() - began < SECONDS:
            step()
            steps += 1
        seconds = (time.perf_counter() - began) / steps
        after = resource.getrusage(resource.RUSAGE_SELF)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return Measured(seconds, system / (user + system), peak_memory(network.device))


if __name__ == "__main__":
    main()
