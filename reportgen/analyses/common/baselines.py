"""What a clip is compared with: a clip that holds no evidence, or none of one sort."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.errors import ClipError, NetworkError, unknown_name
from reportgen.networks.core.given_clips import Clips, given_clips
from reportgen.networks.core.network import Network

BLUR_SHARE = 0.1
"""Standard deviation of the blur as a share of the side: textures are gone, broad colours stay."""


def blurred(clip: Tensor, share: float = BLUR_SHARE) -> Tensor:
    """Return the clip `... H W` blurred in space by a Gaussian of `share` of its sides, borders repeated."""
    return _blur_axis(_blur_axis(clip, share * clip.shape[-1], -1), share * clip.shape[-2], -2)


def mean_frame(clip: Tensor) -> Tensor:
    """Return the clip `N C T H W` with every frame its mean over time: nothing moves."""
    if clip.ndim != 5:
        raise NetworkError("The baseline 'mean_frame' needs clips N C T H W: choose blur or black for single frames.")
    return clip.mean(dim=2, keepdim=True).expand_as(clip).clone()


BASELINES: Mapping[str, Callable[[Tensor], Tensor]] = {
    "blur": blurred,
    "mean_frame": mean_frame,
    "black": torch.zeros_like,
}


def make_baseline(baseline: str | Clips, clip: Tensor, network: Network | None = None) -> Tensor:
    """Return the baseline of that name for `clip`, or the given one.

    Raises UnknownNameError, NetworkError, and ClipError for a given one that is not like the clip.
    """
    if isinstance(baseline, str):
        if baseline not in BASELINES:
            raise unknown_name("baseline", baseline, BASELINES)
        return BASELINES[baseline](clip)
    given = given_clips(network, baseline)
    if given.shape != clip.shape:
        raise ClipError(f"The baseline must be like the clip, {tuple(clip.shape)}, got {tuple(given.shape)}.")
    return given.to(clip)


def _blur_axis(values: Tensor, sigma: float, axis: int) -> Tensor:
    reach = max(1, round(3 * sigma))
    place = torch.arange(-reach, reach + 1, device=values.device, dtype=values.dtype)
    weights = torch.exp(-(place**2) / (2 * max(sigma, 1e-3) ** 2))
    lines = values.movedim(axis, -1)
    flat = F.pad(lines.reshape(-1, 1, lines.shape[-1]), (reach, reach), mode="replicate")
    smooth = F.conv1d(flat, (weights / weights.sum()).view(1, 1, -1))
    return smooth.reshape(lines.shape).movedim(-1, axis)
