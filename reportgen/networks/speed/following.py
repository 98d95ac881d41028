"""What follows each convolution of a pass, and reads it alone: a frozen norm, a sum with a shortcut, a rectifier.

A convolution can do their work in its own pass over its maps, which changes no answer where nothing else reads what
lies between. That is found by following a pass without arithmetic, so that nothing on its way depends on values.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network
from reportgen.networks.core.observing import Observer
from reportgen.networks.core.passes import REFUSALS, answer_at
from reportgen.networks.speed.plain_layers import hooked, is_plain_convolution

_NORMS = (nn.BatchNorm2d, nn.BatchNorm3d)
_RELUS = (torch.ops.aten.relu.default, torch.ops.aten.relu_.default)
_SUMS = (torch.ops.aten.add.Tensor, torch.ops.aten.add_.Tensor)

Value = tuple[int, int]
"""A tensor's id, and how often it was overwritten until then."""


@dataclass(frozen=True)
class Following:
    """What alone reads a convolution, in this order: a norm, a sum with a map of the same shape, and a rectifier.

    A sum is told of only where a rectifier alone reads it. `gathers`: the convolution's maps have one other reader,
    the sum at the end of the branch that begins here, so that the shortcut's gradient can be added to its own.
    """

    norm: str | None = None
    sums: bool = False
    rectifier: str | None = None
    gathers: bool = False


@dataclass
class _Operation:
    """An operation of a pass: what it read, and what it returned or left in place."""

    function: Any
    args: tuple[Any, ...]
    plain: bool
    read: list[Value]
    made: list[Value] = field(default_factory=list)


def what_follows(network: Network, clip: Tensor, layer: str | None, keep: Collection[str]) -> dict[str, Following]:
    """Return what follows each plain convolution that is called once, on a clip's way to `layer` or the end.

    The clip is `1 C T H W`. None of a network that asks for values. What is named in `keep` or has hooks takes in
    nothing, and is taken in by nothing.
    """
    modules = dict(network.module.named_modules())
    convolutions = {name for name, part in modules.items() if is_plain_convolution(part) and name not in keep}
    takers = {
        name
        for name, part in modules.items()
        if type(part) in (*_NORMS, nn.ReLU) and not hooked(part) and name not in keep
    }
    seen = _Reading()
    with suppress(NetworkError, *REFUSALS), ExitStack() as stack, torch.no_grad(), seen:
        for name, part in modules.items():
            if name in convolutions:
                stack.callback(part.register_forward_hook(partial(seen.note_output, name)).remove)
            elif name in takers:
                stack.callback(part.register_forward_pre_hook(partial(seen.note_input, name)).remove)
            elif hooked(part) or name in keep:
                stack.callback(part.register_forward_hook(seen.overhear).remove)
        answer_at(network, torch.empty_like(clip, device="meta"), layer)
        return _Followed(seen, modules).found()
    return {}


class _Reading(Observer):
    """Notes the operations of a pass; a tensor lives as long as this, so that its id is its own."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[_Operation] = []
        self.returned: dict[str, list[Value]] = {}
        self.given: dict[Value, list[str]] = {}
        self.overheard: set[Value] = set()
        self._overwritten: dict[int, int] = {}
        self._held: list[Any] = []

    def __torch_dispatch__(
        self, func: Any, _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        read = self._values((args, kwargs))
        answer = func(*args, **kwargs)
        for argument, given in zip(func._schema.arguments, args, strict=False):
            if argument.alias_info is not None and argument.alias_info.is_write:
                for one in tree_leaves(given):
                    self._overwritten[id(one)] = self._overwritten.get(id(one), 0) + 1
        self._held += [args, kwargs, answer]
        self.operations.append(_Operation(func, args, not kwargs, read, self._values(answer)))
        return answer

    def _values(self, tree: Any) -> list[Value]:
        return [self.value(one) for one in tree_leaves(tree) if isinstance(one, Tensor)]

    def value(self, tensor: Tensor) -> Value:
        """Return a tensor's present value."""
        return id(tensor), self._overwritten.get(id(tensor), 0)

    def note_output(self, name: str, _module: nn.Module, _args: Any, output: Tensor) -> None:
        """Note what a convolution returns."""
        self.returned.setdefault(name, []).append(self.value(output))

    def note_input(self, name: str, _module: nn.Module, args: tuple[Tensor, ...]) -> None:
        """Note what a norm or a rectifier is given."""
        self.given.setdefault(self.value(args[0]), []).append(name)

    def overhear(self, _module: nn.Module, args: Any, output: Any) -> None:
        """Note what somebody else listens to."""
        self._held += [args, output]
        self.overheard.update(self._values((args, output)))


