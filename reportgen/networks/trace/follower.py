"""Following something through one forward pass, operation by operation: the kernels or the places values come from.

The pass is observed below autograd (`__torch_dispatch__`), where every network, whatever Python it is written in,
consists of a few hundred well-defined ATen operations.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import _disable_current_modes
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.networks.core.observing import Observer, named_arguments, operation_name
from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.operations import OPERATIONS, Operation, meta_result
from reportgen.networks.trace.strides import same_elements
from reportgen.networks.trace.traced import D
from reportgen.networks.trace.views import View

_STATISTICS = ("batch_norm", "batch_norm_legit", "no_training", "with_update", "no_update", "layer_norm", "group_norm")
_RESHAPING_IN_PLACE = frozenset({"squeeze", "unsqueeze", "t", "transpose"})
_NONE = Operation()


@dataclass(eq=False)
class _Tracked(Generic[D]):
    """What is known of a tensor; for a view, its base and how it reads it."""

    found: D
    base: _Tracked[D] | None = None
    view: View | None = None
    version: int = 0

    def root(self) -> _Tracked[D]:
        return self if self.base is None else self.base.root()

    def read(self) -> D:
        """Return what is known, read anew when the base was overwritten since."""
        root = self.root()
        if self.base is not None and self.view is not None and self.version != root.version:
            self.found, self.version = self.view.read(self.base.read()), root.version
        return self.found

    def write(self, found: D) -> None:
        """Overwrite what is known, the base's with it."""
        if self.base is not None and self.view is not None:
            self.base.write(self.view.write(self.base.read(), found))
            self.version = self.root().version
        else:
            self.version += 1
        self.found = found


class Follower(Observer, Generic[D]):
    """While active, observes operations and keeps for each tensor what `D` tells of its elements."""

    domain: type[D]
    as_laid = False
    """Whether it matters which operations torch chooses by how tensors lie in memory."""

    def __init__(self) -> None:
        super().__init__()
        self._tracked = WeakIdKeyDictionary()

    # what rules ask

    def mark(self, tensor: Tensor, found: D) -> None:
        """Say what is known of a tensor."""
        self._tracked[tensor] = _Tracked(found)

    def known(self, tensor: Tensor) -> D:
        """Return what is known of a tensor; one that the pass did not make from a marked one is a constant."""
        tracked: _Tracked[D] | None = self._tracked.get(tensor)
        return self.domain.nothing(tuple(tensor.shape)) if tracked is None else tracked.read()

    def sourceless(self, tensors: Iterable[Tensor]) -> bool:
        """Whether nothing that is followed can change any of the tensors."""
        return all(tensor not in self._tracked or self.known(tensor).sourceless for tensor in tensors)

    def values(self, tensor: Tensor) -> NDArray[Any] | None:
        """Return a constant's values, or None when the trace has only its shape."""
        with _disable_current_modes():
            if isinstance(tensor, FakeTensor):
                tensor = tensor.constant  # type: ignore[assignment]  # None when torch did not keep the value
            return None if tensor is None or tensor.device.type == "meta" else tensor.detach().cpu().numpy()

    @abstractmethod
    def boundary(self, call: TracedCall[D], what: str) -> D:
        """Return what is known of an output that may come from anything in the call's arguments."""

    @abstractmethod
    def _by_rule(self, func: Any, call: TracedCall[D], operation: Operation) -> D:
        """Return what is known of the first output of an operation that is given something that is followed."""

    # observing

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Execute the operation and note what is known of its outputs."""
        if func is torch.ops.aten.as_strided_.default and same_elements(*args):
            return func(*args)  # asked before it runs: then the tensor lies as it is told to
        arguments = named_arguments(func, args, kwargs or {})
        result = meta_result(func, arguments, as_laid=self.as_laid)
        if result is None:
            result = func(*args, **(kwargs or {}))
        outputs = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        call = TracedCall(self, operation_name(func), arguments, outputs)
        self._observe(call)
        operation = OPERATIONS.get(call.name, _NONE)
        if not outputs:
            return result
        if func._schema.is_mutable:
            self._write(func, call, operation)
        elif operation.view is not None and (views := operation.view(call)) is not None:
            self._view(func, call, views)
        else:
            for output, found in zip(
                outputs, self._outputs(call, self._first_output(func, call, operation)), strict=True
            ):
                self.mark(output, found)
        self._finished(func, args, kwargs or {}, outputs)
        return result

    def _observe(self, call: TracedCall[D]) -> None:
        """Note what else a trace wants to know of an operation."""

    def _finished(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any], outputs: Sequence[Tensor]) -> None:
        """Note what else a trace wants to know of what an operation returned."""

    def _first_output(self, func: Any, call: TracedCall[D], operation: Operation) -> D:
        if self.sourceless(call.tensors()):
            return call.nothing()
        return self._by_rule(func, call, operation)

    def _outputs(self, call: TracedCall[D], first: D) -> list[D]:
        """Return what is known of all outputs: those of the first one's shape share what it has."""
        found = [first]
        for output in call.outputs[1:]:
            shape = tuple(output.shape)
            if shape == first.shape:
                found.append(first)
            elif 0 in shape or first.sourceless or call.name.endswith(_STATISTICS):
                found.append(self.domain.nothing(shape))
            else:
                found.append(self._other_output(call, first, shape))
        return found

    @abstractmethod
    def _other_output(self, call: TracedCall[D], first: D, shape: tuple[int, ...]) -> D:
        """Return what is known of a further output that is of another shape."""

    def _view(self, func: Any, call: TracedCall[D], views: Sequence[View]) -> None:
        base = next(v for v in call.arguments.values() if isinstance(v, Tensor))
        tracked = self._known(base)
        aliases = any(returned.alias_info is not None for returned in func._schema.returns)
        for output, view in zip(call.outputs, views, strict=True):
            found = view.read(tracked.read())
            version = tracked.root().version
            self._tracked[output] = _Tracked(found, tracked, view, version) if aliases else _Tracked(found)

    def _write(self, func: Any, call: TracedCall[D], operation: Operation) -> None:
        """Follow an in-place operation, or one with `out=`, into the tensors that it overwrites."""
        written = [a.name for a in func._schema.arguments if a.alias_info is not None and a.alias_info.is_write]
        if call.name in _RESHAPING_IN_PLACE:
            views = operation.view(call) if operation.view is not None else None
            assert views is not None  # none of these is a view that cannot be followed
            self.mark(call.outputs[0], views[0].read(self.known(call.outputs[0])))
            return
        targets = [call.arguments[name] for name in written if isinstance(call.arguments.get(name), Tensor)]
        found = self._outputs(call, self._first_output(func, call, operation))
        for target in targets:
            if tuple(target.shape) != call.shape:
                continue  # running statistics of a batch norm in training
            self._known(target).write(found[0])
        for output, own in zip(call.outputs, found, strict=True):
            if not any(output is target for target in targets):
                self.mark(output, own)

    def _known(self, tensor: Tensor) -> _Tracked[D]:
        tracked: _Tracked[D] | None = self._tracked.get(tensor)
        if tracked is None:
            tracked = _Tracked(self.domain.nothing(tuple(tensor.shape)))
            self._tracked[tensor] = tracked
        return tracked
