"""How fast class pyramids are, against the published procedure in the same run.

    python -m benchmarks.pyramids --models resnet3d_50 mfnet --theta 0.6 --cap 60 --json pyramids.json

Reported for each network, with random weights from a seed, at its native clip, in ms (on a CPU processor time of all
threads, which other work on the machine does not lengthen; with --threads 1 what an idle machine takes):

- `graph`: deriving the connection graph (once for a network), `pass`: one forward and backward pass with what is
  measured in them, `step`: stepping back by attribution, apart from the passes, `edges` kept and edges per ms; for
  the given depth and for the whole network.
- `published`: stepping back by the mended published scoring, each kernel once, apart from the forward pass; `tree`:
  our own re-implementation of the published procedure at the same theta, which pools the whole input of a layer anew
  for each kernel that it visits and walks a tree, so that it visits a kernel once for each path to the class. It is
  stopped after `--cap` seconds (`tree ends` says whether it was done); `tree kernels` is how many kernels the tree
  holds that it must visit, `tree visited` how many it did. Both keep the same kernels, which is checked where the tree
  walk ends (`tree agrees`; one that was stopped must have kept no others). `extrapolated` is the whole walk's time by
  the kernels left, `faster` its ratio to ours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from benchmarks.machine import describe, synchronize
from reportgen.analyses.pyramid.asked import ClassReach, class_kernels, to_depth
from reportgen.analyses.pyramid.class_pyramid import measure_pyramid
from reportgen.analyses.pyramid.measure import Measurement, measure_relevance
from reportgen.analyses.pyramid.products import as_kernels
from reportgen.analyses.pyramid.published import normalised_scores, step_back_by_scores
from reportgen.analyses.pyramid.select import KeepRule, walk
from reportgen.networks.core.network import Network
from reportgen.networks.trace.build import class_output, connection_graph
from reportgen.networks.trace.graph import ConnectionGraph, KernelLayer
from reportgen.zoo.load import load_network

MODELS = ("resnet3d_50", "resnet3d_101", "resnet3d_152", "resnext3d_101", "mfnet", "i3d_inception", "i3d_r50")


@dataclass
class Row:
    """One network at one depth; times in ms."""

    model: str
    depth: str
    graph: float
    forward_backward: float
    step: float
    kernels: int
    edges: int
    edges_per_ms: float
    published: float | None = None
    published_kernels: int | None = None
    tree: float | None = None
    tree_kernels: int | None = None
    tree_visited: int | None = None
    tree_ends: bool | None = None
    tree_agrees: bool | None = None
    extrapolated: float | None = None
    faster: float | None = None


class Clock:
    """Times calls in ms: processor time on a CPU; on another device the clock's, waiting for the device."""

    def __init__(self, device: torch.device, repeats: int) -> None:
        self.device, self.repeats = device, repeats

    def once(self, call: Callable[[], Any]) -> tuple[float, Any]:
        """Return the time of one call and what it returned."""
        clock = time.process_time if self.device.type == "cpu" else time.perf_counter
        synchronize(self.device)
        start = clock()
        result = call()
        synchronize(self.device)
        return 1e3 * (clock() - start), result

    def median(self, call: Callable[[], Any]) -> tuple[float, Any]:
        """Return the median time of some calls and what the last returned."""
        timed = [self.once(call) for _ in range(self.repeats)]
        return statistics.median(seconds for seconds, _ in timed), timed[-1][1]


class TreeWalk:
    """The published procedure with its tree walk, on a network's layer inputs, with the scores' sign mended."""

    def __init__(
        self, graph: ConnectionGraph, measured: Measurement, inputs: dict[str, Tensor], reached: Any, theta: float
    ) -> None:
        self.graph, self.measured, self.inputs, self.theta = graph, measured, inputs, theta
        self.reached = reached
        self.visited = 0
        self.kept: set[int] = set()

    def run(self, starts: list[int], deadline: float) -> bool:
        """Walk from the class; return whether the walk ended before the deadline."""
        return all(self._visit(number, deadline) for number in starts)

    def _visit(self, number: int, deadline: float) -> bool:
        position = int(self.graph.layer_of(np.array([number]))[0])
        layer = self.graph.layers[position]
        sources = self._fed_by(layer, number - layer.offset, self.reached[position] == 0)
        for source in sources:
            if time.perf_counter() > deadline:
                return False
            place = int(self.graph.layer_of(np.array([source]))[0])
            if self.reached[place] < 0 or self.graph.layers[place].kind == "input":
                continue
            self.kept.add(source)
            if self._goes_on(place) and not self._visit(source, deadline):
                return False
        return True

    def _goes_on(self, place: int) -> bool:
        return any(self.reached[p] >= 0 and self.graph.layers[p].kernels for p in self.graph.feeding[place])

    def _fed_by(self, layer: KernelLayer, index: int, classes: bool) -> list[int]:
        self.visited += 1
        weight = self.measured.layers[layer.name].weights[0]
        kernel = as_kernels(layer, weight, np.array([index]))[0].mean(-1)
        group = index // (layer.size // layer.groups)
        first = group * len(kernel)
        if not classes:
            maps = self.inputs[layer.name]
            pooled = F.avg_pool3d(maps, maps.shape[1:]).flatten()
            kernel = kernel * pooled[first : first + len(kernel)]
        scores = kernel / kernel.abs().sum()
        low, span = scores.min(), scores.max() - scores.min()
        normalised = torch.where(span > 0, (scores - low) / span, (scores[0] > 0).to(scores))
        over = [first + j for j, score in enumerate(normalised.tolist()) if score >= self.theta and score > 0]
        return [int(s) for j in over for s in layer.inputs[:, j] if s >= 0]


