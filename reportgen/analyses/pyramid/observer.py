"""The responses of a graph's kernels as a forward pass computes them.

The pass is observed like the connection graph's (below autograd), so the network is not edited and needs no hooks:
each kernel layer is known by the weight tensor that its operation uses, and its response is followed through batch
norm and activation to the tensor that other layers read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import GradientEdge, get_gradient_edge
from torch.utils._pytree import tree_leaves

from reportgen.networks.core.observing import Observer, named_arguments, operation_name
from reportgen.networks.core.precision import widened
from reportgen.networks.trace.constants import Constants
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.networks.trace.kernels import kernel_use
from reportgen.networks.trace.operations import keeps_places

_VIEWS = frozenset({"view", "_unsafe_view"})


@dataclass(eq=False)
class Response:
    """What one call of a layer's kernels became: the tensor behind its batch norm and activation.

    `axis` is the kernels' axis, `call` counts the kernel operations of the pass before this one, `step` the
    operations that the response has been through since. `uses` counts the operations that read the tensor; while
    there is one, and it is an activation or a normalisation, the response goes on in `after`. `value` is a copy where
    a later in-place operation overwrites the tensor. It is `viewed` where only its shape is another one.
    """

    layer: str
    tensor: Tensor
    axis: int
    call: int
    step: int = 0
    uses: int = 0
    viewed: bool = False
    after: Response | None = None
    value: Tensor | None = None
    relevance: Tensor | None = None
    edge: GradientEdge | None = None

    def final(self) -> Response:
        """Return the response behind the last activation or normalisation that reads nothing else.

        A comparison is none, but for what is made of it alone, such as spikes.
        """
        if self.after is None or self.uses != 1:
            return self
        last = self.after.final()
        return self if last.viewed or not last.tensor.is_floating_point() else last

    def read(self) -> Tensor:
        """Return the response's value, detached and in float32 at least: kernels along `axis`."""
        return widened(self.tensor.detach() if self.value is None else self.value)

    def watch(self) -> None:
        """Note the relevance when the gradient of this tensor, as it is now, arrives; `edge` leads there."""

        def note(gradient: Tensor | None) -> None:
            if gradient is not None:  # what has no derivative, such as a quantised layer, gives none back
                self.relevance = self.per_kernel(widened(gradient.detach()) * self.read())

        if self.tensor.requires_grad:
            self.tensor.register_hook(note)
            self.edge = get_gradient_edge(self.tensor)

    def per_kernel(self, values: Tensor) -> Tensor:
        """Return the sum of `values`, shaped like the response, for each kernel."""
        return values.sum([axis for axis in range(values.ndim) if axis != self.axis])


class ResponseObserver(Observer):
    """Finds the responses, weights and input means of a graph's layers in one forward pass."""

    def __init__(
        self,
        graph: ConnectionGraph,
        module: nn.Module,
        layers: Iterable[str],
        *,
        input_means: bool = False,
    ) -> None:
        super().__init__()
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
        name = operation_name(func)
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
            self._count_uses(name, inputs, followed, outputs)
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
        return response if alone or name in _VIEWS else None

    def _overwriting(self, target: Tensor, followed: Response | None) -> Response | None:
        """Save a response before its tensor is overwritten; an in-place activation only carries it on.

        Overwriting a part of it, through a view, is no activation.
        """
        response = self._current.get(id(target))
        if response is None and target._base is not None:
            target = target._base
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

    def _count_uses(
        self, name: str, inputs: Sequence[Tensor], followed: Response | None, outputs: Sequence[Tensor]
    ) -> None:
        for tensor in inputs:
            response = self._current.get(id(tensor))
            if response is not None and not any(tensor is output for output in outputs):
                response.uses += 1
        if followed is None or not outputs or outputs[0].is_complex():  # made for a spectrum: it has no responses
            return
        output = outputs[0]
        axis = _axis_behind(followed.axis, followed.tensor.shape, output.shape)
        if axis is not None:
            viewed = name in _VIEWS
            followed.after = Response(followed.layer, output, axis, followed.call, followed.step + 1, viewed=viewed)
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
            self.input_means.setdefault(layer, []).append(widened(use.operand.detach()).mean(rest))
        response = Response(layer, outputs[0], use.out_axis, len(self.responses))
        self.responses.append(response)
        self._current[id(outputs[0])] = response
        self.reached(response)


def _axis_behind(axis: int, before: Sequence[int], after: Sequence[int]) -> int | None:
    """Return the kernels' axis in what was `before` and has the shape `after` now; None where it is not kept.

    Positions may be written along fewer or more axes behind the kernels' own, or in front of it where it is the last.
    """
    if axis == len(before) - 1:
        return len(after) - 1 if after[-1] == before[-1] else None
    return axis if tuple(after[: axis + 1]) == tuple(before[: axis + 1]) else None
