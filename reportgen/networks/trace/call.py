"""One traced operation, as the rules see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray
from torch import Tensor

from reportgen.networks.trace.labels import Labels

MAX_SOURCES = 256
"""An element that would have more sources than this, by an operation other than a kernel, becomes a boundary."""


class ValuesNeededError(Exception):
    """The rule needs the values of an index tensor, and the trace has only shapes."""


class Trace(Protocol):
    """What a rule may ask about the pass that its operation is part of."""

    def labels(self, tensor: Tensor) -> Labels:
        """Return a tensor's labels."""
        ...

    def sourceless(self, tensors: Iterable[Tensor]) -> bool:
        """Whether no kernel can change any of the tensors."""
        ...

    def values(self, tensor: Tensor) -> NDArray[Any] | None:
        """Return a constant's values, or None when the trace has only its shape."""
        ...

    def boundary(self, call: Call, what: str) -> Labels:
        """Return the labels of an output that may come from anything in the call's arguments."""
        ...


@dataclass(frozen=True, eq=False)
class Call:
    """One operation of the traced forward pass: its arguments by the names of its schema, and its outputs."""

    trace: Trace
    name: str
    arguments: dict[str, Any]
    outputs: Sequence[Tensor]

    @property
    def shape(self) -> tuple[int, ...]:
        """The first output's shape."""
        return tuple(self.outputs[0].shape)

    @property
    def source(self) -> Labels:
        """The labels of the first tensor argument."""
        return self.of(next(value for value in self.arguments.values() if isinstance(value, Tensor)))

    def of(self, tensor: Tensor) -> Labels:
        """Return a tensor's labels."""
        return self.trace.labels(tensor)

    def tensors(self) -> list[Tensor]:
        """Return all tensor arguments, also those in lists."""
        found: list[Tensor] = []
        for value in self.arguments.values():
            found += [v for v in (value if isinstance(value, list | tuple) else [value]) if isinstance(v, Tensor)]
        return found

    def axis(self, name: str = "dim", default: int = 0) -> int:
        """Return an axis argument, counted from the front."""
        return int(self.arguments.get(name, default)) % max(1, len(self.source.shape))

    def boundary(self, what: str | None = None) -> Labels:
        """Return the labels of an output behind a boundary."""
        return self.trace.boundary(self, what or self.name)

    def limited(self, labels: Labels, what: str | None = None) -> Labels:
        """Return the labels, or a boundary when an element has too many sources."""
        return labels if len(labels.ids) <= MAX_SOURCES else self.boundary(what)


Rule = Callable[[Call], Labels]
