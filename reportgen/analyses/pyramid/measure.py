"""One forward and one backward pass of a class logit, and what they say of every kernel.

The pass is observed like the connection graph's (below autograd), so the network is not edited and needs no hooks:
each kernel layer is known by the weight tensor that its operation uses, and its response is followed through batch
norm and activation to the tensor that other layers read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.trace.build import class_output, evaluating
from reportgen.networks.trace.constants import Constants
from reportgen.networks.trace.follower import named_arguments
from reportgen.networks.trace.graph import ConnectionGraph, KernelLayer
from reportgen.networks.trace.kernels import kernel_use
from reportgen.networks.trace.operations import keeps_places


@dataclass(eq=False)
class Response:
    """What one call of a layer's kernels became: the tensor behind its batch norm and activation.

    `axis` is the kernels' axis, `call` counts the kernel operations of the pass before this one, `step` the
    operations that the response has been through since. `uses` counts the operations that read the tensor; while
    there is one, and it is an activation or a normalisation, the response goes on in `after`. `value` is a copy where
    a later in-place operation overwrites the tensor.
    """

    layer: str
    tensor: Tensor
    axis: int
    call: int
    step: int = 0
    uses: int = 0
    after: Response | None = None
    value: Tensor | None = None
    relevance: Tensor | None = None

    def final(self) -> Response:
        """Return the response behind the last activation or normalisation that reads nothing else."""
        return self.after.final() if self.after is not None and self.uses == 1 else self

    def read(self) -> Tensor:
        """Return the response's value, detached: kernels along `axis`."""
        return self.tensor.detach() if self.value is None else self.value

    def watch(self) -> None:
        """Note the relevance when the gradient of this tensor, as it is now, arrives."""

        def note(gradient: Tensor) -> None:
            self.relevance = self.per_kernel(gradient.detach() * self.read())

        if self.tensor.requires_grad:
            self.tensor.register_hook(note)

    def per_kernel(self, values: Tensor) -> Tensor:
        """Return the sum of `values`, shaped like the response, for each kernel."""
        return values.sum([axis for axis in range(values.ndim) if axis != self.axis])


@dataclass(eq=False)
class LayerMeasure:
    """What the passes found for one layer of K kernels.

    `relevance` K: sum over positions of dy_c/da * a. `activation` and `magnitude` K: means over positions of a and
    |a|. `weights` and `gradients` are the weight tensors that the layer's calls used and dy_c/dweight. `input_means`:
    the mean of each channel that the layer reads.
    """

    relevance: Tensor | None = None
    activation: Tensor | None = None
    magnitude: Tensor | None = None
    weights: list[Tensor] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)
    input_means: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Measurement:
    """The logit of the class, and each layer's measure by name."""

    logit: float
    logits: Tensor
    layers: Mapping[str, LayerMeasure]


