"""What the saliency of one native clip costs, map and checks, method by method.

    python -m benchmarks.saliency --model i3d --json benchmarks/results/saliency-i3d.json

A seeded clip on the seeded, untrained network (cost does not depend on what was learned), at a preset, by every
attribution method (or `--methods`). Per method, for its map and for the checks of it:

- `cpu`: processor seconds of all threads, which other work on the machine does not lengthen (half of it is the time
  on two idle cores); `wall`: seconds by the clock
- `passes`: clips that went through the network; most of a map's come back as well
- `peak`: the most memory that the process held meanwhile, in GiB (on a GPU, the device's)

The row `random maps` is what all maps of the clip and class share: the curves of random maps and of hidden parts, the
insertion and deletion of every map, whose passes are made together, the copies of the network with shuffled weights
and every map of these, and the quick copies of all.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from rich.console import Console
from torch import Tensor, nn

from benchmarks.machine import describe, peak_memory, synchronize
from reportgen.analyses.base import Arrays, Subject, Unit
from reportgen.analyses.common.baselines import blurred, make_baseline
from reportgen.analyses.faithfulness.analysis import FaithfulnessAnalysis, MapChecks
from reportgen.analyses.faithfulness.parameters import FaithfulnessParameters
from reportgen.analyses.method import PresetName
from reportgen.analyses.saliency.analysis import SaliencyAnalysis
from reportgen.analyses.saliency.attribution import METHODS
from reportgen.analyses.saliency.parameters import SaliencyParameters
from reportgen.cli.terminal import terminal_progress
from reportgen.clips import Clip
from reportgen.config.options import BuildOptions
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.layers import describe_layers
from reportgen.networks.speed.quick_copy import quick_copy
from reportgen.progress import Progress
from reportgen.records.figures import HeatFigure, Result
from reportgen.records.targets import Target
from reportgen.zoo.load import load_network

_CLEAR_PEAK = Path("/proc/self/clear_refs")


@dataclass
class Cost:
    """What one piece of work took."""

    cpu: float = 0.0
    wall: float = 0.0
    passes: int = 0
    peak: float = 0.0


@dataclass
class Row:
    """The cost of a method's map and of the checks of it."""

    method: str
    map: Cost
    checks: Cost | None


class Meter:
    """Measures pieces of work on a network and on its copies."""

    def __init__(self, network: Network) -> None:
        self.device = network.device
        self.passed = 0
        network.module.register_forward_pre_hook(self._count)

    def _count(self, _module: nn.Module, args: tuple[Any, ...]) -> None:
        first = args[0][0] if isinstance(args[0], list | tuple) else args[0]
        self.passed += len(first)

    def __deepcopy__(self, _memo: dict[int, Any]) -> Meter:
        return self  # copies of the network, made to shuffle their weights, count too

    @contextmanager
    def measured(self, cost: Cost) -> Iterator[None]:
        """Add to `cost` what is done inside."""
        _forget_peak(self.device)
        passed, wall, cpu = self.passed, time.perf_counter(), time.process_time()
        yield
        synchronize(self.device)
        cost.cpu += time.process_time() - cpu
        cost.wall += time.perf_counter() - wall
        cost.passes += self.passed - passed
        cost.peak = max(cost.peak, peak_memory(self.device))


