"""What can be known of the motion of stripes: only how fast they move across themselves.

The edges of slanted black-and-white stripes are staircases of pixels, which a motion along the stripes puts in place
when the stripes have moved by part of a pixel. It explains the pixels best and is not what is seen.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reportgen.analyses.decomposition.warping import image_gradient

_TAPS = (1.0, 8.0, 28.0, 56.0, 70.0, 56.0, 28.0, 8.0, 1.0)  # a blur of 1.4 px, in which staircases are level
_WINDOW = 15  # px
_STRIPES, _NO_STRIPES = 0.03, 0.1  # slope squared along the stripes over that across them


def across_stripes(clips: Tensor, displacement: Tensor) -> Tensor:
    """Return a displacement ``N T 2 H W`` of clips ``N C T H W`` without what it has along stripes."""
    frames = clips.transpose(1, 2).flatten(0, 1)
    gx, gy = image_gradient(_blurred(frames))
    xx, xy, yy = (_mean_around((one * other).sum(1, keepdim=True)) for one, other in ((gx, gx), (gx, gy), (gy, gy)))
    half, turn = (xx + yy) / 2, (((xx - yy) / 2).square() + xy.square()).sqrt()
    ratio = (half - turn).clamp_min(0) / (half + turn).clamp_min(torch.finfo(clips.dtype).tiny)
    kept = ((ratio - _STRIPES) / (_NO_STRIPES - _STRIPES)).clamp(0, 1)
    angle = torch.atan2(xy, (xx - yy) / 2) / 2
    along = torch.cat([-torch.sin(angle), torch.cos(angle)], 1)
    ways = displacement.flatten(0, 1)
    across = ways - (1 - kept) * (ways * along).sum(1, keepdim=True) * along
    fields: Tensor = across.unflatten(0, displacement.shape[:2])
    return fields


def _blurred(frames: Tensor) -> Tensor:
    """Return frames ``N C H W`` blurred by a binomial window."""
    taps = frames.new_tensor(_TAPS) / sum(_TAPS)
    kernel = (taps[:, None] * taps).expand(frames.shape[1], 1, -1, -1)
    padded = F.pad(frames, [len(_TAPS) // 2] * 4, mode="replicate")
    return F.conv2d(padded, kernel, groups=frames.shape[1])


def _mean_around(values: Tensor) -> Tensor:
    return F.avg_pool2d(values, _WINDOW, stride=1, padding=_WINDOW // 2, count_include_pad=False)
