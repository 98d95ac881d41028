"""Tracing one forward pass, operation by operation, for the sources of every tensor.

The pass is observed below autograd (`__torch_dispatch__`), where every network, whatever Python it is written in,
consists of a few hundred well-defined ATen operations. With `FakeTensorMode` underneath nothing is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves

from reportgen.networks.trace.call import Call
from reportgen.networks.trace.constants import Constant, Constants
from reportgen.networks.trace.graph import KernelLayer, Kind, Layout
from reportgen.networks.trace.kernels import KernelUse, kernel_inputs, kernel_outputs, kernel_use
from reportgen.networks.trace.labels import NONE, Ids, Labels, canonical, counted, everywhere, nothing
from reportgen.networks.trace.operations import RULES
from reportgen.networks.trace.rearranging import VIEWS, elementwise
from reportgen.networks.trace.strides import same_elements
from reportgen.networks.trace.views import View


@dataclass(eq=False)
class _Tracked:
    """A tensor's labels; for a view, its base and how it reads it."""

    labels: Labels
    base: _Tracked | None = None
    view: View | None = None
    version: int = 0

    def root(self) -> _Tracked:
        return self if self.base is None else self.base.root()

    def read(self) -> Labels:
        """Return the labels, read anew when the base was overwritten since."""
        root = self.root()
        if self.base is not None and self.view is not None and self.version != root.version:
            self.labels, self.version = self.view.read(self.base.read()), root.version
        return self.labels

    def write(self, labels: Labels) -> None:
        """Overwrite the labels, the base's with them."""
        if self.base is not None and self.view is not None:
            self.base.write(self.view.write(self.base.read(), labels))
            self.version = self.root().version
        else:
            self.version += 1
        self.labels = labels


@dataclass(eq=False)
class _Draft:
    """A layer of the graph while its calls are still coming in."""

    name: str
    kind: Kind
    size: int
    offset: int
    inputs: list[Ids]
    groups: int = 1
    layout: Layout = "none"
    parameter: str | None = None
    operation: str = ""


