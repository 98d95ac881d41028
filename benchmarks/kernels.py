"""Seconds per kernel to reach the activation of the published loop, stage by stage, in one run on one machine.

    python -m benchmarks.kernels                                  # c3d and i3d_r50, three minutes a stage
    python -m benchmarks.kernels --published-budget 100000        # all 1500 published steps (hours)

The published loop is timed over `--timed-steps` whole steps; its time is that of a step times 1500. What it reaches is
found by as many of the 1500 steps as `--published-budget` seconds hold, without the parts on which that does not depend
(see `published_loop`); where that is fewer than 1500 it is a lower bound, and the table states the steps and what half
of them had reached. The common evaluation is the mean of the kernel's pre-activation map on a native clip, prepared as
the network's card says: of the published loop, that part of what it showed the network. Ours is the smallest number of
steps, doubled from 4, whose finished clip reaches as much; its seconds are those of the whole call divided by the
kernels, start and evaluation included.
Networks without weights at hand are taken untrained, and said to be. Rows of earlier calls are kept in the JSON and
replaced stage by stage; each stage's row is measured in one run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import describe, measured_peak, peak_memory, seconds_of
from benchmarks.published_kernels import STEPS, native_part, published_loop
from benchmarks.step import step_of
from reportgen import load_network
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.search import Search
from reportgen.errors import WeightsError
from reportgen.networks.network import Network

# Chosen for the time to a given activation, not for looks: the defaults take more and smaller steps.
FAST = {"learning_rate": 0.2, "grow": True, "early_stop": False}
MOST_STEPS = 256


@dataclass(frozen=True)
class Row:
    """One stage of one network; seconds are per kernel, memory in GiB, the rate in 1e9 multiply-adds per second."""

    model: str
    layer: str
    published_seconds_per_step: float
    published_seconds: float
    published_activation: float
    published_halfway: float
    published_steps: int
    our_steps: int
    our_activation: float
    our_seconds: float
    ratio: float
    kernels_per_hour: float
    rate: float
    share_of_peak: float
    peak_memory: float
    our_learning_rate: float = 0.2
    our_kernels: int = 4


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = arguments()
    torch.set_num_threads(options.threads)
    device = torch.device(options.device)
    machine = {**describe(device), "peak": measured_peak(device, torch.float32)}
    print(json.dumps(machine))
    rows = known_rows(options.json)
    for model in options.models:
        network, trained = loaded(model, options.device)
        print(f"{model}: {'published weights' if trained else 'untrained'}")
        for stage in network.card.stages if network.card else ():
            if not options.layers or stage.layer in options.layers:
                row = rows[model, stage.layer] = measure(network, stage.layer, options, max(machine["peak"].values()))
                print_row(row)
                if options.json:  # row by row: a run takes long and may be stopped
                    content = {"machine": machine, "rows": [asdict(row) for row in rows.values()]}
                    options.json.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def known_rows(path: Path | None) -> dict[tuple[str, str], Row]:
    """Return the rows of a JSON by model and layer; none where there is no such file."""
    if path is None or not path.exists():
        return {}
    rows = [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    return {(row.model, row.layer): row for row in rows}


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["c3d", "i3d_r50"])
    parser.add_argument("--layers", nargs="+", help="of the cards' stages; default all")
    parser.add_argument(
        "--learning-rate",
        type=float,
        default=FAST["learning_rate"],
        help="of ours; the deepest layers of an untrained network want less",
    )
    parser.add_argument("--kernels", type=int, default=4, help="that we optimise together")
    parser.add_argument("--timed-steps", type=int, default=2)
    parser.add_argument("--published-budget", type=float, default=180.0, help="seconds a stage for what it reaches")
    parser.add_argument("--kernel", type=int, default=0, help="whose activation is compared")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def loaded(model: str, device: str) -> tuple[Network, bool]:
    """Return the network, and whether it has its published weights."""
    try:
        return load_network(model, device=device), True
    except WeightsError:
        return load_network(model, untrained=True, device=device), False


def measure(network: Network, layer: str, options: argparse.Namespace, peak: float) -> Row:
    """Return the row of one stage."""
    timed = published_loop(network, layer, options.kernel, steps=options.timed_steps + 1)
    per_step = statistics.median(timed.seconds[1:])  # the first warms up
    reached = published_loop(network, layer, options.kernel, shortened=True, budget=options.published_budget)
    kernels = list(range(options.kernel, options.kernel + options.kernels))
    judge = Search(network, layer, kernels, AscentOptions())
    halfway, goal = (
        float(judge.measure(native_part(clip, judge.shape), [options.kernel])[0])
        for clip in (reached.halfway, reached.clip)
    )
    steps, activation, seconds = race(network, layer, kernels, goal, options.learning_rate)
    rate = multiply_adds_per_second(network, layer, kernels)
    return Row(
        model=network.name,
        layer=layer,
        published_seconds_per_step=per_step,
        published_seconds=per_step * STEPS,
        published_activation=goal,
        published_halfway=halfway,
        published_steps=len(reached.seconds),
        our_steps=steps,
        our_activation=activation,
        our_seconds=seconds,
        ratio=per_step * STEPS / seconds,
        kernels_per_hour=3600 / seconds,
        rate=rate,
        share_of_peak=rate / peak,
        peak_memory=peak_memory(network.device),
        our_learning_rate=options.learning_rate,
        our_kernels=len(kernels),
    )


def race(
    network: Network, layer: str, kernels: list[int], goal: float, learning_rate: float
) -> tuple[int, float, float]:
    """Return the steps, the activation of the first kernel and the seconds per kernel of the first run at the goal."""
    from reportgen import maximize_activation

    steps = 4
    while True:
        began = time.perf_counter()
        found = maximize_activation(network, layer, kernels, steps=steps, **{**FAST, "learning_rate": learning_rate})
        seconds = (time.perf_counter() - began) / len(kernels)
        activation = float(found.activations[0])
        if activation >= goal or steps >= MOST_STEPS:
            return steps, activation, seconds
        steps *= 2


def multiply_adds_per_second(network: Network, layer: str, kernels: list[int]) -> float:
    """Return the rate of one step of exploration, in 1e9 multiply-adds per second."""
    search = Search(network, layer, kernels, AscentOptions(**FAST))
    step = step_of(search, search.levels[0], kernels)
    with FlopCounterMode(display=False) as counter:
        step()
    with as_searched(network, search.levels):
        return counter.get_total_flops() / 2 / seconds_of(step, network.device) / 1e9


def print_row(row: Row) -> None:
    """Print one line of the table."""
    print(
        f"{row.model:8} {row.layer:32} published {row.published_seconds_per_step:6.2f} s/step, "
        f"{row.published_seconds / 3600:5.2f} h in all, activation {row.published_activation:9.3g} after "
        f"{row.published_steps} steps ({row.published_halfway:.3g} halfway) | "
        f"ours {row.our_activation:9.3g} after {row.our_steps} steps, "
        f"{row.our_seconds:7.2f} s a kernel, {row.kernels_per_hour:7.0f} kernels/h, {row.ratio:8.0f}x, "
        f"{100 * row.share_of_peak:3.0f}% of peak, {row.peak_memory:4.1f} GiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
