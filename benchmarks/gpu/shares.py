"""Part 2: which share of the device's own peak a step of exploration reaches, stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.gpu.cases import Case, Found, Setting
from benchmarks.gpu.equality import wide_search
from benchmarks.machine import measured_peak, peak_memory, seconds_of
from benchmarks.step import step_of
from reportgen.analyses.common.memory import with_less_memory
from reportgen.analyses.kernels.maximize import as_searched
from reportgen.analyses.kernels.search import Search

TARGET = 0.4
_MODELS = ("c3d", "i3d_r50")
_LONGEST = 10


def cases(setting: Setting) -> Sequence[Case]:
    """Return a case for each stage of the two networks."""
    found = []
    for model in ("texture_motion",) if setting.smoke else _MODELS:
        stages = setting.stages(model)
        for place, layer in enumerate(stages):
            # The first layers read three channels: there the memory is the limit, not the arithmetic.
            deep = place >= len(stages) // 2
            found.append(
                Case(f"{model} {layer}", lambda _, m=model, y=layer, d=deep: _stage(setting, m, y, target=d), 15)
            )
    return found


def _stage(setting: Setting, model: str, layer: str, *, target: bool) -> Found:
    search = wide_search(setting, model, layer)
    with as_searched(search.network, search.levels):
        slots = search.settle_precision(search.slots())
        found = with_less_memory(lambda batch: _share(setting, search, batch), slots, f"a step of {layer}")
        found["met"] = found["share"] >= TARGET if target else None
        if found["met"] is False:
            found["longest"] = _longest(step_of(search, search.levels[0], search.kernels[: found["batch"]]), setting)
    return {**found, "notes": list(search.notes)}


def _share(setting: Setting, search: Search, batch: int) -> Found:
    """Return the rate of a step with so many kernels, and its share of the peak in the same precision."""
    level, kernels = search.levels[0], search.kernels[:batch]
    step = step_of(search, level, kernels)
    with FlopCounterMode(display=False) as counter:
        step()
    seconds = seconds_of(step, setting.device)
    precision = torch.bfloat16 if level.reduced_precision else torch.float32
    peak = measured_peak(setting.device, precision, size=256 if setting.smoke else None)
    rate = counter.get_total_flops() / 2 / seconds / 1e9
    return {
        "batch": batch,
        "precision": str(precision).removeprefix("torch."),
        "milliseconds a step": 1000 * seconds,
        "rate": rate,
        "peak": peak,
        "share": rate / max(peak.values()),
        "memory of a step": peak_memory(setting.device),
    }


def _longest(step: Callable[[], object], setting: Setting) -> list[Found]:
    """Return the kernels of the device that take most of a step: the profile of one that misses its target."""
    cuda = setting.device.type == "cuda"
    with profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]) as profiled:
        step()

    def milliseconds(event: object) -> float:
        return float(getattr(event, "self_device_time_total" if cuda else "self_cpu_time_total")) / 1000

    events = sorted(profiled.key_averages(), key=milliseconds, reverse=True)
    return [{"name": e.key[:80], "milliseconds": milliseconds(e), "calls": e.count} for e in events[:_LONGEST]]
