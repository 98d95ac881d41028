"""The base of what watches the operations of a pass."""

from __future__ import annotations

from torch.utils._python_dispatch import TorchDispatchMode


class Observer(TorchDispatchMode):
    """While active, sees every operation of torch: a subclass's `__torch_dispatch__` executes it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Tell torch that no compiler need be kept away: it would import one, which takes seconds."""
        return False
