"""Tracing one forward pass, operation by operation, for the kernels that every tensor comes from.

Of a clip without values nothing is computed (see `reportgen.networks.trace.valueless`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.errors import NoAnswerError
from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.constants import Constant, Constants
from reportgen.networks.trace.follower import Follower
from reportgen.networks.trace.graph import KernelLayer, LayerKind, Layout
from reportgen.networks.trace.kernels import (
    CONVOLUTIONS,
    PRODUCTS,
    KernelUse,
    kernel_inputs,
    kernel_outputs,
    kernel_use,
)
from reportgen.networks.trace.labels import NONE, Ids, Labels, counted, everywhere
from reportgen.networks.trace.operations import Operation
from reportgen.networks.trace.rearranging import elementwise

_PRODUCTS_OF_ACTIVATIONS = frozenset({"mm", "bmm", "addmm", "baddbmm", "convolution", "linear", "matmul", "mv", "dot"})

_KERNEL_OPERATIONS = frozenset({*CONVOLUTIONS, *PRODUCTS, "linear"})
_OF_EACH_CLIP = frozenset({"bmm", "baddbmm"})
"""Products of a matrix for each clip: what a layer makes of constants is an answer there, and no weight."""


@dataclass(eq=False)
class _Draft:
    """A layer of the graph while its calls are still coming in."""

    name: str
    kind: LayerKind
    size: int
    offset: int
    inputs: list[Ids]
    groups: int = 1
    layout: Layout = "none"
    parameter: str | None = None
    operation: str = ""


class Tracer(Follower[Labels]):
    """Observes the operations of one forward pass of `module` on `clip` and drafts the graph's layers.

    `state` are the parameters and buffers that the module runs with, where they are not its own.
    """

    domain = Labels
    as_laid = True

    def __init__(self, module: nn.Module, clip: Tensor, state: Mapping[str, Tensor] | None = None) -> None:
        super().__init__()
        self.constants = Constants(module, state)
        own = (*module.named_parameters(), *module.named_buffers())
        self._meant = {} if state is None else {id(state[name]): value for name, value in own}
        self.drafts: list[_Draft] = []
        self.weights: dict[Constant, str] = {}
        self.unknown: dict[str, int] = {}
        self.value_dependent: list[str] = []
        self.stack: list[str] = []
        self._total = 0
        axis = 1 if clip.ndim > 1 else 0
        source = self._draft("input", "input", clip.shape[axis], np.empty((1, 0), np.int32))
        self.mark(clip, counted(source.offset, axis, tuple(clip.shape)))

    def values(self, tensor: Tensor) -> NDArray[Any] | None:
        """Return a constant's values: of what takes the place of a parameter or buffer, that one's."""
        return super().values(self._meant.get(id(tensor), tensor))

    def boundary(self, call: TracedCall[Labels], what: str) -> Labels:
        """Draft a boundary that reads all sources of the call's arguments, and return its output's labels."""
        found = [self.known(tensor).sources() for tensor in call.tensors()]
        sources = np.unique(np.concatenate(found)) if found else np.empty(0, np.int32)
        if len(sources) == 1:
            return everywhere(int(sources[0]), call.shape)
        where = f"{self.stack[-1]}:{what}" if self.stack and self.stack[-1] else what
        draft = self._draft(self._free_name(where), "boundary", 1, sources.reshape(1, -1), operation=call.name)
        return everywhere(draft.offset, call.shape)

    def _observe(self, call: TracedCall[Labels]) -> None:
        if not call.outputs:
            if call.name in {"_local_scalar_dense", "item", "equal"} and not self.sourceless(call.tensors()):
                self.value_dependent.append(self.stack[-1] if self.stack else "")
            return
        settings = [v for v in call.arguments.values() if not isinstance(v, Tensor)]
        self.constants.observe(call.name, call.tensors(), settings, call.outputs)

    def _by_rule(self, func: Any, call: TracedCall[Labels], operation: Operation) -> Labels:
        use = kernel_use(call.name, call.arguments, lambda tensor: self.sourceless([tensor]))
        if use is not None:
            return self._kernels(call, use)
        if operation.sources is not None:
            return operation.sources(call)
        if torch.Tag.pointwise in func.tags:
            return elementwise(call)
        if call.name in _PRODUCTS_OF_ACTIVATIONS:
            return call.boundary("product_of_activations")
        self.unknown[call.name] = self.unknown.get(call.name, 0) + 1
        return call.boundary()

    def _other_output(self, call: TracedCall[Labels], first: Labels, shape: tuple[int, ...]) -> Labels:
        behind = first if self._is_boundary(first) else call.boundary()
        return everywhere(int(behind.cells.flat[0]), shape)

    def _is_boundary(self, labels: Labels) -> bool:
        last = self.drafts[-1]
        return last.kind == "boundary" and bool((labels.cells == last.offset).all())

    def _kernels(self, call: TracedCall[Labels], use: KernelUse) -> Labels:
        constant = self.constants[use.weight]
        if constant is None or not constant.roots:  # made of no parameter or buffer: nothing to take a gradient to
            return call.boundary("weights_of_no_layer")
        if call.name in _OF_EACH_CLIP and constant.made_by(_KERNEL_OPERATIONS):  # as queries that are learnt
            return call.boundary("product_of_activations")
        inputs = kernel_inputs(call, use)
        if constant in self.weights:
            draft = next(d for d in self.drafts if d.name == self.weights[constant])
            if (use.size, use.layout, inputs.shape[1]) != (draft.size, draft.layout, draft.inputs[0].shape[1]):
                raise NoAnswerError(
                    f"The weights of {draft.name} are used in two ways, as by a decoder that is tied to its encoder: "
                    "which kernel feeds which cannot be told of such a network."
                )
            draft.inputs.append(inputs)
            return kernel_outputs(call, use, draft.offset)
        name = self._free_name(constant.name or (self.stack[-1] if self.stack else "") or call.name)
        draft = self._draft(name, use.kind, use.size, inputs, operation=call.name)
        draft.groups, draft.layout, draft.parameter = use.groups, use.layout, constant.parameter
        self.weights[constant] = name
        return kernel_outputs(call, use, draft.offset)

    def _draft(self, name: str, kind: LayerKind, size: int, inputs: Ids, operation: str = "") -> _Draft:
        draft = _Draft(name, kind, size, self._total, [inputs], operation=operation)
        self.drafts.append(draft)
        self._total += size
        return draft

    def _free_name(self, wanted: str) -> str:
        taken = {draft.name for draft in self.drafts}
        name, count = wanted, 1
        while name in taken:
            count += 1
            name = f"{wanted}#{count}"
        return name

    def layers(self) -> tuple[list[KernelLayer], list[tuple[str, str]]]:
        """Return the graph's layers, and the pairs (source, target) of layers that would close a cycle."""
        offsets = np.array([draft.offset for draft in self.drafts])
        finished, recurrent = [], []
        for draft in self.drafts:
            shape = (1, draft.inputs[0].shape[1])
            every = Labels(np.concatenate(draft.inputs)[:, None, :], shape)
            inputs = every.like(every.cells, shape).expanded([1])[:, 0]
            late = np.unique(inputs[inputs >= draft.offset])
            sources = np.unique(np.searchsorted(offsets, late, side="right") - 1)
            recurrent += [(self.drafts[int(position)].name, draft.name) for position in sources]
            kept = np.where(inputs >= draft.offset, NONE, inputs).astype(np.int32)
            finished.append(
                KernelLayer(
                    name=draft.name,
                    kind=draft.kind,
                    size=draft.size,
                    offset=draft.offset,
                    inputs=np.ascontiguousarray(kept),
                    groups=draft.groups,
                    layout=draft.layout,
                    parameter=draft.parameter,
                    operation=draft.operation,
                )
            )
        return finished, recurrent


@contextmanager
def module_names(module: nn.Module, stack: list[str], ended: list[str] | None = None) -> Iterator[None]:
    """Keep `stack` at the names of the submodules that are running, innermost last.

    `ended` is given the names of those with weights of their own that have run.
    """

    def entering(name: str) -> Callable[..., None]:
        return lambda *_: stack.append(name)

    def leaving(part: nn.Module, *_: Any) -> None:
        name = stack.pop()
        if ended is not None and any(True for _ in part.parameters(recurse=False)):
            ended.append(name)

    handles = []
    for name, child in module.named_modules():
        handles.append(child.register_forward_pre_hook(entering(name)))
        handles.append(child.register_forward_hook(leaving))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
