"""The base of what watches the operations of a pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def operation_name(func: Any) -> str:
    """Return an operation's name without its overload, `add_` as `add`; a quantised one's with its library.

    Other libraries take arguments that are named otherwise: only what is torch's own has its rules.
    """
    library, _, name = func._schema.name.partition("::")
    return f"{library}.{name.removesuffix('_')}" if library == "quantized" else str(name.removesuffix("_"))


def takes_a_shape(name: str) -> bool:
    """Whether an operation of that name takes a tensor's shape and none of its values, as `zeros_like` does."""
    return name.endswith("_like") or name.startswith("new_")


def tensors_of(arguments: Any) -> list[Tensor]:
    """Return the tensors among an operation's arguments, in order."""
    return [leaf for leaf in tree_leaves(arguments) if isinstance(leaf, Tensor)]


def named_arguments(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return an operation's arguments by name in the order of its schema, with the defaults of those not given."""
    names, defaults = _signature(func)
    given = {**defaults, **dict(zip(names, args, strict=False)), **kwargs}
    return {name: given[name] for name in names if name in given}


@cache
def _signature(func: Any) -> tuple[tuple[str, ...], Mapping[str, Any]]:
    """Return the names of an operation's arguments, and the defaults of those that have one: slow to ask for."""
    arguments = func._schema.arguments
    return tuple(one.name for one in arguments), {
        one.name: one.default_value for one in arguments if one.has_default_value()
    }


class Observer(TorchDispatchMode):
    """While active, sees every operation of torch: a subclass's `__torch_dispatch__` executes it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Tell torch that no compiler need be kept away: it would import one, which takes seconds."""
        return False