class Tracer(TorchDispatchMode):  # type: ignore[no-untyped-call, unused-ignore]
    """Observes the operations of one forward pass of `module` on `clip` and drafts the graph's layers."""

    def __init__(self, module: nn.Module, clip: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]
        self.constants = Constants(module)
        self.drafts: list[_Draft] = []
        self.weights: dict[Constant, str] = {}
        self.unknown: dict[str, int] = {}
        self.value_dependent: list[str] = []
        self.stack: list[str] = []
        self._tracked: dict[int, _Tracked] = {}
        self._held: list[Tensor] = []  # an id is only unique while its tensor lives
        self._total = 0
        axis = 1 if clip.ndim > 1 else 0
        source = self._draft("input", "input", clip.shape[axis], np.empty((1, 0), np.int32))
        self._track(clip, _Tracked(counted(source.offset, axis, tuple(clip.shape))))

    # what rules ask

    def labels(self, tensor: Tensor) -> Labels:
        """Return a tensor's labels; a tensor that the pass did not make is a constant."""
        tracked = self._tracked.get(id(tensor))
        return nothing(tuple(tensor.shape)) if tracked is None else tracked.read()

    def sourceless(self, tensors: Iterable[Tensor]) -> bool:
        """Whether no kernel can change any of the tensors."""
        return all(self.labels(tensor).sourceless for tensor in tensors)

    def values(self, tensor: Tensor) -> NDArray[Any] | None:
        """Return a constant's values, or None when the trace has only its shape."""
        with _disable_current_modes():
            if isinstance(tensor, FakeTensor):
                tensor = tensor.constant  # type: ignore[assignment]  # None when torch did not keep the value
            return None if tensor is None else tensor.detach().cpu().numpy()

    def boundary(self, call: Call, what: str) -> Labels:
        """Draft a boundary that reads all sources of the call's arguments, and return its output's labels."""
        found = [self.labels(tensor).sources() for tensor in call.tensors()]
        sources = np.unique(np.concatenate(found)) if found else np.empty(0, np.int32)
        if len(sources) == 1:
            return everywhere(int(sources[0]), call.shape)
        where = f"{self.stack[-1]}:{what}" if self.stack and self.stack[-1] else what
        draft = self._draft(self._free_name(where), "boundary", 1, sources.reshape(1, -1), operation=call.name)
        return everywhere(draft.offset, call.shape)

    # observing

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is torch.ops.aten.as_strided_.default and same_elements(*args):
            return func(*args)  # asked before it runs: then the tensor lies as it is told to
        result = func(*args, **(kwargs or {}))
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        arguments = named_arguments(func, args, kwargs or {})
        call = Call(self, func._schema.name.split("::")[-1].removesuffix("_"), arguments, outputs)
        if not outputs:
            self._note_value(call)
            return result
        inputs = call.tensors()
        settings = [v for v in arguments.values() if not isinstance(v, Tensor)]
        self.constants.observe(call.name, inputs, settings, outputs)
        if func._schema.is_mutable:
            self._write(func, call)
        elif call.name in VIEWS and (views := VIEWS[call.name](call)) is not None:
            self._view(func, call, views)
        else:
            for output, labels in zip(outputs, self._outputs(call, self._first_output(func, call)), strict=True):
                self._track(output, _Tracked(labels))
        return result

    def _first_output(self, func: Any, call: Call) -> Labels:
        if self.sourceless(call.tensors()):
            return nothing(call.shape)
        use = kernel_use(call.name, call.arguments, lambda tensor: self.sourceless([tensor]))
        if use is not None:
            return self._kernels(call, use)
        if call.name in RULES:
            return RULES[call.name](call)
        if torch.Tag.pointwise in func.tags:
            return elementwise(call)
        if call.name in _PRODUCTS_OF_ACTIVATIONS:
            return call.boundary("product_of_activations")
        self.unknown[call.name] = self.unknown.get(call.name, 0) + 1
        return call.boundary()

    def _outputs(self, call: Call, first: Labels) -> list[Labels]:
        """Return the labels of all outputs: those of the first one's shape share its labels."""
        labels = [first]
        for output in call.outputs[1:]:
            shape = tuple(output.shape)
            if shape == first.shape:
                labels.append(first)
            elif 0 in shape or first.sourceless or call.name.endswith(_STATISTICS):
                labels.append(nothing(shape))
            else:
                behind = first if self._is_boundary(first) else call.boundary()
                labels.append(everywhere(int(behind.ids.flat[0]), shape))
        return labels

    def _is_boundary(self, labels: Labels) -> bool:
        last = self.drafts[-1]
        return last.kind == "boundary" and bool((labels.ids == last.offset).all())

    def _kernels(self, call: Call, use: KernelUse) -> Labels:
        constant = self.constants[use.weight] or Constant((), (f"#{len(self.drafts)}",))
        inputs = kernel_inputs(call, use)
        if constant in self.weights:
            draft = next(d for d in self.drafts if d.name == self.weights[constant])
            draft.inputs.append(inputs)
            return kernel_outputs(call, use, draft.offset)
        name = self._free_name(constant.name or (self.stack[-1] if self.stack else "") or call.name)
        draft = self._draft(name, use.kind, use.size, inputs, operation=call.name)
        draft.groups, draft.layout, draft.parameter = use.groups, use.layout, constant.parameter
        self.weights[constant] = name
        return kernel_outputs(call, use, draft.offset)

    def _view(self, func: Any, call: Call, views: Sequence[View]) -> None:
        base = next(v for v in call.arguments.values() if isinstance(v, Tensor))
        tracked = self._known(base)
        aliases = any(returned.alias_info is not None for returned in func._schema.returns)
        for output, view in zip(call.outputs, views, strict=True):
            labels = view.read(tracked.read())
            version = tracked.root().version
            self._track(output, _Tracked(labels, tracked, view, version) if aliases else _Tracked(labels))

    def _write(self, func: Any, call: Call) -> None:
        """Follow an in-place operation, or one with `out=`, into the tensors that it overwrites."""
        written = [a.name for a in func._schema.arguments if a.alias_info is not None and a.alias_info.is_write]
        if call.name in _RESHAPING_IN_PLACE:
            views = VIEWS[call.name](call)
            assert views is not None  # none of these is a view that cannot be followed
            tracked = self._known(call.outputs[0])
            self._track(call.outputs[0], _Tracked(views[0].read(tracked.read())))
            return
        targets = [call.arguments[name] for name in written if isinstance(call.arguments.get(name), Tensor)]
        labels = self._outputs(call, self._first_output(func, call))
        for target in targets:
            if tuple(target.shape) != call.shape:
                continue  # running statistics of a batch norm in training
            self._known(target).write(labels[0])
        for output, own in zip(call.outputs, labels, strict=True):
            if not any(output is target for target in targets):
                self._track(output, _Tracked(own))

    def _note_value(self, call: Call) -> None:
        if call.name in {"_local_scalar_dense", "item", "equal"} and not self.sourceless(call.tensors()):
            self.value_dependent.append(self.stack[-1] if self.stack else "")

    # keeping

    def _track(self, tensor: Tensor, tracked: _Tracked) -> None:
        self._tracked[id(tensor)] = tracked
        self._held.append(tensor)

    def _known(self, tensor: Tensor) -> _Tracked:
        if id(tensor) not in self._tracked:
            self._track(tensor, _Tracked(nothing(tuple(tensor.shape))))
        return self._tracked[id(tensor)]

    def _draft(self, name: str, kind: Kind, size: int, inputs: Ids, operation: str = "") -> _Draft:
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
            inputs = canonical(np.concatenate(draft.inputs)[:, None, :], shape).expanded([1])[:, 0]
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


_STATISTICS = ("batch_norm", "batch_norm_legit", "no_training", "with_update", "no_update", "layer_norm", "group_norm")
_RESHAPING_IN_PLACE = frozenset({"squeeze", "unsqueeze", "t", "transpose"})
_PRODUCTS_OF_ACTIVATIONS = frozenset({"mm", "bmm", "addmm", "baddbmm", "convolution", "linear", "matmul", "mv", "dot"})


def named_arguments(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return an operation's arguments by the names of its schema, with the defaults of those not given."""
    named = {}
    for position, argument in enumerate(func._schema.arguments):
        if position < len(args):
            named[argument.name] = args[position]
        elif argument.name in kwargs:
            named[argument.name] = kwargs[argument.name]
        elif argument.has_default_value():
            named[argument.name] = argument.default_value
    return named


@contextmanager
def module_names(module: nn.Module, stack: list[str]) -> Iterator[None]:
    """Keep `stack` at the names of the submodules that are running, innermost last."""

    def entering(name: str) -> Callable[..., None]:
        return lambda *_: stack.append(name)

    def leaving(*_: Any) -> None:
        stack.pop()

    handles = []
    for name, child in module.named_modules():
        handles.append(child.register_forward_pre_hook(entering(name)))
        handles.append(child.register_forward_hook(leaving))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
