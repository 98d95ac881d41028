"""Are the gradients right? Each weight is moved a little either way, in float64, and the logit's difference is taken.

Central differences (y(w + h) - y(w - h)) / 2h with h = 6e-6 max(|w|, 1), about the cube root of the precision: the
step at which the error of the formula and that of rounding are alike, some 1e-11 of a smooth logit. A rectifier or a
max-pool that changes sides within the step bends the logit there, and the difference is no derivative: such weights
are asked once more with smaller steps, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.analyses.common.memory import starting_batch, with_less_memory
from reportgen.analyses.pyramid.ablation import Passes
from reportgen.analyses.pyramid.class_pyramid import one_clip
from reportgen.analyses.weight_gradients.gradients import FilterGradients, weight_gradients
from reportgen.analyses.weight_gradients.perturbed import PerturbedPasses, WeightChange
from reportgen.errors import NetworkError
from reportgen.networks.core.copying import copied
from reportgen.networks.core.network import Network, borrow
from reportgen.networks.kernels.layers import describe_layers
from reportgen.networks.trace.build import class_output
from reportgen.networks.trace.graph import ConnectionGraph, KernelLayer

STEP = 6e-6
"""The step h for weights up to 1 in magnitude; larger weights have as much larger ones."""

SMALLER = (1.0, 1 / 16, 1 / 256)
"""Steps in turn, as shares of the first: a smaller one passes fewer bends and rounds more."""

BENT = 1e-7
"""Difference from the gradient, in shares of the layer's largest, from which a weight is asked with a smaller step."""

AT_ONCE = 32
"""Changed copies of the clip in one pass, at most."""

LEAST_SIDE, LEAST_FRAMES = 16, 4
"""The clip is cropped no further than to this height or width, and to so many frames."""


@dataclass(frozen=True)
class LayerCheck:
    """What the differences say of one layer's gradients.

    `error` is |difference - gradient| over |gradient|, both as vectors of the `weights` that were drawn; `direction`
    the same for one random direction in the space of all of the layer's weights, relative to the larger of the two
    values. `smaller_steps` of the weights needed a smaller step. None where the gradient is zero throughout.
    """

    weights: int
    error: float | None
    direction: float | None
    smaller_steps: int


@dataclass(frozen=True)
class GradientCheck:
    """The checks by layer, made on a crop `shape` C T H W of the clip; `single` is the float32 gradients' error."""

    shape: tuple[int, ...]
    layers: Mapping[str, LayerCheck]
    single: float