def layer_inputs(network: Network, clip: Tensor, layers: list[str]) -> dict[str, Tensor]:
    """Return what each layer reads, as the published code keeps it."""
    found: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[[Any, tuple[Tensor, ...]], None]:
        return lambda _, args: found.__setitem__(name, args[0][0].reshape(args[0].shape[1], *args[0].shape[2:]).clone())

    hooks = [network.module.get_submodule(name).register_forward_pre_hook(keep(name)) for name in layers]
    with torch.no_grad():
        class_output(network, clip)
    for hook in hooks:
        hook.remove()
    return found


def tree_size(found: Any, starts: list[int], visits: Any) -> int:
    """Return how many kernels a tree walk over the kept edges scores the inputs of, each path counted."""
    paths: dict[int, int] = dict.fromkeys(starts, 1)
    order = np.argsort(-found.targets.astype(np.int64), kind="stable")
    for source, target in zip(found.sources[order].tolist(), found.targets[order].tolist(), strict=True):
        paths[source] = paths.get(source, 0) + paths.get(target, 0)
    return sum(count for number, count in paths.items() if visits[number])


def benchmark(name: str, depth: int | None, theta: float | None, cap: float, device: str, repeats: int) -> Row:
    """Measure one network at one depth."""
    network = load_network(name, untrained=True, device=device)
    assert network.card is not None
    clip = torch.rand((1, *network.card.clip.shape), generator=torch.Generator().manual_seed(0)).to(network.device)
    clock = Clock(network.device, repeats)
    graph_ms, graph = clock.once(lambda: connection_graph(network, tuple(clip.shape)))
    reach = ClassReach.of(graph, depth, name)
    measure_pyramid(network, clip, None, reach)  # the first pass of a process allocates what the next ones use again
    pass_ms, (measured, _) = clock.once(lambda: measure_pyramid(network, clip, None, reach))
    index = measured.class_index
    starts = class_kernels(graph, index, name)
    reached = to_depth(graph.depths(starts), depth)
    step_ms, found = clock.median(lambda: walk(graph, reached, starts, measured, KeepRule()))
    row = Row(
        name,
        "all" if depth is None else str(depth),
        graph_ms,
        pass_ms,
        step_ms,
        int(found.kept.sum()),
        found.edge_total,
        found.edge_total / step_ms,
    )
    if theta is not None and depth is not None:
        del measured
        _published(row, network, clip, index, graph, reached, starts, theta, cap, clock)
    return row


def _published(
    row: Row,
    network: Network,
    clip: Tensor,
    index: int,
    graph: ConnectionGraph,
    reached: Any,
    starts: Any,
    theta: float,
    cap: float,
    clock: Clock,
) -> None:
    inside = [layer.name for p, layer in enumerate(graph.layers) if reached[p] >= 0 and layer.kernels]
    measured = measure_relevance(network, clip, index, graph, forward=inside, input_means=True)

    def scorer(layer: KernelLayer, rows: Any, classes: bool) -> Any:
        return normalised_scores(layer, measured.layers[layer.name], rows, classes=classes)

    selection = KeepRule(threshold=theta)
    row.published, found = clock.median(
        lambda: step_back_by_scores(graph, reached, starts, measured, selection, scorer)
    )
    row.published_kernels = int(found.kept.sum())
    visits = np.zeros(graph.size, bool)
    for position, layer in enumerate(graph.layers):
        inner = any(reached[p] >= 0 and graph.layers[p].kernels for p in graph.feeding[position])
        visits[layer.offset : layer.offset + layer.size] = reached[position] >= 0 and inner
    row.tree_kernels = tree_size(found, starts.tolist(), visits)
    walked = [name for name in inside if graph.positions[name] != graph.layer_of(starts)[0]]
    inputs = layer_inputs(network, clip, walked)
    tree = TreeWalk(graph, measured, inputs, reached, theta)
    row.tree, row.tree_ends = clock.once(lambda: tree.run(starts.tolist(), time.perf_counter() + cap))
    row.tree_visited = tree.visited
    row.extrapolated = row.tree * row.tree_kernels / tree.visited
    row.faster = row.extrapolated / row.published
    by_tree, by_graph = tree.kept | set(starts.tolist()), set(np.flatnonzero(found.kept).tolist())
    row.tree_agrees = by_tree == by_graph if row.tree_ends else by_tree <= by_graph


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    head = list(asdict(rows[0]))
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for row in rows:
        cells = [f"{v:.2f}" if isinstance(v, float) else "" if v is None else str(v) for v in asdict(row).values()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description="Times class pyramids against the published procedure.")
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--depth", type=int, default=3)
    parser.add_argument("--theta", type=float, default=0.6)
    parser.add_argument("--cap", type=float, default=60.0, help="seconds after which the tree walk is stopped")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--whole", action="store_true", help="measure the whole network as well")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    machine = describe(torch.device(options.device))
    rows = []
    for name in options.models:
        for depth in (options.depth, None) if options.whole else (options.depth,):
            rows.append(benchmark(name, depth, options.theta, options.cap, options.device, options.repeats))
            print(table(rows[-1:]), flush=True)
            if options.json:
                content = {"machine": machine, "theta": options.theta, "rows": [asdict(row) for row in rows]}
                options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
