"""Seconds per kernel to reach the activation of the published loop, stage by stage, in one run on one machine.

    python -m benchmarks.kernels                                  # c3d and i3d_r50, three minutes a stage
    python -m benchmarks.kernels --published-budget 100000        # all 1500 published steps (hours)
    python -m benchmarks.kernels --courses FILE --threads 1       # only timed: what the loop reaches is that of a JSON
    python -m benchmarks.kernels --table FILE                     # the table of a JSON, nothing measured

What is compared, and what each side is charged, is said in `benchmarks.kernel_rows`. The published loop is timed over
`--timed-steps` whole steps. What it reaches is found by as many of its 1500 steps as `--published-budget` seconds hold,
without the parts on which that does not depend (see `published_loop`), and looked at some sixteen times on the way. The
common evaluation is the mean of the kernel's pre-activation map on a native clip, prepared as the network's card says:
of the published loop, that part of what it showed the network. What the loop reaches in how many steps depends on the
network and no machine, so that `--courses` may take it from an earlier JSON. Seconds are the wall's, and with one
thread those of the processor, which other work on the machine changes less. Beside a row stands the ratio that the
roofline allows: multiply-adds and bytes of our steps, counted, at the peak and bandwidth of all threads, measured.
Networks without weights at hand are taken untrained, and said to be. Rows of earlier calls are kept in the JSON and
replaced stage by stage; each stage's row is measured in one run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.arrival import soonest
from benchmarks.kernel_rows import Row, Work, check_machine, read_rows, table, write_rows
from benchmarks.machine import clock, describe, measured_peak, peak_memory, seconds_of
from benchmarks.published_kernels import Published, native_part, published_loop
from benchmarks.roofline import Traffic, bandwidth, peak
from benchmarks.step import step_of
from reportgen import load_network
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.schedules import Level
from reportgen.analyses.kernels.search import Search
from reportgen.errors import WeightsError
from reportgen.networks.core.network import Network, no_weight_gradients

# Chosen for the time to a given activation, not for looks: the defaults take more and smaller steps.
FAST: dict[str, Any] = {"learning_rate": 0.2, "grow": True, "early_stop": False}
MOST_STEPS = 256


def main() -> None:
    """Measure, print the table, write the JSON."""
    options = arguments()
    rows, known = read_rows(options.table or options.json), read_rows(options.courses)
    if options.table:
        print(table(rows.values()))
        return
    torch.set_num_threads(options.threads)
    machine = describe(torch.device(options.device))
    check_machine(options.json, machine)
    print(json.dumps(machine))
    for model in options.models:
        network, trained = loaded(model, options.device)
        print(f"{model}: {'published weights' if trained else 'untrained'}")
        for stage in network.card.stages if network.card else ():
            if not options.layers or stage.layer in options.layers:
                row = rows[model, stage.layer] = measure(network, stage.layer, options, known.get((model, stage.layer)))
                print(table([row]), flush=True)
                if options.json:  # row by row: a run takes long and may be stopped
                    write_rows(options.json, machine, rows.values())


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
    parser.add_argument("--courses", type=Path, help="a JSON that tells what the published loop reaches")
    parser.add_argument("--steps", type=int, default=4, help="of ours to begin with; doubled until it has arrived")
    parser.add_argument("--kernel", type=int, default=0, help="whose activation is compared")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--table", type=Path, help="a JSON whose table is printed; nothing is measured")
    return parser.parse_args()


def loaded(model: str, device: str) -> tuple[Network, bool]:
    """Return the network, and whether it has its published weights."""
    try:
        return load_network(model, device=device), True
    except WeightsError:
        return load_network(model, untrained=True, device=device), False


def measure(network: Network, layer: str, options: argparse.Namespace, known: Row | None = None) -> Row:
    """Return the row of one stage; a `known` one tells what the published loop reaches."""
    timed = published_loop(network, layer, options.kernel, steps=options.timed_steps + 1)
    per_step = statistics.median(timed.seconds[1:])  # the first warms up
    kernels = list(range(options.kernel, options.kernel + options.kernels))
    if known is None:
        found = published_loop(network, layer, options.kernel, shortened=True, budget=options.published_budget)
        course = judged(Search(network, layer, kernels, AscentOptions()), found, options.kernel)
    else:
        course = known.published_course
    goal = max(activation for _, activation in course)
    steps, activation, seconds = race(network, layer, kernels, goal, options.learning_rate, options.steps)
    fast = {**FAST, "learning_rate": options.learning_rate}
    arrived = soonest(network, layer, kernels, goal, fast, MOST_STEPS)
    rate, precision = exploration(network, layer, kernels)
    return Row(
        model=network.name,
        layer=layer,
        published_seconds_per_step=per_step,
        published_course=course,
        our_steps=steps,
        our_activation=activation,
        our_seconds=seconds,
        our_learning_rate=options.learning_rate,
        our_kernels=len(kernels),
        precision=str(precision).removeprefix("torch."),
        rate=rate,
        peak=max(measured_peak(network.device, precision).values()),
        peak_memory=peak_memory(network.device),
        work=work_of(network, layer, kernels, arrived.taken) if arrived and network.device.type == "cpu" else (),
        steps_asked=None if arrived is None else arrived.steps,
        arrival_activation=None if arrived is None else arrived.activation,
        arrival_seconds=None if arrived is None else arrived.seconds,
    )


def judged(judge: Search, found: Published, kernel: int) -> tuple[tuple[int, float], ...]:
    """Return the steps at which the published loop was looked at, with the activation of its clip then."""
    return tuple(
        (steps, float(judge.scoring.measure(native_part(found.seen(steps), judge.shape), [kernel])[0]))
        for steps in found.looked_at
    )


def race(
    network: Network, layer: str, kernels: list[int], goal: float, learning_rate: float, steps: int = 4
) -> tuple[int, float, float]:
    """Return the steps, the activation of the first kernel and the seconds per kernel of the first run at the goal."""
    from reportgen import maximize_activation

    maximize_activation(network, layer, kernels[:1], steps=1)  # what a process loads once is no part of a call
    while True:
        began = clock(network.device)
        found = maximize_activation(network, layer, kernels, steps=steps, **{**FAST, "learning_rate": learning_rate})
        seconds = (clock(network.device) - began) / len(kernels)
        activation = float(found.activations[0])
        if activation >= goal or steps >= MOST_STEPS:
            return steps, activation, seconds
        steps *= 2


def exploration(network: Network, layer: str, kernels: list[int]) -> tuple[float, torch.dtype]:
    """Return the rate of one step of exploration, in 1e9 multiply-adds per second, and its precision."""
    search = Search(network, layer, kernels, AscentOptions(**FAST))
    step = step_of(search, search.levels[0], kernels)
    with FlopCounterMode(display=False) as counter:
        step()
    with no_weight_gradients(network):
        search.quicken()
    with as_searched(network, search.levels):
        rate = counter.get_total_flops() / 2 / seconds_of(step, network.device) / 1e9
    return rate, torch.bfloat16 if search.levels[0].reduced_precision else torch.float32


def work_of(network: Network, layer: str, kernels: list[int], taken: Sequence[tuple[Level, int]]) -> tuple[Work, ...]:
    """Return what so many of our steps of each level ask of a CPU for one kernel.

    Multiply-adds are counted on the network itself, traffic where the steps are taken: on its quick copy, if it has
    one.
    """
    search = Search(network, layer, kernels, AscentOptions(**FAST))
    each = [(level, count, step_of(search, level, kernels)) for level, count in taken]
    sums = []
    for _, _, step in each:
        with FlopCounterMode(display=False) as counter:
            step()
        sums.append(counter.get_total_flops() / 2e9)
    with no_weight_gradients(network):
        search.quicken()
    timed = partial(seconds_of, device=network.device)
    found, there = [], bandwidth(timed)
    with as_searched(network, search.levels):
        for (level, count, step), multiply_adds in zip(each, sums, strict=True):
            with Traffic() as traffic:
                step()
            share = count / len(kernels)
            most = peak(torch.bfloat16 if level.reduced_precision else torch.float32, timed)
            found.append(Work(multiply_adds * share, traffic.bytes / 1e9 * share, most, there))
    return tuple(found)


if __name__ == "__main__":
    main()