class _Followed:
    """Reads from a pass that was noted what follows each convolution."""

    def __init__(self, seen: _Reading, modules: Mapping[str, nn.Module]) -> None:
        self.seen, self.modules = seen, modules
        self.readers: dict[Value, list[_Operation]] = {}
        self.calls: dict[str, int] = {}
        for operation in seen.operations:
            for value in operation.read:
                self.readers.setdefault(value, []).append(operation)
        for names in seen.given.values():
            for name in names:
                self.calls[name] = self.calls.get(name, 0) + 1

    def found(self) -> dict[str, Following]:
        """Return what follows each convolution that is called once."""
        once = {name: values[0] for name, values in self.seen.returned.items() if len(values) == 1}
        found: dict[str, Following] = {}
        sums: dict[int, list[str]] = {}
        for name, returned in once.items():
            norm, value = self._norm(returned)
            rectifier, total = self._rectifier(value), None
            if rectifier is None and (total := self._sum(value)) is not None:
                rectifier = self._rectifier(total.made[0])
                if rectifier is not None:
                    sums.setdefault(id(total), []).append(name)
            found[name] = Following(norm, False, rectifier if total is None else None)
        for operation in self.seen.operations:
            names = sums.get(id(operation), [])
            written = operation.read[0] if operation.function is torch.ops.aten.add_.Tensor else None
            # What is written over must be a convolution's: others may hold another map.
            if written is None or any(self._norm(once[name])[1] == written for name in names):
                for name in names:
                    self._take_in(operation, name, found, once)
        return found

    def _take_in(self, total: _Operation, name: str, found: dict[str, Following], once: Mapping[str, Value]) -> None:
        """Let a convolution do a sum, and the one that begins its branch gather the shortcut's gradient."""
        found[name] = Following(found[name].norm, True, self._rectifier(total.made[0]))
        for value in total.read:
            others = [reader for reader in self.readers[value] if reader is not total]
            if len(others) == 1 and len(self.readers[value]) == 2:
                first = next((one for one, made in once.items() if others[0].made == [made]), None)
                if first is not None and others[0].read[0] == value and self._leads(once[first], once[name]):
                    found[first] = Following(found[first].norm, found[first].sums, found[first].rectifier, True)

    def _leads(self, start: Value, end: Value) -> bool:
        """Return whether a value is computed from another one."""
        reached, pending = set(), [start]
        while pending:
            value = pending.pop()
            if value == end:
                return True
            if value not in reached:
                reached.add(value)
                pending += [made for reader in self.readers.get(value, []) for made in reader.made]
        return False

    def _alone(self, value: Value) -> _Operation | None:
        """Return the one operation that reads a value to which nobody else listens."""
        readers = self.readers.get(value, [])
        return readers[0] if len(readers) == 1 and value not in self.seen.overheard else None

    def _taker(self, value: Value, kinds: Iterable[type[nn.Module]]) -> str | None:
        """Return the layer of some kinds that is given a value."""
        names = self.seen.given.get(value, [])
        return names[0] if len(names) == 1 and type(self.modules[names[0]]) in kinds else None

    def _norm(self, value: Value) -> tuple[str | None, Value]:
        """Return the norm that alone reads a value, if it is called once, and the value that is read next."""
        operation, name = self._alone(value), self._taker(value, _NORMS)
        if operation is None or name is None or self.calls[name] != 1 or not _evaluates_norm(operation):
            return None, value
        return name, operation.made[0]

    def _rectifier(self, value: Value) -> str | None:
        operation = self._alone(value)
        return self._taker(value, (nn.ReLU,)) if operation is not None and operation.function in _RELUS else None

    def _sum(self, value: Value) -> _Operation | None:
        """Return the sum of two maps of one shape that alone reads a value."""
        operation = self._alone(value)
        if operation is None or operation.function not in _SUMS or not operation.plain or len(operation.args) != 2:
            return None
        one, other = operation.args
        alike = isinstance(other, Tensor) and one.shape == other.shape and one.dtype == other.dtype
        return operation if alike and one is not other else None


def _evaluates_norm(operation: _Operation) -> bool:
    """Return whether an operation is a batch norm by statistics that it has."""
    aten = torch.ops.aten
    if operation.function is aten.native_batch_norm.default:
        return not operation.args[5]
    return operation.function is aten._native_batch_norm_legit_no_training.default
