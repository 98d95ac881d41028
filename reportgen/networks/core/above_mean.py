"""Class logits that do not depend on what all of them share."""

from __future__ import annotations

from torch import Tensor


def above_mean(logits: Tensor) -> Tensor:
    """Return logits `... K` above the mean of the K classes; a single one, which has nothing to stand above, as it is.

    A constant added to all logits changes no prediction and no probability, and must change no figure that is told of
    a class: what share of a logit is lost depends on that constant, what share of this is lost does not.
    """
    return logits - logits.mean(-1, keepdim=True) if logits.shape[-1] > 1 else logits
