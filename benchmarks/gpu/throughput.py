"""Part 3: kernels per hour with the presets' steps, decomposition included, and all kernels of I3D's five stages."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from benchmarks.gpu.cases import Case, Clock, Found, Setting
from benchmarks.gpu.equality import wide_search
from benchmarks.machine import synchronize
from reportgen.analyses.decomposition.decompose import decompose
from reportgen.analyses.kernels.maximize import as_searched, maximize_activation
from reportgen.analyses.kernels.method import METHOD

TARGET = 0.5  # hours for all kernels of all stages
MODEL = "i3d_r50"


def cases(setting: Setting) -> Sequence[Case]:
    """Return a case for each stage."""
    stages = setting.stages(MODEL)
    return [
        Case(layer, lambda clock, y=layer, p=place: _stage(setting, y, clock, len(stages) - p), 25)
        for place, layer in enumerate(stages)
    ]


def _stage(setting: Setting, layer: str, clock: Clock, stages_left: int) -> Found:
    """Search a stage's kernels batch by batch for this stage's share of half of the time left; one batch at least.

    `hours` are for all kernels of the stage: those that were run, and as many times longer for the others.
    """
    network = setting.network(MODEL)
    options: dict[str, Any] = {"steps": METHOD.preset("full").steps}
    if setting.smoke:
        options |= {"steps": 2, "clip_shape": (4, 16, 16)}
    search = wide_search(setting, MODEL, layer, objective="firing")
    with as_searched(network, search.levels):
        slots = search.slots()
    total, until = search.target.kernels, clock.left() - clock.left() / 2 / stages_left
    search_seconds, decomposition_seconds, done, steps = 0.0, 0.0, 0, 0
    notes: set[str] = set()
    while done < total and (not done or (clock.left() > until and not setting.smoke)):
        kernels = range(done, min(done + slots, total))
        began = time.perf_counter()
        found = maximize_activation(network, layer, kernels, objective="firing", **options)
        between = time.perf_counter()
        decompose(found.clips.to(setting.device))
        synchronize(setting.device)
        search_seconds += between - began
        decomposition_seconds += time.perf_counter() - between
        done, steps = done + len(kernels), steps + int(found.steps.sum())
        notes |= set(found.notes)
    seconds = (search_seconds + decomposition_seconds) / done
    return {
        "kernels": total,
        "kernels run": done,
        "batch": slots,
        "steps a kernel": steps / done,
        "seconds a kernel": seconds,
        "of it decomposition": decomposition_seconds / done,
        "kernels an hour": 3600 / seconds,
        "hours": total * seconds / 3600,
        "notes": sorted(notes),
    }
