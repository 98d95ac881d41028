"""Checks of a method rather than of one map: does it read the weights, and does it say the same twice?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from captum.metrics import sensitivity_max
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from reportgen.analyses.common.ranking import spearman
from reportgen.analyses.saliency.attribution import (
    Attribution,
    MapSettings,
    attribute_converged,
    attribute_unchecked,
    shared_copy,
)
from reportgen.errors import EmptySelectionError, NetworkError
from reportgen.networks.core.copying import copied
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.kernels.preactivation import placement
from reportgen.progress import SILENT, Progress

MOST_LAYERS = 12
"""Of a deep network, maps are compared after this many steps down, each of several layers."""


@dataclass(frozen=True)
class Randomisation:
    """How like the map stays to itself while the network forgets, from the top.

    After each step, all layers down to `layers[i]` have shuffled weights, and `correlations[i]` is Spearman's rank
    correlation of the map then with the map before. A map that explains the network loses its likeness at once; one
    that keeps it draws the clip's edges (Adebayo et al. 2018, arXiv 1810.03292). It ranks no methods: how fast likeness
    falls depends on noise in the map, too (Binder et al. 2023, arXiv 2211.12486).
    """

    layers: tuple[str, ...]
    correlations: tuple[float, ...]

    @property
    def kept(self) -> float:
        """The likeness when nothing of what was learned is left, as a magnitude: 0 for a map that is the network's.

        It does not depend on how many depths were looked at.
        """
        return abs(self.correlations[-1])


def weight_randomisations(
    network: Network | nn.Module,
    clip: Tensor,
    class_index: int,
    methods: Sequence[str],
    *,
    effort: MapSettings | None = None,
    layers: Sequence[str] | None = None,
    depths: int = MOST_LAYERS,
    progress: Progress = SILENT,
) -> dict[str, Randomisation | NetworkError]:
    """Shuffle the weights of a copy, layer by layer from the classifier down, and compare the maps after each step.

    A layer's weights (and its bias) change places among themselves, so that their distribution stays, and so do those
    of norms and what these know of their inputs. `layers` are
    where maps are compared (default: all convolutions and linear layers that ran, at most `depths` evenly chosen,
    the lowest among them); all layers above are shuffled too. `effort` is that of all maps, and `effort.seed` draws the
    order of the weights too. The network itself is not touched.

    All methods ask the same shuffled networks; one that does not apply has its error in place of an answer. Raises
    EmptySelectionError when the network has no layer with weights, UnknownNameError, and what else `attribute` raises.
    """
    seen = as_network(network)
    effort = effort or MapSettings()
    shuffled = replace(seen, module=copied(seen.module))
    order = _from_the_top(seen, clip)
    kernels = [name for name in order if isinstance(seen.module.get_submodule(name), nn.Linear | _ConvNd)]
    if not kernels:
        raise EmptySelectionError(f"{seen.name} has no convolution or linear layer whose weights could be shuffled.")
    compared = {seen.layer_name(layer) for layer in layers} if layers is not None else set(_evenly(kernels, depths))
    steps = [layer for layer in order if layer in compared]
    if not steps:
        raise EmptySelectionError(f"{seen.name} has none of the layers {layers}: name convolutions or linear layers.")
    generator = np.random.default_rng(effort.seed)
    kept: dict[str, Attribution] = {}
    correlations: dict[str, list[float]] = {name: [] for name in methods}
    errors: dict[str, NetworkError] = {}
    for name in methods:
        with _noted(errors, name):
            kept[name] = attribute_unchecked(seen, clip, class_index, name, effort)
    with progress.task(f"Shuffling weights under {' and '.join(methods)}", len(steps) * len(methods)) as task:
        for layer in order[: order.index(steps[-1]) + 1]:
            _shuffle(shuffled.module.get_submodule(layer), generator)
            if layer not in compared:
                continue
            asked = [name for name in methods if name not in errors]
            own = replace(effort, quick=shared_copy(shuffled, clip, asked, effort))
            for name in asked:
                with _noted(errors, name):
                    after = attribute_unchecked(shuffled, clip, class_index, name, own)
                    correlations[name].append(spearman(kept[name].heat, after.heat))
                task.advance()
    return {name: errors.get(name) or Randomisation(tuple(steps), tuple(correlations[name])) for name in methods}


@contextmanager
def _noted(errors: dict[str, NetworkError], method: str) -> Iterator[None]:
    """Note that a method does not apply, and go on with the others."""
    try:
        yield
    except NetworkError as error:
        errors[method] = error


def stability(
    network: Network | nn.Module,
    clip: Tensor,
    class_index: int,
    method: str,
    heat: Tensor,
    *,
    effort: MapSettings | None = None,
    seeds: int = 2,
) -> float:
    """Return how like the map `heat` (T H W) is to those of other seeds: the mean of Spearman's rank correlations.

    The `seeds` are the map's own, `effort.seed`, and those that follow it.
    """
    if seeds < 2:
        raise NetworkError("Stability compares the maps of two seeds at least.")
    effort = effort or MapSettings()
    others = (replace(effort, seed=effort.seed + more) for more in range(1, seeds))
    maps = [attribute_unchecked(network, clip, class_index, method, other).heat[0] for other in others]
    return math.fsum(spearman(heat, other) for other in maps) / len(maps)


def sensitivity(
    network: Network | nn.Module,
    clip: Tensor,
    class_index: int,
    method: str,
    *,
    effort: MapSettings | None = None,
    radius: float = 0.02,
    samples: int = 4,
    before: Tensor | None = None,
) -> float:
    """Return the largest relative change of the map under noise of at most `radius` per pixel (Yeh et al. 2019).

    What is noisy is still a clip: no pixel gets darker than black or brighter than white.

    0 is a map that does not change; from 1 on, it changes as much as it is large. captum measures it. What is compared
    is the map as it is shown, T H W: `before` is that of the clip without noise, where it was made already.
    `effort.seed` draws the noise too.
    """
    if samples < 1 or not radius > 0:
        raise NetworkError(f"Sensitivity needs 1 sample and a positive radius, not {samples} and {radius}.")
    seen = as_network(network)
    effort = effort or MapSettings()
    generator = torch.Generator().manual_seed(effort.seed)

    def explain(clips: Tensor | tuple[Tensor]) -> tuple[Tensor]:
        # captum gives the clip itself as a tuple of one, and the noisy clips as they are
        if before is not None and isinstance(clips, tuple):
            return (before.unsqueeze(0).to(clips[0]),)
        given = clips[0] if isinstance(clips, tuple) else clips
        return (_as_shown(seen, given, class_index, method, effort).heat,)

    def perturb(clips: Tensor) -> Tensor:
        noise = (2 * torch.rand(clips.shape, generator=generator) - 1) * radius
        return (clips + noise.to(clips)).clamp(*limits)

    placed = clip.detach().to(**placement(seen))
    limits = min(0.0, float(placed.min())), max(1.0, float(placed.max()))  # a bare module may take other values
    found = sensitivity_max(explain, placed, perturb_func=perturb, n_perturb_samples=samples)
    return float(found.max())


def _as_shown(network: Network, clip: Tensor, class_index: int, method: str, effort: MapSettings) -> Attribution:
    """Return a map as a report makes it: integrated gradients take as many steps as their sum needs."""
    if method == "integrated_gradients":
        return attribute_converged(network, clip, class_index, **vars(effort))[0]
    return attribute_unchecked(network, clip, class_index, method, effort)


def _from_the_top(network: Network, clip: Tensor) -> list[str]:
    """Return the layers with weights and the norms, in the order in which the clip reaches them, the last one first."""
    reached: dict[str, None] = {}
    handles = []

    def keep(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(_module: nn.Module, _args: Any, _output: Any) -> None:
            reached.setdefault(name)

        return hook

    for name, module in network.module.named_modules():
        if isinstance(module, nn.Linear | _ConvNd | _NormBase | nn.GroupNorm | nn.LayerNorm):
            handles.append(module.register_forward_hook(keep(name)))
    try:
        with torch.no_grad():
            network.logits(clip[:1].detach().to(**placement(network)))
    finally:
        for handle in handles:
            handle.remove()
    return list(reversed(reached))


def _evenly(names: Sequence[str], most: int) -> list[str]:
    """Return at most `most` of the names, evenly spread, the first and the last among them (the last alone for 1)."""
    if len(names) <= most:
        return list(names)
    if most < 2:
        return list(names[-1:])
    return [names[round(place * (len(names) - 1) / (most - 1))] for place in range(most)]


def _shuffle(layer: nn.Module, generator: np.random.Generator) -> None:
    """Let a layer's weights change places, on the CPU: numpy takes a third of what an order drawn by torch takes."""
    with torch.no_grad():
        numbers = (buffer for buffer in layer.buffers(recurse=False) if buffer.is_floating_point())
        for parameter in (*layer.parameters(recurse=False), *numbers):
            known = torch.promote_types(parameter.dtype, torch.float32)  # numpy has no bfloat16
            values = parameter.detach().to("cpu", known).numpy().ravel().copy()
            generator.shuffle(values)
            parameter.copy_(torch.from_numpy(values).view_as(parameter))