class ResponseObserver(TorchDispatchMode):  # type: ignore[no-untyped-call, unused-ignore]
    """Finds the responses, weights and input means of a graph's layers in one forward pass."""

    def __init__(
        self,
        graph: ConnectionGraph,
        module: nn.Module,
        layers: Iterable[str],
        *,
        input_means: bool = False,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]
        self.graph = graph
        self.wanted = frozenset(layers)
        self.responses: list[Response] = []
        self.weights: dict[str, list[Tensor]] = {}
        self.input_means: dict[str, list[Tensor]] = {}
        self._constants = Constants(module)
        self._keep_input_means = input_means
        self._current: dict[int, Response] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func._schema.name.split("::")[-1].removesuffix("_")
        arguments = named_arguments(func, args, kwargs or {})
        inputs = [leaf for leaf in tree_leaves(list(arguments.values())) if isinstance(leaf, Tensor)]
        followed = self._followed(func, name, inputs)
        carried = None
        if func._schema.is_mutable and inputs:
            carried, followed = self._overwriting(inputs[0], followed), None
        result = func(*args, **(kwargs or {}))
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        settings = [value for value in arguments.values() if not isinstance(value, Tensor)]
        if outputs and self._constants.observe(name, inputs, settings, outputs):
            return result
        if carried is not None:
            carried.step += 1
            self.reached(carried)
        if name != "detach":
            self._count_uses(inputs, followed, outputs)
        self._kernels(name, arguments, outputs)
        return result

    def ended(self) -> None:
        """Hear that the pass has ended; subclasses may look at what it left."""

    def reached(self, response: Response) -> None:
        """Hear of a response that has just been computed; subclasses may change its tensor here."""

    def _followed(self, func: Any, name: str, inputs: Sequence[Tensor]) -> Response | None:
        """Return the response that an operation carries on, element by element and alone."""
        response = self._current.get(id(inputs[0])) if inputs else None
        if response is None or any(self._constants[other] is None for other in inputs[1:]):
            return None
        alone = torch.Tag.pointwise in func.tags or keeps_places(name)
        last = name in {"view", "_unsafe_view"} and response.axis == response.tensor.ndim - 1
        return response if alone or last else None

    def _overwriting(self, target: Tensor, followed: Response | None) -> Response | None:
        """Save a response before its tensor is overwritten; an in-place activation only carries it on."""
        response = self._current.get(id(target))
        if response is None:
            return None
        if followed is response and response.uses == 0:
            return response
        response.value = target.detach().clone()
        response.uses += 1
        response.watch()
        del self._current[id(target)]
        return None

    def _count_uses(self, inputs: Sequence[Tensor], followed: Response | None, outputs: Sequence[Tensor]) -> None:
        for tensor in inputs:
            response = self._current.get(id(tensor))
            if response is not None and not any(tensor is output for output in outputs):
                response.uses += 1
        if followed is None or not outputs:
            return
        output, before = outputs[0], followed.tensor.shape
        if output.shape[-1] == before[-1] if followed.axis == len(before) - 1 else output.shape == before:
            axis = output.ndim - 1 if followed.axis == len(before) - 1 else followed.axis
            followed.after = Response(followed.layer, output, axis, followed.call, followed.step + 1)
            self._current[id(output)] = followed.after
            self.reached(followed.after)

    def _kernels(self, name: str, arguments: dict[str, Any], outputs: Sequence[Tensor]) -> None:
        use = kernel_use(name, arguments, lambda tensor: self._constants[tensor] is not None)
        constant = self._constants[use.weight] if use is not None else None
        layer = self.graph.weights.get(constant) if constant is not None else None
        if use is None or layer is None or layer not in self.wanted:
            return
        seen = self.weights.setdefault(layer, [])
        if not any(use.weight is weight for weight in seen):
            seen.append(use.weight)
        if self._keep_input_means:
            rest = [axis for axis in range(use.operand.ndim) if axis != use.axis]
            self.input_means.setdefault(layer, []).append(use.operand.detach().mean(rest))
        response = Response(layer, outputs[0], use.out_axis, len(self.responses))
        self.responses.append(response)
        self._current[id(outputs[0])] = response
        self.reached(response)


def measure_relevance(
    network: Network,
    clip: Tensor,
    class_index: int,
    graph: ConnectionGraph,
    *,
    backward: Iterable[str],
    forward: Iterable[str] = (),
    input_means: bool = False,
    observer: ResponseObserver | None = None,
) -> Measurement:
    """Run `clip` (1 C T H W in [0, 1], or a bare module's input) forward, and the logit `class_index` backward.

    `backward` names the layers whose relevance and weight gradients are wanted, `forward` those of which only the
    activation is; `observer` hears of their responses in its own way. Parameters get their gradient flags back.
    Raises NetworkError when a layer did not run.
    """
    module = network.module
    wanted, behind = set(forward) | set(backward), set(backward)
    found: dict[str, LayerMeasure] = {name: LayerMeasure() for name in wanted}

    observer = observer or ResponseObserver(graph, module, wanted, input_means=input_means)
    with evaluating(module), _gradients_to_weights(module), torch.enable_grad():
        with observer:
            logits = class_output(network, clip.detach())
        observer.ended()
        finals = [response.final() for response in observer.responses]
        _note_activations(found, finals)
        for final in finals:
            if final.value is None and final.layer in behind:
                final.watch()
        for layer, used in observer.weights.items():
            found[layer].weights = [weight.detach() for weight in used]
        for layer, means in observer.input_means.items():
            found[layer].input_means = torch.stack(means).mean(0)
        if not 0 <= class_index < logits.shape[-1]:
            raise NetworkError(f"{network.name} has the classes 0 to {logits.shape[-1] - 1}, not {class_index}.")
        logit = logits[0, class_index]
        missing = sorted(wanted - {final.layer for final in finals})
        if missing:
            raise NetworkError(f"{missing[0]} did not run on this clip: give class_pyramid the graph of this clip.")
        if behind:
            _backward(logit, {layer: observer.weights[layer] for layer in observer.weights if layer in behind}, found)
            _note_relevance(finals, found)
    return Measurement(float(logit.detach()), logits.detach()[0], found)


