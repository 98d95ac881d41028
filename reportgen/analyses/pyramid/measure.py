"""One forward and one backward pass of a class logit, and what they say of every kernel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge

from reportgen.analyses.pyramid.observer import Response, ResponseObserver
from reportgen.errors import NetworkError
from reportgen.networks.core.classes import ClassLike, asked_logits, explained_class
from reportgen.networks.core.network import Network, evaluating
from reportgen.networks.core.precision import widened
from reportgen.networks.core.unchanged import gradients_to, gradients_told
from reportgen.networks.trace.build import class_output
from reportgen.networks.trace.graph import ConnectionGraph


@dataclass(eq=False)
class LayerMeasure:
    """What the passes found for one layer of K kernels.

    `relevance` K: sum over positions of dy_c/da * a. `activation` and `magnitude` K: means over positions of a and
    |a|. `weights` and `gradients` are the weight tensors that the layer's calls used and dy_c/dweight. `input_means`:
    the mean of each channel that the layer reads. `followed` is whether the logit leads back to its weights at all.
    """

    relevance: Tensor | None = None
    activation: Tensor | None = None
    magnitude: Tensor | None = None
    weights: list[Tensor] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)
    input_means: Tensor | None = None
    followed: bool = True


@dataclass(frozen=True, eq=False)
class Measurement:
    """The class and its logit, all logits, and each layer's measure by name."""

    class_index: int
    logit: float
    logits: Tensor
    layers: Mapping[str, LayerMeasure]


def measure_relevance(
    network: Network,
    clip: Tensor,
    class_index: ClassLike | None,
    graph: ConnectionGraph,
    *,
    backward: Iterable[str] = (),
    relevance: Iterable[str] = (),
    forward: Iterable[str] = (),
    input_means: bool = False,
    observer: ResponseObserver | None = None,
) -> Measurement:
    """Run `clip` (1 C T H W in [0, 1], or a bare module's input) forward, and a class's logit backward.

    The class is one by name or index, or (None) the one that this forward pass says. `backward` names the layers whose
    relevance and weight gradients are wanted, `relevance` those of which no weight gradient is, `forward` those of
    which only the activation is; `observer` hears of their responses in its own way. Parameters get their gradient
    flags back. Raises NetworkError when a layer did not run or the network cannot take the clip, UnknownNameError for a
    class that there is not.
    """
    module = network.module
    weighed = set(backward)
    behind = {*weighed, *relevance}
    wanted = {*behind, *forward}
    found: dict[str, LayerMeasure] = {name: LayerMeasure() for name in wanted}

    observer = observer or ResponseObserver(graph, module, wanted, input_means=input_means)
    with evaluating(module), gradients_to(_weights(module, graph)), torch.enable_grad():
        with observer:
            logits = (asked_logits if network.has_classes else class_output)(network, clip.detach())
        observer.ended()
        chosen = explained_class(network, class_index, logits.detach())
        finals = [response.final() for response in observer.responses]
        _note_activations(found, finals)
        for final in finals:
            if final.value is None and final.layer in behind:
                final.watch()
        for layer, used in observer.weights.items():
            found[layer].weights = [widened(weight.detach()) for weight in used]
        for layer, means in observer.input_means.items():
            found[layer].input_means = torch.stack(means).mean(0)
        logit = logits[0, chosen]
        missing = sorted(wanted - {final.layer for final in finals})
        if missing:
            raise NetworkError(f"{missing[0]} did not run on this clip: give class_pyramid the graph of this clip.")
        if behind:
            weights = {layer: used for layer, used in observer.weights.items() if layer in weighed}
            edges = [final.edge for final in finals if final.edge is not None and final.layer in behind - weighed]
            with gradients_told(network.name, lambda: graph.cuts):
                _backward(logit, weights, edges, found)
            _note_relevance(finals, found)
    return Measurement(chosen, float(logit.detach()), logits.detach()[0], found)


def _backward(
    logit: Tensor, weights: Mapping[str, list[Tensor]], edges: Sequence[GradientEdge], found: Mapping[str, LayerMeasure]
) -> None:
    """Run the logit backward as far as `weights`, whose gradients are kept, and `edges`, where they are only heard."""
    flat: list[Any] = [weight for used in weights.values() for weight in used]
    gradients = iter(torch.autograd.grad(logit, [*flat, *edges], allow_unused=True))
    for layer, used in weights.items():
        own = [next(gradients) for _ in used]
        found[layer].followed = any(gradient is not None for gradient in own)
        found[layer].gradients = [
            widened(torch.zeros_like(weight) if gradient is None else gradient)
            for weight, gradient in zip(used, own, strict=True)
        ]


def _note_relevance(finals: Sequence[Response], found: Mapping[str, LayerMeasure]) -> None:
    for final in finals:
        measured = found[final.layer]
        if final.relevance is not None:
            before = measured.relevance
            measured.relevance = final.relevance if before is None else before + final.relevance
        elif measured.relevance is None and measured.activation is not None:
            measured.relevance = torch.zeros_like(measured.activation)  # the logit does not depend on the layer


def _note_activations(found: Mapping[str, LayerMeasure], finals: Sequence[Response]) -> None:
    """Note the means over all positions of all calls of each layer."""
    positions: dict[str, int] = {}
    for final in finals:
        value, measured = final.read(), found[final.layer]
        total, size = final.per_kernel(value), final.per_kernel(value.abs())
        measured.activation = total if measured.activation is None else measured.activation + total
        measured.magnitude = size if measured.magnitude is None else measured.magnitude + size
        positions[final.layer] = positions.get(final.layer, 0) + value.numel() // value.shape[final.axis]
    for layer, count in positions.items():
        measured = found[layer]
        if measured.activation is not None and measured.magnitude is not None:
            measured.activation, measured.magnitude = measured.activation / count, measured.magnitude / count


def _weights(module: nn.Module, graph: ConnectionGraph) -> Iterator[Tensor]:
    """Yield the parameters, and the buffers that kernels are made of: fixed filters are no parameters."""
    roots = {root for constant in graph.weights for root in constant.roots}
    yield from module.parameters()
    yield from (buffer for name, buffer in module.named_buffers() if name in roots)
