"""How near a step of stage 1 comes to what the machine can do at most, stage by stage, with and without a quick copy.

    python -m benchmarks.roofline                         # the stages of c3d, i3d_r50 and r3d_18
    python -m benchmarks.roofline --models i3d_r50 --precision float32 --json FILE

A step of exploration of four kernels, forward and back, is taken in turn by the network itself (`before`, as every
search was until a network could have a quick copy) and by its quick copy (`after`), so that both meet the same load;
seconds are those of the processor. Per stage: multiply-adds of a step (1e9), bytes (1e9) that its operations read and
write, the multiply-adds a second of the step (1e9) as a share of the peak, and the shares of the time that go into
`aten::copy_` and into convolutions. `convolutions alone` is the share of the peak at which the step would run if it
were nothing but its convolutions, as quick as the vendor's library is at their shapes: no step comes above it. The peak
is the best of a large matrix product and a large convolution in the step's precision, maps channels-last, measured in
the same run; the roofline is the time of the multiply-adds at that peak or of the bytes at the measured bandwidth of a
copy, whichever is longer. Networks are seeded and untrained.
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

import torch
from torch import Tensor
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.machine import describe
from benchmarks.step import step_of
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.search import Search
from reportgen.networks.core.network import Network, no_weight_gradients
from reportgen.networks.core.observing import Observer
from reportgen.zoo.load import load_network

KERNELS = [0, 1, 2, 3]
Step = Callable[[], object]
Timed = Callable[[Step], float]


@dataclass(frozen=True)
class Row:
    """One stage: seconds of the processor a step, work and traffic of a step in 1e9, shares of the time in copies."""

    model: str
    layer: str
    precision: str
    before: float
    after: float
    multiply_adds: float
    gigabytes: float
    peak: float
    bandwidth: float
    copies_before: float
    copies_after: float
    convolving: float

    @property
    def times(self) -> float:
        """How many times faster the quick copy is."""
        return self.before / self.after

    @property
    def share(self) -> float:
        """The step's multiply-adds a second as a share of the peak."""
        return self.multiply_adds / self.after / self.peak

    @property
    def attainable(self) -> float:
        """The share of the peak that the convolutions of the quick copy reach by themselves."""
        return self.share / self.convolving

    @property
    def of_roofline(self) -> float:
        """The least time that the machine allows, as a share of the step's."""
        return max(self.multiply_adds / self.peak, self.gigabytes / self.bandwidth) / self.after


class Traffic(Observer):
    """Counts the bytes that operations read and write; views move none."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        answer = func(*args, **(kwargs or {}))
        if not func.is_view:
            tensors = [one for one in tree_leaves((args, kwargs, answer)) if isinstance(one, Tensor)]
            self.bytes += sum(one.numel() * one.element_size() for one in tensors)
        return answer


def spent(work: Callable[[], object]) -> float:
    """Return the processor seconds of some work."""
    began = time.process_time()
    work()
    return time.process_time() - began


def peak(dtype: torch.dtype, seconds: Timed = spent) -> float:
    """Return the most multiply-adds a second, in 1e9, of a matrix product and of a convolution.

    `seconds` are those of the processor, or whatever else tells those of some work.
    """
    a = torch.randn(2048, 2048).to(dtype)
    order = torch.channels_last_3d
    maps = torch.randn(1, 256, 8, 28, 28).to(dtype).contiguous(memory_format=order)
    weight = torch.randn(256, 256, 3, 3, 3).to(dtype).contiguous(memory_format=order)
    product = min(seconds(lambda: a @ a) for _ in range(5))
    convolution = min(seconds(lambda: functional.conv3d(maps, weight, padding=1)) for _ in range(5))
    return float(max(2048**3 / product, 256 * 256 * 27 * 8 * 28 * 28 / convolution) / 1e9)


def bandwidth(seconds: Timed = spent) -> float:
    """Return the bytes, in 1e9, that a copy of 256 MB reads and writes in a second; `seconds` as for the peak."""
    values = torch.zeros(2**26)
    other = torch.ones_like(values)
    return 2 * values.nbytes / min(seconds(lambda: other.copy_(values)) for _ in range(4)) / 1e9


def time_shares(step: Step) -> tuple[float, float]:
    """Return the shares of a step's processor time that go into copies, and into convolutions there and back."""
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        step()
    found: dict[str, float] = {one.key: one.self_cpu_time_total for one in seen.key_averages()}
    convolving = sum(spent for name, spent in found.items() if "convolution" in name and "::evaluate" not in name)
    whole = sum(found.values())
    return found.get("aten::copy_", 0.0) / whole, convolving / whole


def measure(network: Network, layer: str, precision: str, rounds: int) -> Row:
    """Return the row of one stage."""
    options = AscentOptions(learning_rate=0.2, grow=True, early_stop=False, precision=precision)  # type: ignore[arg-type]
    search = Search(network, layer, KERNELS, options)
    with no_weight_gradients(network):
        search.quicken()
    level, own, quick = search.levels[0], search.target, search.scoring.climbed
    step = step_of(search, level, KERNELS)
    found: dict[str, list[float]] = {"before": [], "after": []}
    shares, traffic = {}, Traffic()
    search.scoring.climbed = own
    with FlopCounterMode(display=False) as counter:
        step()
    with as_searched(network, search.levels):
        for turn in range(rounds + 1):
            for name, target in (("before", own), ("after", quick)):
                search.scoring.climbed = target
                seconds = spent(step)
                found[name] += [seconds] if turn else []  # a first step warms up
        for name, target in (("before", own), ("after", quick)):
            search.scoring.climbed = target
            shares[name] = time_shares(step)
        with traffic:
            step()
    dtype = torch.bfloat16 if level.reduced_precision else torch.float32
    return Row(
        network.name,
        search.target.layer,
        str(dtype).removeprefix("torch."),
        statistics.median(found["before"]),
        statistics.median(found["after"]),
        counter.get_total_flops() / 2e9,
        traffic.bytes / 1e9,
        peak(dtype),
        bandwidth(),
        shares["before"][0],
        *shares["after"],
    )


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| network, layer | precision | before, s | after, s | faster | 1e9 multiply-adds | GB | peak | of peak"
        " | convolutions alone | of roofline | copies before | after |",
        "| --- | --- |" + " ---: |" * 11,
    ]
    lines += [
        f"| {row.model} `{row.layer}` | {row.precision} | {row.before:.3f} | {row.after:.3f} | {row.times:.1f}x"
        f" | {row.multiply_adds:.1f} | {row.gigabytes:.2f} | {row.peak:.0f} | {row.share:.0%}"
        f" | {row.attainable:.0%} | {row.of_roofline:.0%}"
        f" | {row.copies_before:.0%} | {row.copies_after:.0%} |"
        for row in rows
    ]
    return "\n".join(lines)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["c3d", "i3d_r50", "r3d_18"])
    parser.add_argument("--layers", nargs="+", help="of the cards' stages; default all")
    parser.add_argument("--precision", default="auto", choices=["auto", "float32", "mixed"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows: list[Row] = []
    for model in options.models:
        network = load_network(model, untrained=True)
        for stage in network.card.stages if network.card else ():
            if not options.layers or stage.layer in options.layers:
                rows.append(measure(network, stage.layer, options.precision, options.rounds))
                print(table(rows).splitlines()[-1] if len(rows) > 1 else table(rows), flush=True)
                if options.json:
                    told = [
                        {
                            **asdict(row),
                            **{name: getattr(row, name) for name in ("times", "share", "attainable", "of_roofline")},
                        }
                        for row in rows
                    ]
                    content = {"machine": describe(network.device), "rows": told}
                    options.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
