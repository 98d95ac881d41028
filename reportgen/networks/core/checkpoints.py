"""Networks that forget parts of a pass and compute them anew on the way back: what was heard there is heard no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch.utils.checkpoint import CheckpointError

from reportgen.errors import NetworkError


@contextmanager
def without_checkpoints() -> Iterator[None]:
    """Raise NetworkError where a gradient within the context leads through a part that is to be computed anew."""
    try:
        yield
    except CheckpointError as error:
        raise NetworkError(
            "The network computes parts of a pass anew on the way back (torch.utils.checkpoint), where its layers "
            "cannot be read: switch that off (often `use_checkpoint=False`); it changes no answer."
        ) from error
