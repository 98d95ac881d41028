"""Black and white at once, where many steps would lead there."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_CONTRASTS = (4, 16)
_NEARLY_WHITE = 6.0  # of which a sigmoid makes 0.998


def sharpened(pixels: Tensor, loss: Callable[[Tensor], Tensor]) -> Tensor:
    """Return unbounded pixels `F C T H W` with that contrast, of a few, whose `loss` is least.

    A pixel that its gradient leads back to grey stays as it is, and none gets so black or white that it could not be
    left again.
    """
    start = pixels.detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(loss(start), start)
    outwards = slope * pixels < 0
    farther = [(factor * pixels).clamp(-_NEARLY_WHITE, _NEARLY_WHITE) for factor in _CONTRASTS]
    candidates = [pixels, *(torch.where(outwards, one, pixels) for one in farther)]
    with torch.no_grad():
        losses = [float(loss(one)) for one in candidates]
    return candidates[losses.index(min(losses))]
