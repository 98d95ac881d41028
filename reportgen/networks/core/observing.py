"""The base of what watches the operations of a pass."""

from __future__ import annotations

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


class Observer(TorchDispatchMode):
    """While active, sees every operation of torch: a subclass's `__torch_dispatch__` executes it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Tell torch that no compiler need be kept away: it would import one, which takes seconds."""
        return False
