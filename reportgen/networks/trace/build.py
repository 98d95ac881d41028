"""Building the connection graph of a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError, ReportgenError
from reportgen.networks.core.answer import first_scores
from reportgen.networks.core.given_clips import Clips, given_clips
from reportgen.networks.core.network import Network, borrow, evaluating
from reportgen.networks.core.unchanged import gradients_to, leaving_unchanged
from reportgen.networks.trace.cut_observer import CutObserver
from reportgen.networks.trace.cuts import Cut
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.networks.trace.labels import Ids
from reportgen.networks.trace.tracer import Tracer, module_names
from reportgen.networks.trace.valueless import without_values


@leaving_unchanged
def connection_graph(
    network: Network | nn.Module, clip_shape: Sequence[int], *, clip: Clips | None = None
) -> ConnectionGraph:
    """Return which convolution and linear kernels of `network` feed which, channel by channel.

    `clip_shape` is `N C T H W` (or whatever shape a bare module takes). A trace of shapes comes first and computes
    nothing; it demands no exportable program, for Python control flow is simply run. Where the program asks for values
    (control flow by an activation, an index that is computed), one real forward pass on `clip`, or on seeded noise, is
    traced instead; `ConnectionGraph.traced_with` says which. The graph is that of the network in evaluation mode. Zero
    weights count as connections: the graph is the structure's and not the values'.

    Raises NetworkError when the network cannot run on a clip of this shape.
    """
    shape = tuple(int(n) for n in clip_shape)
    borrowed = borrow(network)
    pixels = None if clip is None else given_clips(borrowed, clip)
    device = _device(borrowed.module)
    try:
        return without_values(borrowed, shape, device, _dtype(borrowed.module), _by_shapes)
    except Exception as error:  # a network's own code may raise anything for want of values; a real pass tells
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    if pixels is None:
        pixels = torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(device, _dtype(borrowed.module))
    try:
        return replace(_traced(borrowed, pixels, "values", reason), cuts=gradient_cuts(borrowed, pixels))
    except ReportgenError:
        raise
    except Exception as error:
        raise NetworkError(f"{borrowed.name} cannot run on a clip of shape {shape}: {error}") from error


def _by_shapes(network: Network, empty: Tensor) -> ConnectionGraph:
    # What does not run on the meta device may run on another: that it has no gradient is not said there.
    cuts = gradient_cuts if network.stand_ins is None else cuts_of_pass
    return replace(_traced(network, empty, "shapes", ""), cuts=cuts(network, empty))


def _traced(network: Network, clip: Tensor, how: Literal["shapes", "values"], reason: str) -> ConnectionGraph:
    try:  # as in a pass that measures: torch multiplies matrices by other operations where these have gradients
        state = network.stand_ins
        own = network.module.named_parameters()
        with gradients_to(weight if state is None else state[name] for name, weight in own):
            return _observed(network, clip, how, reason)
    except RuntimeError:  # such as .numpy() of what has a gradient
        return _observed(network, clip, how, reason)


def _observed(network: Network, clip: Tensor, how: Literal["shapes", "values"], reason: str) -> ConnectionGraph:
    module = network.module
    tracer = Tracer(module, clip, network.stand_ins)
    with evaluating(module), module_names(module, tracer.stack), torch.enable_grad(), tracer:
        output = class_output(network, clip)
    layers, recurrent = tracer.layers()
    return ConnectionGraph(
        layers=tuple(layers),
        output=_class_sources(tracer, output),
        clip_shape=tuple(clip.shape),
        unknown_operations=dict(tracer.unknown),
        recurrent=tuple(dict.fromkeys(recurrent)),
        value_dependent=tuple(dict.fromkeys(tracer.value_dependent)),
        traced_with=how,
        reason=reason,
        weights=dict(tracer.weights),
    )


def gradient_cuts(network: Network, clip: Tensor, behind: Sequence[str] = ()) -> tuple[Cut, ...]:
    """Return where on the way from a clip to the class scores, or `behind` layers, no gradient comes through.

    None are known of a network that cannot run on a clip that asks for gradients, for its code refuses it.
    """
    try:
        return cuts_of_pass(network, clip, behind)
    except RuntimeError:  # such as .numpy() of what has a gradient
        return ()


def cuts_of_pass(network: Network, clip: Tensor, behind: Sequence[str] = ()) -> tuple[Cut, ...]:
    """Return what `gradient_cuts` does; raises what the network's code raises on such a clip."""
    module, stack, ended = network.module, list[str](), list[str]()
    observer = CutObserver(stack, ended)
    with evaluating(module), module_names(module, stack, ended), torch.inference_mode(False), torch.enable_grad():
        asking = clip.detach().requires_grad_().clone()
        observer.begin(asking)
        with observer:
            output = class_output(network, asking)
        return observer.of(output, behind)


def class_output(network: Network, clips: Tensor) -> Tensor:
    """Return the class logits `N K` of clips; the first tensor with channels that a network without classes returns."""
    if network.has_classes:
        return network.logits(clips)
    return first_scores(network.run(clips), network.module, clips.shape)


def _class_sources(tracer: Tracer, output: Tensor) -> Ids:
    labels = tracer.known(output)
    joined = labels.merged([axis for axis in range(len(labels.shape)) if axis != 1])
    return np.ascontiguousarray(joined.expanded([1]).reshape(len(joined.cells), -1))


def _device(module: nn.Module) -> torch.device:
    parameter = next(module.parameters(), None)
    return parameter.device if parameter is not None else torch.device("cpu")


def _dtype(module: nn.Module) -> torch.dtype:
    parameter = next(module.parameters(), None)
    return parameter.dtype if parameter is not None and parameter.is_floating_point() else torch.float32
