"""Seconds per filter of multi-scale growth against the VGG-16 article's loop, in one run on one machine.

    python -m benchmarks.multiscale --json FILE            # VGG-16-BN, untrained, layer 40, 4 filters: long on a CPU
    python -m benchmarks.multiscale --filters 12 16 --loop-steps 4 --json FILE

At the published schedule a step costs the same whichever of the 20 it is: the loop is timed over `--loop-steps` at each
of the twelve sizes, ours over one step of all filters at each, and both are charged 20. Our own search, the method
`kernels`, is charged a whole call of the fewest steps, doubled from 4, that reach on a clip of the network's own size
what the loop reached by its steps (of its picture, the middle part); the loop is then charged those steps. Seconds of a
CPU are those that the process had of it, of all threads, so that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import get_args

import torch
from torch import Tensor

from benchmarks.kernels import MOST_STEPS
from benchmarks.machine import describe, seconds_spent
from benchmarks.published_scales import SIDES, STEPS, PublishedGrowth, published_growth
from reportgen import load_network, maximize_activation
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.kernels.parameters import Precision
from reportgen.analyses.multiscale.growing import Grower
from reportgen.analyses.multiscale.options import GrowthOptions
from reportgen.networks.core.network import Network


def main() -> None:
    """Measure, print the figures, write the JSON."""
    options = arguments()
    torch.set_num_threads(options.threads)
    network = load_network(options.model, untrained=True, device=options.device)
    machine = describe(network.device)
    print(json.dumps(machine), flush=True)
    figures = measure(network, options)
    for name, value in figures.items():
        print(f"{name}: {value}")
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, **figures}, indent=1) + "\n", encoding="utf-8")


def arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="vgg16_bn")
    parser.add_argument("--layer", default="features.40")
    parser.add_argument("--filters", type=int, nargs="+", default=[12, 16, 86, 110])
    parser.add_argument("--loop-steps", type=int, default=STEPS, help="that the loop takes at each size")
    parser.add_argument("--precision", choices=get_args(Precision), default="auto", help="of our steps")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    return parser.parse_args()


def measure(network: Network, options: argparse.Namespace) -> dict[str, object]:
    """Return all figures by name."""
    filters, layer = options.filters, options.layer
    grower = Grower(network, layer, filters, GrowthOptions(steps=1, precision=options.precision))
    ours = schedule_seconds(grower)
    print(f"published schedule, ours: {ours:.0f} s a filter", flush=True)
    loop = published_growth(network.module, layer, filters[0], steps=options.loop_steps)
    whole, taken = loop.seconds_of(STEPS), loop.seconds_of(options.loop_steps)
    print(f"published schedule, the loop: {whole:.0f} s a filter", flush=True)
    goal = reached(grower, loop, filters[0])
    steps, activation, search = race(network, layer, filters, goal, options.precision)
    return {
        "model": f"{network.name}, untrained",
        "layer": layer,
        "filters": filters,
        "sizes": list(SIDES),
        "our_steps_in_bfloat16": grower.mixed,
        "loop_seconds_per_filter": round(whole, 1),
        "ours_seconds_per_filter": round(ours, 1),
        "ratio_at_published_schedule": round(whole / ours, 2),
        "loop_steps": options.loop_steps,
        "loop_activation": goal,
        "loop_seconds_to_it": round(taken, 1),
        "search_steps": steps,
        "search_activation": activation,
        "search_seconds_per_filter": round(search, 1),
        "ratio_at_equal_activation": round(taken / search, 1),
    }


def schedule_seconds(grower: Grower) -> float:
    """Return our seconds of a filter with all steps at all sizes, as many filters at once as memory holds."""
    kernels, device, spent = grower.kernels, grower.network.device, 0.0
    with as_searched(grower.network, reduced_precision=grower.mixed):
        for shape in grower.shapes:
            slots = min(len(kernels), grower.slots(shape))
            pixels = torch.rand(slots, 3, *shape, generator=torch.Generator().manual_seed(0)).to(device)
            began = seconds_spent(device)
            grower.settle_precision(shape, slots)
            checked = seconds_spent(device)
            grower.climb(pixels, kernels[:slots], shape)
            spent += (checked - began) / len(kernels) + (seconds_spent(device) - checked) / slots * STEPS
    return spent


def reached(grower: Grower, found: PublishedGrowth, kernel: int) -> float:
    """Return what the loop's picture reaches on a clip of the network's own size, its middle part."""
    clip: Tensor = grower.native_clip(found.picture[0].unsqueeze(1).cpu())[0]
    return grower.measure(grower.target, clip[None], [kernel])[0]


def race(
    network: Network, layer: str, filters: list[int], goal: float, precision: Precision
) -> tuple[int, float, float]:
    """Return steps, activation of the first filter and seconds per filter of the first search that reaches the goal."""
    steps = 4
    while True:
        began = seconds_spent(network.device)
        found = maximize_activation(
            network,
            layer,
            filters,
            steps=steps,
            learning_rate=0.2,
            grow=True,
            early_stop=False,
            precision=precision,
        )
        seconds = (seconds_spent(network.device) - began) / len(filters)
        activation = float(found.activations[0])
        print(f"search: {steps} steps, {activation:.4g} of {goal:.4g}, {seconds:.0f} s a filter", flush=True)
        if activation >= goal or steps >= MOST_STEPS:
            return steps, activation, seconds
        steps *= 2


if __name__ == "__main__":
    main()
