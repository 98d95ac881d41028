"""The picture that explains all frames of a clip best through a given displacement, and how much it explains."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reportgen.analyses.decomposition.warping import warp

LEAST_CONTRAST = 1 / 255
"""Standard deviation below which a clip is not scaled up: noise must not become texture."""

_TEXTURE_STEPS = 3
_REFERENCE_WEIGHT = 0.02  # of the reference frame against each pixel that shows a point of the texture


def fit_texture(clips: Tensor, displacement: Tensor, reference: int) -> tuple[Tensor, int]:
    """Find the picture that explains all frames best through a given displacement ``N T 2 H W``.

    Returns the picture ``N C H+2m W+2m`` and its margin m, a quarter of the clip's longer side, which takes up what
    comes into view from outside the reference frame. The least-squares problem (frames, plus a little of the
    reference frame) is solved by simultaneous iterative reconstruction: each pixel takes the average of what the
    frames that show it still lack, weighted as they show it.
    """
    height, width = clips.shape[-2:]
    margin = max(height, width) // 4
    first = clips[:, :, reference]
    known = F.pad(torch.full_like(first[:, :1], _REFERENCE_WEIGHT), [margin] * 4)
    prior = F.pad(first, [margin] * 4, mode="replicate")
    shown = _spread(torch.ones_like(clips[:, :1]), displacement, prior[:, :1], margin)
    weight = (shown + known).clamp_min(torch.finfo(clips.dtype).eps)
    canvas = prior
    for _ in range(_TEXTURE_STEPS):
        missing = clips - warp(canvas, displacement, mode="bicubic", margin=margin)
        change = _spread(missing, displacement, canvas, margin) + known * (prior - canvas)
        canvas = canvas + change / weight
    return canvas, margin


def _spread(frames: Tensor, displacement: Tensor, canvas: Tensor, margin: int) -> Tensor:
    """Put frames ``N C T H W`` back where in the canvas they came from: the transpose of bilinear `warp`."""
    with torch.enable_grad():
        source = torch.zeros_like(canvas).requires_grad_()
        moved = warp(source, displacement, margin=margin)
        return torch.autograd.grad(moved, source, frames)[0]


def explained_share(clips: Tensor, model: Tensor) -> Tensor:
    """Return the share (N) of the clips' variance about their mean colour that a model of them explains.

    A clip without contrast is explained by its mean colour alone: 1.
    """
    total = (clips - clips.mean((2, 3, 4), keepdim=True)).square().mean((1, 2, 3, 4))
    left = (clips - model).square().mean((1, 2, 3, 4))
    return torch.where(total > LEAST_CONTRAST**2 / 100, 1 - left / total.clamp_min(1e-12), 1.0)
