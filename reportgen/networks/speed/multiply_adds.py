"""Counting the multiply-adds of what runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch.utils.flop_counter import flop_registry

from reportgen.networks.core.observing import Observer


class MultiplyAdds(Observer):
    """Counts the multiply-adds of the convolutions and products that run within it: `count`.

    An operation has as many as torch's own counter says, which loads torch's compiler when it is used.
    """

    def __init__(self) -> None:
        super().__init__()
        self.count = 0.0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run the operation and count what it multiplies."""
        result = func(*args, **(kwargs or {}))
        rule = flop_registry.get(func._overloadpacket)
        if rule is not None:
            self.count += rule(*args, **(kwargs or {}), out_val=result) / 2
        return result