def check_gradients(
    network: Network | nn.Module,
    clip: Tensor,
    class_index: int,
    graph: ConnectionGraph,
    layers: Sequence[str],
    *,
    weights: int = 200,
    work: float | None = None,
    seed: int = 0,
) -> GradientCheck:
    """Return how far the gradients of `layers` are from central differences, in float64.

    `clip` is as for `weight_gradients`; where the differences of `weights` weights of each layer would take
    more than `work` 1e9 multiply-adds its middle is taken, and where that is not enough (or the network takes no
    smaller clip), fewer weights. Raises NetworkError for a network that does not run in float64.
    """
    network = borrow(network)
    pixels, costs = _affordable_crop(network, one_clip(network, clip), layers, weights, work)
    if work is not None:
        weights = min(weights, max(0, int(work / max(2 * sum(costs), 1e-12)) - 1))
    single = weight_gradients(network, pixels, class_index, layers=layers, graph=graph)
    precise = _in_double_precision(network, pixels)
    pixels = pixels.double()
    found = weight_gradients(precise, pixels, class_index, layers=layers, graph=graph)

    def checked(size: int) -> dict[str, LayerCheck]:
        passes = Passes(precise, pixels.expand(size, *pixels.shape[1:]), graph, list(layers))
        return {
            name: _check_layer(PerturbedPasses(passes, name), graph.layer(name), found.layers[name], class_index, draw)
            for name, draw in zip(layers, draws, strict=True)
        }

    draws = [
        _Draw.of(found.layers[name], weights, np.random.default_rng([seed, place])) for place, name in enumerate(layers)
    ]
    try:
        size = min(AT_ONCE, max(1, starting_batch(pixels) // 2))  # float64 takes twice the memory
        checks = with_less_memory(checked, network.at_once(size), "the numeric check of the gradients")
    except NetworkError:  # the rows of a batch's clips cannot be told apart
        checks = checked(1)
    return GradientCheck(tuple(pixels.shape[1:]), checks, _apart(single.layers, found.layers))


def _affordable_crop(
    network: Network, clip: Tensor, layers: Sequence[str], weights: int, work: float | None
) -> tuple[Tensor, list[float]]:
    """Return the middle of the clip that is affordable, and what one pass from each layer on costs, in 1e9."""
    costs = _pass_costs(network, clip, layers)
    while work is not None and 2 * (weights + 1) * sum(costs) > work:
        smaller = _half(clip)
        try:
            fewer = _pass_costs(network, smaller, layers) if smaller.shape != clip.shape else costs
        except NetworkError:
            break
        if sum(fewer) >= sum(costs):
            break
        clip, costs = smaller, fewer
    return clip, costs


def _half(clip: Tensor) -> Tensor:
    """Return the middle half of a clip `1 C T H W` along its longest sides; frames are halved when they are many."""
    frames, height, width = clip.shape[2:]
    if 4 * frames > max(height, width) and frames // 2 >= LEAST_FRAMES:
        return clip.narrow(2, frames // 4, frames // 2)
    if min(height, width) // 2 < LEAST_SIDE:
        return clip.narrow(2, frames // 4, frames // 2) if frames // 2 >= LEAST_FRAMES else clip
    return clip.narrow(3, height // 4, height // 2).narrow(4, width // 4, width // 2)


def _pass_costs(network: Network, clip: Tensor, layers: Sequence[str]) -> list[float]:
    """Return for each layer the multiply-adds, in 1e9, of what lies from it on; raises NetworkError."""
    facts = {one.name: one for one in describe_layers(network, clip_shape=clip.shape[1:])}
    starts = [facts[name].order if name in facts else 0 for name in layers]
    return [sum(one.multiply_adds or 0 for one in facts.values() if one.order > start) / 1e9 for start in starts]


def _in_double_precision(network: Network, clip: Tensor) -> Network:
    """Return a copy of a network in float64; raises NetworkError where it does not run so."""
    try:
        with torch.no_grad():
            class_output(network, clip)  # a weight norm's weight is then no longer part of the last backward pass
            precise = replace(network, module=copied(network.module).double())
            logits = class_output(precise, clip.double())
    except (RuntimeError, TypeError, ValueError) as error:
        raise NetworkError(f"{network.name} does not run in float64 ({' '.join(str(error).split())[:200]}).") from error
    if logits.dtype != torch.float64:
        raise NetworkError(f"{network.name} does not run in float64: it answers in {logits.dtype}.")
    return precise


@dataclass(frozen=True, eq=False)
class _Draw:
    """Which weights of a layer are moved, `n` places in `K C taps`, and a random direction `K C taps`."""

    places: NDArray[np.int64]
    direction: NDArray[np.float64]

    @classmethod
    def of(cls, found: FilterGradients, weights: int, generator: np.random.Generator) -> _Draw:
        places = generator.choice(found.weights.size, min(weights, found.weights.size), replace=False)
        direction = generator.standard_normal(found.weights.shape)
        return cls(np.sort(places), direction / np.linalg.norm(direction))


def _check_layer(
    passes: PerturbedPasses, layer: KernelLayer, found: FilterGradients, class_index: int, draw: _Draw
) -> LayerCheck:
    gradient = found.gradients.reshape(-1)[draw.places]
    values = found.weights.reshape(-1)[draw.places]
    scale = float(np.abs(found.gradients).max())
    if scale == 0.0:
        return LayerCheck(len(draw.places), None, None, 0)

    def one(at: int, step: float) -> WeightChange:
        return _single_change(passes.weight, layer, found.weights.shape, int(draw.places[at]), step)

    def all_of(_at: int, step: float) -> WeightChange:
        return WeightChange(_as_operation(passes.weight, layer, step * draw.direction))

    steps = STEP * np.maximum(np.abs(values), 1.0)
    differences, again = _differences(passes, class_index, one, gradient, steps, BENT * scale)
    expected = np.array([float((found.gradients * draw.direction).sum())])
    length = np.array([STEP * max(float(np.abs(found.weights).max()), 1.0)])
    along, _ = _differences(passes, class_index, all_of, expected, length, BENT * float(np.abs(expected[0])))
    size = float(np.linalg.norm(gradient))
    larger = max(abs(float(along[0])), abs(float(expected[0])))
    return LayerCheck(
        weights=len(draw.places),
        error=float(np.linalg.norm(differences - gradient)) / size if size > 0 else None,
        direction=abs(float(along[0] - expected[0])) / larger if larger > 0 else None,
        smaller_steps=again,
    )


def _differences(
    passes: PerturbedPasses,
    class_index: int,
    change: Callable[[int, float], WeightChange],
    gradient: NDArray[np.floating],
    steps: NDArray[np.float64],
    bent: float,
) -> tuple[NDArray[np.float64], int]:
    """Return the central differences at each place, the best of the steps tried, and how many needed a smaller one."""
    found = np.full(len(steps), np.inf)
    left, again = np.arange(len(steps)), 0
    for share in SMALLER:
        changes = [change(int(at), sign * share * steps[at]) for at in left for sign in (1, -1)]
        logits = passes.logits(changes)[:, class_index].reshape(-1, 2) if changes else np.empty((0, 2))
        tried = (logits[:, 0] - logits[:, 1]) / (2 * share * steps[left])
        better = np.abs(tried - gradient[left]) < np.abs(found[left] - gradient[left])
        found[left[better]] = tried[better]
        left = left[np.abs(found[left] - gradient[left]) > bent]
        again = len(left) if share == SMALLER[0] else again
    return found, again


def _single_change(like: Tensor, layer: KernelLayer, shape: Sequence[int], place: int, step: float) -> WeightChange:
    """Return the change of one weight by its place in `K C taps`."""
    added = torch.zeros_like(like)
    filter_, channel, *taps = (int(at) for at in np.unravel_index(place, shape))
    if layer.layout == "conv_transpose":
        group, own = divmod(filter_, like.shape[1])
        added[(group * shape[1] + channel, own, *taps)] = step
    else:
        added[(filter_, channel, *taps)] = step
    return WeightChange(added, filter_)


def _as_operation(like: Tensor, layer: KernelLayer, values: NDArray[np.float64]) -> Tensor:
    """Return values `K C taps` laid out as the layer's operation takes its weights."""
    laid = torch.from_numpy(values).to(like)
    if layer.layout == "conv_transpose":
        laid = laid.unflatten(0, (layer.groups, -1)).transpose(1, 2).flatten(0, 1)
    return laid


def _apart(single: Mapping[str, FilterGradients], double: Mapping[str, FilterGradients]) -> float:
    """Return the largest relative error of the layers' float32 gradients, each as a vector."""
    errors = [0.0]
    for name, found in double.items():
        size = float(np.linalg.norm(found.gradients))
        if size > 0:
            errors.append(float(np.linalg.norm(single[name].gradients - found.gradients)) / size)
    return max(errors)
