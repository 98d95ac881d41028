"""What it costs to search for kernels in chunks: `python -m benchmarks.chunks [--model NAME] [--layer NAME]`.

The kernels of a layer are searched for all at once and in chunks of some sizes, one after the other and each size
twice in turn; printed are processor seconds for a kernel, and over those of all at once.
"""

from __future__ import annotations

import argparse
import time

import torch

from reportgen.analyses.kernels.analysis import ascent_options
from reportgen.analyses.kernels.maximize import maximize_with
from reportgen.analyses.registry import find_method
from reportgen.networks.core.network import Network
from reportgen.networks.speed.precision import full_precision
from reportgen.networks.speed.reused_memory import reused_memory
from reportgen.zoo.load import load_network

ROUNDS = 2


def seconds_each(network: Network, layer: str, kernels: list[int], size: int, steps: int) -> float:
    """Return the processor seconds of a kernel where so many are searched for together."""
    parameters = find_method("kernels").preset("quick").model_copy(update={"steps": steps})
    started = time.process_time()
    for first in range(0, len(kernels), size):
        options = ascent_options(parameters, "firing", 0)
        for _ in maximize_with(network, layer, kernels[first : first + size], options):
            pass
    return (time.process_time() - started) / len(kernels)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="texture_motion")
    parser.add_argument("--layer", default="res1.conv1")
    parser.add_argument("--kernels", type=int, default=24)
    parser.add_argument("--steps", type=int, default=32)
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 8, 12])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    network = load_network(asked.model, untrained=asked.model != "texture_motion")
    kernels = list(range(asked.kernels))
    sizes = [asked.kernels, *asked.sizes]
    with reused_memory(), full_precision():
        seconds_each(network, asked.layer, kernels[:2], 2, 8)  # what only the first search takes
        found: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in range(ROUNDS):
            for size in sizes:
                found[size].append(seconds_each(network, asked.layer, kernels, size, asked.steps))
    whole = min(found[asked.kernels])
    for size in sizes:
        print(f"{asked.layer}, chunks of {size}: {min(found[size]):.3f} s a kernel, {min(found[size]) / whole:.2f}x")


if __name__ == "__main__":
    main()
