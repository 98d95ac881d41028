"""Kernels per hour against batch size, canvas size and layer depth; the growth stated as an exponent.

    python -m benchmarks.scaling
    python -m benchmarks.scaling --model i3d_r50 --device cuda

A kernel is 64 steps of exploration at the stated size. The exponent is the slope of log(seconds per kernel and step)
over log(size), by least squares: 0 for what costs the same, 1 for what costs in proportion.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from benchmarks.kernels import loaded
from benchmarks.machine import describe, peak_memory, seconds_of
from benchmarks.step import step_of
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.search import Search
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.preactivation import native_shape

STEPS = 64


@dataclass(frozen=True)
class Row:
    """`seconds` are per kernel and step; memory is the most so far, in GiB."""

    varied: str
    layer: str
    size: float
    seconds: float
    kernels_per_hour: float
    peak_memory: float


def main() -> None:
    """Measure, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="texture_motion")
    parser.add_argument("--layer", help="for batch and canvas; default the middle stage of the card")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--canvases", type=float, nargs="+", default=[0.5, 0.75, 1.0, 1.5], help="of the native side")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    network, trained = loaded(options.model, options.device)
    stages = [stage.layer for stage in network.card.stages] if network.card else []
    layer = options.layer or stages[len(stages) // 2]
    machine = {**describe(network.device), "model": options.model, "trained": trained}
    print(json.dumps(machine))
    native = native_shape(network)
    sides = {
        side: (native[0], round(side * native[1] / 8) * 8, round(side * native[2] / 8) * 8) for side in options.canvases
    }
    tables = {
        "batch size (kernels)": [(layer, batch, native, batch) for batch in options.batches],
        "canvas (voxels)": [(layer, math.prod(shape), shape, 4) for shape in sides.values()],
        "depth (stage)": [(stage, index + 1, native, 4) for index, stage in enumerate(stages)],
    }
    rows = [row for varied, cases in tables.items() for row in table(network, varied, cases)]
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}, indent=2) + "\n", encoding="utf-8"
        )


def table(network: Network, varied: str, cases: Sequence[tuple[str, float, tuple[int, int, int], int]]) -> list[Row]:
    """Return and print one row per case: layer, size, clip shape, batch."""
    rows = []
    for layer, size, shape, batch in cases:
        seconds = seconds_per_step(network, layer, shape, batch) / batch
        rows.append(Row(varied, layer, size, seconds, 3600 / (seconds * STEPS), peak_memory(network.device)))
        print(
            f"{varied:22} {size:10.0f} {layer:28} {1000 * seconds:8.1f} ms a kernel and step, "
            f"{rows[-1].kernels_per_hour:8.0f} kernels/h, {rows[-1].peak_memory:.1f} GiB",
            flush=True,
        )
    if not varied.startswith("depth"):
        print(f"{varied:22} seconds grow with the power {exponent(rows):.2f}")
    return rows


def seconds_per_step(network: Network, layer: str, shape: tuple[int, int, int], batch: int) -> float:
    """Return the seconds of one step, forward and back, with `batch` kernels on clips of `shape`."""
    search = Search(network, layer, [0], AscentOptions(clip_shape=shape))
    step = step_of(search, search.levels[0], [0] * batch)
    with as_searched(network, search.levels):
        return seconds_of(step, network.device)


def exponent(rows: Sequence[Row]) -> float:
    """Return the least-squares slope of log seconds over log size."""
    x = [math.log(row.size) for row in rows]
    y = [math.log(row.seconds) for row in rows]
    x_mean, y_mean = sum(x) / len(x), sum(y) / len(y)
    spread = sum((value - x_mean) ** 2 for value in x)
    return sum((a - x_mean) * (b - y_mean) for a, b in zip(x, y, strict=True)) / spread


if __name__ == "__main__":
    main()
