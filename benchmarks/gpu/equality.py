"""Part 1: a GPU reaches what a CPU reaches, and its bfloat16 convolutions are those of float32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.gpu.cases import Case, Found, Setting
from reportgen.analyses.kernels.maximize import as_searched, maximize_activation
from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.search import Search
from reportgen.networks.speed.precision import bfloat16_fault

WITHIN = 0.02
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
    """Return the activations that a search reaches on a CPU in float32, and on the device in every way it has."""
    options: dict[str, Any] = {"steps": 4 if setting.smoke else _STEPS, "early_stop": False, "learning_rate": 0.1}
    if setting.smoke:
        options["clip_shape"] = (4, 16, 16)
    wanted = maximize_activation(setting.on_cpu(model), layer, _KERNELS, precision="float32", **options).activations
    ways: dict[str, dict[str, Any]] = {"float32": {"precision": "float32"}, "mixed": {"precision": "mixed"}}
    if setting.device.type == "cuda":
        ways["float32 recorded"] = {"precision": "float32", "cuda_graphs": True}
    network, found, apart = setting.network(model), {}, {}
    for name, way in ways.items():
        reached = maximize_activation(network, layer, _KERNELS, **way, **options).activations
        found[name] = reached.tolist()
        apart[name] = float(((reached - wanted).abs() / wanted.abs()).max())
    return {"cpu": wanted.tolist(), "reached": found, "apart": apart, "met": max(apart.values()) <= WITHIN}


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
