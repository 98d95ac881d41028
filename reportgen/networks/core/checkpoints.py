"""Networks that forget parts of a pass and compute them anew on the way back (torch.utils.checkpoint)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch.utils.checkpoint as torchs


class _Kept:
    """Stands for the autograd function that forgets: it runs what it is given, and keeps it."""

    @staticmethod
    def apply(function: Callable[..., Any], _preserve: bool, *args: Any) -> Any:
        return function(*args)


def _kept(*_args: Any, **_named: Any) -> Iterator[None]:
    """Stand for what is done before and behind a part that the other way forgets."""
    yield


@contextmanager
def nothing_forgotten() -> Iterator[None]:
    """Let passes within the context keep what `torch.utils.checkpoint` would compute anew; it changes no answer.

    What is computed anew is heard by nobody, the one way gives a part no gradient unless its input asks for one, and
    both ways refuse gradients of what lies between: evidence would seem to stop there.
    """
    before = torchs.CheckpointFunction, torchs._checkpoint_without_reentrant_generator
    torchs.CheckpointFunction, torchs._checkpoint_without_reentrant_generator = _Kept, _kept  # type: ignore[assignment, misc]
    try:
        yield
    finally:
        torchs.CheckpointFunction, torchs._checkpoint_without_reentrant_generator = before  # type: ignore[misc]
