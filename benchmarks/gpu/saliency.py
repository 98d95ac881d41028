"""Part 5: seconds of each saliency map on a native clip of I3D."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.gpu.cases import Case, Found, Setting
from benchmarks.machine import synchronize
from reportgen.analyses.saliency.method import METHOD

_MODEL = "i3d_r50"


def cases(setting: Setting) -> Sequence[Case]:
    """Return a case for each method of the full preset."""
    preset = METHOD.preset("quick" if setting.smoke else "full")
    methods, effort = preset.methods, {"samples": preset.samples, "steps": preset.steps}
    return [Case(method, lambda _, m=method: _map(setting, m, effort), 10) for method in methods]


def _map(setting: Setting, method: str, effort: dict[str, Any]) -> Found:
    from reportgen.analyses.saliency.attribution import (  # captum, which may be missing
        MapSettings,
        attribute_converged,
        attribute_with,
    )

    network = setting.network(_MODEL)
    assert network.card is not None
    clip = torch.rand((1, *network.card.clip.shape), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        best = int(network.logits(clip.to(setting.device))[0].argmax())
    attribute_with(
        network, clip, best, "gradients", MapSettings()
    )  # plans and workspaces are made before the clock runs
    synchronize(setting.device)
    began = time.perf_counter()
    if method == "integrated_gradients":
        attribute_converged(network, clip, best, **effort)
    else:
        attribute_with(network, clip, best, method, MapSettings(**effort))
    synchronize(setting.device)
    return {"seconds a map": time.perf_counter() - began, **effort}