def _forget_peak(device: torch.device) -> None:
    """Let the memory's peak start anew, where the system can do that; else it is the peak so far."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    elif _CLEAR_PEAK.exists():
        try:
            _CLEAR_PEAK.write_text("5")
        except OSError:
            return


def seeded_clip(network: Network) -> Tensor:
    """Return a clip `1 C T H W` in [0, 1]: noise that is a little smooth, drifting one px a frame."""
    assert network.card is not None
    channels, frames, height, width = network.card.clip.shape
    generator = torch.Generator().manual_seed(0)
    canvas = blurred(torch.rand((channels, height, width + frames), generator=generator), 0.01)
    canvas = (canvas - canvas.min()) / (canvas.max() - canvas.min())
    return torch.stack([canvas[:, :, t : t + width] for t in range(frames)], dim=1)[None]


def best_class(network: Network, clip: Tensor, baseline: str) -> int:
    """Return the class whose logit the clip raises most over its baseline: with it every check has its work."""
    shown = clip.to(network.device)
    with torch.no_grad():
        gain = network.logits(shown) - network.logits(make_baseline(baseline, shown))
    return int(gain[0].argmax())


def benchmark(
    model: str,
    methods: list[str],
    preset: PresetName,
    device: str,
    progress: Progress,
    keep: Callable[[list[Row]], None],
    *,
    checked: bool = True,
) -> list[Row]:
    """Measure one network, its maps alone unless they are `checked`; `keep` is told of the rows as they grow."""
    network = load_network(model, untrained=True, device=device)
    clip = seeded_clip(network)
    options = BuildOptions(preset=preset, parameters={"saliency": {"methods": methods}})
    maps, checks = (options.method_parameters()[name] for name in ("saliency", "faithfulness"))
    assert isinstance(maps, SaliencyParameters)
    assert isinstance(checks, FaithfulnessParameters)
    index = best_class(network, clip, maps.baseline)
    named = Clip("clip", clip.cpu().numpy(), known_as="seeded")
    layers = {facts.name: facts for facts in describe_layers(network)}
    subject = Subject(network, layers, (), clips=(named,), targets={"clip": (Target.of(index),)})
    meter = Meter(network)
    rows = {method: Row(method, Cost(), None) for method in methods}
    kept: dict[str, Result] = {}

    def answers(analysis: str, unit: str, role: str) -> Arrays:
        assert analysis == "saliency"
        figure = kept[unit].figures[role]
        assert isinstance(figure, HeatFigure)
        return {"heat": figure.heat, "scale": torch.ones(()).numpy()}

    for unit in SaliencyAnalysis().units(subject, maps):
        assert isinstance(unit, Unit)
        with meter.measured(rows[str(unit.parameters["method"])].map):
            for one, result in SaliencyAnalysis().run(subject, [unit], maps, answers, progress):
                if isinstance(result, NetworkError):
                    raise result
                kept[one.name] = result
        keep(list(rows.values()))
    if not checked:
        return list(rows.values())
    costs = {method: Cost() for method in methods}
    for method, row in rows.items():
        row.checks = costs[method]
    units = [unit for unit in FaithfulnessAnalysis().units(subject, checks) if isinstance(unit, Unit)]
    answered = FaithfulnessAnalysis().run(subject, units, checks, answers, progress)
    together = Cost()
    shared = Row("random maps", Cost(), together)
    with meter.measured(together):  # the first answer comes after what all maps share
        first, _ = next(answered)
    keep([*rows.values(), shared])
    for unit in units[1:]:
        with meter.measured(costs[str(unit.parameters["method"])]):
            next(answered)
        keep([*rows.values(), shared])
    alone = costs[first.method]
    quick = quick_copy(network, [clip])
    with meter.measured(alone):
        own = MapChecks(network, subject.seed, named, index, checks, progress, quick)
        own.sensitivity(first.method, kept_heat(kept, first))
        own.stability(first.method, kept_heat(kept, first))
    for name in ("cpu", "wall", "passes"):
        setattr(together, name, getattr(together, name) - getattr(alone, name))
    return [*rows.values(), shared]


def kept_heat(kept: dict[str, Result], unit: Unit) -> Tensor:
    """Return the map `T H W` that was made for a unit."""
    figure = kept[unit.name].figures["overlay"]
    assert isinstance(figure, HeatFigure)
    return torch.from_numpy(figure.heat)


def totals(rows: list[Row]) -> Cost:
    """Return the cost of everything together."""
    parts = [cost for row in rows for cost in (row.map, row.checks) if cost]
    return Cost(
        sum(one.cpu for one in parts),
        sum(one.wall for one in parts),
        sum(one.passes for one in parts),
        max(one.peak for one in parts),
    )


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| method | map cpu s | passes | peak GiB | checks cpu s | passes | peak GiB |", "|" + " --- |" * 7]
    for row in rows:
        cells = [
            f"{cost.cpu:.1f} | {cost.passes} | {cost.peak:.2f}" if cost else " | | " for cost in (row.map, row.checks)
        ]
        lines.append(f"| {row.method} | {' | '.join(cells)} |")
    whole = totals(rows)
    lines.append(f"\nTogether {whole.cpu:.0f} s of processor time, {whole.passes} passes, {whole.wall:.0f} s here.")
    return "\n".join(lines)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description="Times saliency maps and their checks on one native clip.")
    parser.add_argument("--model", default="i3d")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--maps", action="store_true", help="measure the maps alone, not the checks of them")
    parser.add_argument("--preset", default="standard", choices=get_args(PresetName))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    machine = describe(torch.device(options.device))

    def keep(rows: list[Row]) -> None:
        if options.json:
            content = {
                "machine": machine,
                "model": options.model,
                "preset": options.preset,
                "together": asdict(totals(rows)),
                "rows": [asdict(row) for row in rows],
            }
            options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    with terminal_progress(Console(stderr=True)) as progress:
        rows = benchmark(
            options.model,
            options.methods,
            options.preset,
            options.device,
            progress,
            keep,
            checked=not options.maps,
        )
    print(table(rows))
    keep(rows)


if __name__ == "__main__":
    main()
