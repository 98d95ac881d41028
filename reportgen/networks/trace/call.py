"""One traced operation, as the rules see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from numpy.typing import NDArray
from torch import Tensor

from reportgen.networks.trace.traced import D


class ValuesNeededError(RuntimeError):
    """The rule needs the values of an index tensor, and the trace has only shapes."""


class Trace(Protocol[D]):
    """What a rule may ask about the pass that its operation is part of."""

    domain: type[D]

    def known(self, tensor: Tensor) -> D:
        """Return what is known of a tensor's elements."""
        ...

    def sourceless(self, tensors: Iterable[Tensor]) -> bool:
        """Whether nothing that is followed can change any of the tensors."""
        ...

    def values(self, tensor: Tensor) -> NDArray[Any] | None:
        """Return a constant's values, or None when the trace has only its shape."""
        ...

    def boundary(self, call: TracedCall[D], what: str) -> D:
        """Return what is known of an output that may come from anything in the call's arguments."""
        ...


@dataclass(frozen=True, eq=False)
class TracedCall(Generic[D]):
    """One operation of the traced forward pass: its arguments by the names of its schema, and its outputs."""

    trace: Trace[D]
    name: str
    arguments: dict[str, Any]
    outputs: Sequence[Tensor]

    @property
    def shape(self) -> tuple[int, ...]:
        """The first output's shape."""
        return tuple(self.outputs[0].shape)

    @property
    def source(self) -> D:
        """What is known of the first tensor argument."""
        return self.of(next(value for value in self.arguments.values() if isinstance(value, Tensor)))

    def of(self, tensor: Tensor) -> D:
        """Return what is known of a tensor."""
        return self.trace.known(tensor)

    def nothing(self, shape: Sequence[int] | None = None) -> D:
        """Return what is known of a constant, by default one of the output's shape."""
        return self.trace.domain.nothing(self.shape if shape is None else shape)

    def union(self, parts: Sequence[D]) -> D:
        """Return what an output comes from that is an element-wise function of the parts."""
        return self.trace.domain.union(parts, self.shape)

    def concatenated(self, parts: Sequence[D], axis: int, shape: Sequence[int] | None = None) -> D:
        """Return the parts one behind the other, by default as the output."""
        return self.trace.domain.concatenated(parts, axis, self.shape if shape is None else shape)

    def tensors(self) -> list[Tensor]:
        """Return all tensor arguments, also those in lists."""
        found: list[Tensor] = []
        for value in self.arguments.values():
            found += [v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, Tensor)]
        return found

    def axis(self, name: str = "dim", default: int = 0) -> int:
        """Return an axis argument, counted from the front."""
        return int(self.arguments.get(name, default)) % max(1, len(self.source.shape))

    def per_axis(self, name: str, count: int, default: Any = 0) -> list[int]:
        """Return an argument that is given once or per axis, per axis."""
        value = self.arguments.get(name)
        value = default if value is None or value == [] else value
        values = list(value) if isinstance(value, list | tuple) else [value]
        return [int(v) for v in (values * count if len(values) == 1 else values)]

    def boundary(self, what: str | None = None) -> D:
        """Return what is known of an output behind a boundary."""
        return self.trace.boundary(self, what or self.name)

    def limited(self, found: D, what: str | None = None) -> D:
        """Return what was found, or a boundary when an element has too many sources."""
        return self.boundary(what) if found.crowded else found


TracingRule = Callable[[TracedCall[D]], D]


class SharedRule(Protocol):
    """A rule for whatever a trace follows."""

    def __call__(self, call: TracedCall[D], /) -> D:
        """Return what is known of the operation's first output."""
        ...
