"""Part 1: a GPU answers, climbs and reaches what a CPU does, and its bfloat16 convolutions are those of float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from benchmarks.gpu.cases import Case, Found, Setting
from benchmarks.step import step_of
from reportgen.analyses.kernels.maximize import as_searched, maximize_activation
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.search import Search
from reportgen.networks.core.network import Network
from reportgen.networks.speed.precision import bfloat16_fault, full_precision, rounded_precision
from reportgen.networks.speed.quick_copy import LEAST_COSINE

WITHIN = 0.001  # of an activation
LEAST_LIKENESS = 0.999  # of gradients in float32
_KERNELS, _STEPS = (0, 1), 8
_LAYERS = (
    ("c3d", "conv1"),
    ("c3d", "conv3b"),
    ("c3d", "conv5b"),
    ("i3d_r50", "s1.pathway0_stem.conv"),
    ("i3d_r50", "s3.pathway0_res0.branch2.c"),
    ("i3d_r50", "s5.pathway0_res0.branch2.c"),
)
_SMOKE_LAYERS = (("texture_motion", "stem.conv"), ("texture_motion", "res1.conv2"))


def cases(setting: Setting) -> Sequence[Case]:
    """Return a case for each layer, and one for the convolutions of each network."""
    layers = _SMOKE_LAYERS if setting.smoke else _LAYERS
    models = dict.fromkeys(model for model, _ in layers)
    return [
        *(Case(f"{model} {layer}", lambda _, m=model, y=layer: _reached(setting, m, y), 15) for model, layer in layers),
        *(Case(f"convolutions of {model}", lambda _, m=model: _convolutions(setting, m), 15) for model in models),
    ]


def _reached(setting: Setting, model: str, layer: str) -> Found:
    """Hold the device against a CPU in float32: the activations of the same clips, the gradients at the same clips,
    and what searches reach.

    Two searches part company at the first rounding, as two seeds do, and more so on a first clip that lies between
    two hills: what they reach says how good the device's are, not whether its arithmetic is right.
    """
    options: dict[str, Any] = {"steps": 4 if setting.smoke else _STEPS, "early_stop": False, "learning_rate": 0.1}
    if setting.smoke:
        options["clip_shape"] = (4, 16, 16)
    here, there = setting.on_cpu(model), setting.network(model)
    wanted = maximize_activation(here, layer, _KERNELS, precision="float32", **options)
    measured = Search(there, layer, _KERNELS, AscentOptions(**options)).scoring.measure(wanted.clips, _KERNELS)
    apart = float(((measured - wanted.activations).abs() / wanted.activations.abs()).max())
    exact = _gradients(here, layer, "float32", options)
    likeness = {
        "float32": _likeness(_gradients(there, layer, "float32", options), exact),
        "mixed": _likeness(_gradients(there, layer, "mixed", options), exact),
    }
    ways: dict[str, dict[str, Any]] = {"float32": {"precision": "float32"}, "mixed": {"precision": "mixed"}}
    if setting.device.type == "cuda":
        ways["float32 recorded"] = {"precision": "float32", "cuda_graphs": True}
    reached = {
        name: maximize_activation(there, layer, _KERNELS, **way, **options).activations.tolist()
        for name, way in ways.items()
    }
    right = apart <= WITHIN and likeness["float32"] >= LEAST_LIKENESS and likeness["mixed"] >= LEAST_COSINE
    return {
        "cpu": wanted.activations.tolist(),
        "apart": apart,
        "gradients": likeness,
        "reached": reached,
        "met": right,
    }


def _gradients(network: Network, layer: str, precision: Literal["float32", "mixed"], options: dict[str, Any]) -> Tensor:
    """Return the gradients `N M` of one step at the same noise clips, in float32 proper or as exploration takes it."""
    search = Search(network, layer, _KERNELS, AscentOptions(**options, precision=precision))
    context = full_precision if precision == "float32" else rounded_precision
    with as_searched(search.network, search.levels), context():
        return step_of(search, search.levels[0], search.kernels)().flatten(1).double().cpu()


def _likeness(found: Tensor, wanted: Tensor) -> float:
    """Return the least cosine of rows `N M`; two gradients that are both zero are alike."""
    cosines = torch.cosine_similarity(found, wanted, dim=1)
    both_zero = ~(found.any(1) | wanted.any(1))
    return float(torch.where(both_zero, torch.ones_like(cosines), cosines).min())


def _convolutions(setting: Setting, model: str) -> Found:
    """Return what speaks against each convolution in bfloat16 on the way to the stages, at the batch of a search."""
    faults: dict[str, str | None] = {}
    for layer in setting.stages(model):
        search = wide_search(setting, model, layer, precision="mixed")
        level = search.levels[0]
        with as_searched(search.network, search.levels):
            slots = search.settle_precision(search.slots())
            faults |= {call.title: bfloat16_fault(call) for call in search.convolutions(level, slots)}
    return {"faults": faults, "met": not any(faults.values())}


def wide_search(setting: Setting, model: str, layer: str, **options: Any) -> Search:
    """Return a search for as many of a layer's kernels as it has, and at most 256."""
    if setting.smoke:
        options["clip_shape"] = (4, 16, 16)
    network = setting.network(model)
    count = Search(network, layer, [0], AscentOptions(**options)).target.kernels
    return Search(network, layer, range(min(count, 4 if setting.smoke else 256)), AscentOptions(**options))
