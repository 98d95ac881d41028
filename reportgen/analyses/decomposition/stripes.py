"""What can be known of the motion of stripes: only how fast they move across themselves.

The edges of slanted black-and-white stripes are staircases of pixels, which a motion along the stripes puts in place
when the stripes have moved by part of a pixel. It explains the pixels best and is not what is seen.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from reportgen.analyses.decomposition.warping import image_gradient

_BLURS = 8  # of half a pixel in each direction: 1.4 px together, in which staircases are level
_WINDOW = 15  # px
_STRIPES, _NO_STRIPES = 0.03, 0.1  # slope squared along the stripes over that across them


def across_stripes(clips: Tensor, displacement: Tensor) -> Tensor:
    """Return a displacement ``N T 2 H W`` of clips ``N C T H W`` without what it has along stripes."""
    frames = clips.transpose(1, 2).flatten(0, 1)
    gx, gy = image_gradient(_blurred(frames))
    xx, xy, yy = (_mean_around((one * other).sum(1, keepdim=True)) for one, other in ((gx, gx), (gx, gy), (gy, gy)))
    half, turn = (xx + yy) / 2, (((xx - yy) / 2).square() + xy.square()).sqrt()
    tiny = torch.finfo(clips.dtype).tiny
    ratio = ((half - turn).clamp_min(0) + tiny) / (half + turn + tiny)  # where nothing slopes there are no stripes
    kept = ((ratio - _STRIPES) / (_NO_STRIPES - _STRIPES)).clamp(0, 1)
    # Of twice the angle of the slope; half of each, as far as it goes along the stripes and is left out.
    least = turn.clamp_min(tiny)
    left = (1 - kept) / 2
    cosine, sine = left * (xx - yy) / 2 / least, left * xy / least
    x, y = displacement.flatten(0, 1).split(1, 1)
    across = torch.cat([x - (left - cosine) * x + sine * y, y - (left + cosine) * y + sine * x], 1)
    fields: Tensor = across.unflatten(0, displacement.shape[:2])
    return fields


def _blurred(frames: Tensor) -> Tensor:
    """Return frames ``N C H W`` blurred by a binomial window: so many times the mean of two neighbours."""
    blurred: Tensor = F.pad(frames, [_BLURS // 2] * 4, mode="replicate") / 4**_BLURS
    for _ in range(_BLURS):
        blurred = blurred[..., 1:] + blurred[..., :-1]
    for _ in range(_BLURS):
        blurred = blurred[..., 1:, :] + blurred[..., :-1, :]
    return blurred


def _mean_around(values: Tensor) -> Tensor:
    """Return the mean of values ``N 1 H W`` over the window around each place, as far as it lies in the picture."""
    for window in ((1, _WINDOW), (_WINDOW, 1)):
        reach = window[0] // 2, window[1] // 2
        values = F.avg_pool2d(values, window, stride=1, padding=reach, count_include_pad=False)
    return values
