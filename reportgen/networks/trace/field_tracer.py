"""The dispatch mode that follows receptive fields through executed operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakIdKeyDictionary

from reportgen.networks.trace.field_rules import RULES, Call, Rule, independent, pointwise, unknown
from reportgen.networks.trace.fields import Field, forget
from reportgen.networks.trace.shapes import meta_result


class FieldTracer(TorchDispatchMode):
    """While active, follows the fields of every tensor that depends on one marked with `mark`.

    `additions` counts the sums of two such tensors of one shape: the ends of residual branches.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]
        self._fields = WeakIdKeyDictionary()
        self.additions = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Tell torch that no compiler need be kept away: it would import one, which takes seconds."""
        return False

    def mark(self, tensor: Tensor, field: Field) -> None:
        """Say what is known of a tensor."""
        self._fields[tensor] = field

    def field(self, tensor: Tensor) -> Field | None:
        """Return what is known of a tensor; None when it does not depend on a marked one."""
        found: Field | None = self._fields.get(tensor)
        return found

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Execute the operation and note the fields of what it returns."""
        arguments = dict(zip((argument.name for argument in func._schema.arguments), args, strict=False))
        arguments |= kwargs or {}
        result = meta_result(func, arguments)
        if result is None:
            result = func(*args, **(kwargs or {}))
        known = tuple(field for tensor in _tensors(arguments.values()) if (field := self.field(tensor)) is not None)
        outputs = tuple(_tensors([result]))
        if known and outputs:
            self.additions += _is_residual(func, known)
            call = Call(arguments, self.field, known, outputs)
            for tensor, field in zip(outputs, _rule(func)(call), strict=True):
                self._note(tensor, field, func)
        return result

    def _note(self, tensor: Tensor, field: Field | None, func: Any) -> None:
        if field is None:
            return
        self._fields[tensor] = field
        base = tensor._base
        if func._schema.is_mutable and base is not None:
            # Written through a view: where in its base the values went is not followed.
            self._fields[base] = forget(field, base.shape)


def _is_residual(func: Any, known: tuple[Field, ...]) -> bool:
    name = func.overloadpacket.__name__
    return name in {"add", "add_"} and len(known) == 2 and known[0].dims == known[1].dims


def _rule(func: Any) -> Rule:
    name = func.overloadpacket.__name__.removesuffix("_")
    if name in RULES:
        return RULES[name]
    if name.endswith("_like") or name.startswith("new_"):
        return independent
    return pointwise if torch.Tag.pointwise in func.tags else unknown


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