def _backward(logit: Tensor, weights: Mapping[str, list[Tensor]], found: Mapping[str, LayerMeasure]) -> None:
    flat = [weight for used in weights.values() for weight in used]
    gradients = iter(torch.autograd.grad(logit, flat, allow_unused=True))
    for layer, used in weights.items():
        found[layer].gradients = [
            torch.zeros_like(weight) if gradient is None else gradient
            for weight, gradient in zip(used, gradients, strict=False)
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


def kernel_products(
    layer: KernelLayer, measured: LayerMeasure, rows: NDArray[np.int64], channels: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Return C(j -> i) = <K_ij, dy_c/dK_ij> for the kernels `rows`: (rows, channels of a group).

    `channels` picks channels of a group; only what is asked for is read.
    """
    total: NDArray[np.float32] | None = None
    for weight, gradient in zip(measured.weights, measured.gradients, strict=True):
        kernels, slopes = (as_kernels(layer, tensor, rows, channels) for tensor in (weight, gradient))
        if kernels.device.type == "cpu":  # a few thousand numbers: torch's threads cost more than they bring
            products = np.einsum("ijt,ijt->ij", kernels.numpy(), slopes.numpy())
        else:
            products = torch.linalg.vecdot(kernels, slopes).cpu().numpy()
        total = products if total is None else total + products
    if total is None:
        raise NetworkError(f"{layer.name} was not measured: its weight gradient is missing.")
    return total.astype(np.float32)


def as_kernels(
    layer: KernelLayer,
    weight: Tensor,
    rows: NDArray[np.int64] | None = None,
    channels: NDArray[np.int64] | None = None,
) -> Tensor:
    """Return a weight tensor's kernels `rows` (None: all) as (rows, channels of a group, taps)."""
    if layer.layout == "conv":
        matrix = weight
    elif layer.layout == "conv_transpose":
        matrix = weight.reshape(layer.groups, -1, *weight.shape[1:]).transpose(1, 2).flatten(0, 1)
    else:
        matrix = weight.transpose(-1, -2) if layer.layout == "in_out" else weight
        matrix = matrix.movedim(0, -1) if matrix.ndim == 3 else matrix  # a batch of matrices counts as taps
    if rows is None:
        chosen = matrix
    elif matrix.device.type == "cpu":
        chosen = torch.from_numpy(_taken(matrix.numpy(), rows, channels))
    elif channels is None:
        chosen = matrix.index_select(0, torch.from_numpy(rows).to(weight.device))
    else:
        chosen = matrix[tuple(torch.from_numpy(i).to(weight.device) for i in np.ix_(rows, channels))]
    return chosen.flatten(2) if chosen.ndim > 2 else chosen.unsqueeze(-1)


def _taken(values: NDArray[Any], rows: NDArray[np.int64], channels: NDArray[np.int64] | None) -> NDArray[Any]:
    """Return `values[rows][:, channels]`; whole kernels of contiguous weights, several times faster than torch does."""
    if channels is None:
        return values.take(rows, axis=0)
    if not values.flags.c_contiguous:
        return np.asarray(values[np.ix_(rows, channels)])
    flat = (rows[:, None] * values.shape[1] + channels).ravel()
    taken = values.reshape(values.shape[0] * values.shape[1], -1).take(flat, axis=0)
    return np.asarray(taken.reshape(len(rows), len(channels), -1))


@contextmanager
def _gradients_to_weights(module: nn.Module) -> Iterator[None]:
    """Let all floating-point parameters take gradients within the context, and restore their flags afterwards."""
    flags = [(parameter, parameter.requires_grad) for parameter in module.parameters()]
    for parameter, _ in flags:
        parameter.requires_grad_(parameter.is_floating_point())
    try:
        yield
    finally:
        for parameter, flag in flags:
            parameter.requires_grad_(flag)
