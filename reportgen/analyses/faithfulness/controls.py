"""Maps that see no network: what a clip's own pixels mark. A map that is to explain a network must beat them.

Edges, moving edges and the middle of the picture hold much of what any network reads, so that maps of them beat random
maps as well (Adebayo et al. 2018, arXiv 1810.03292, compare with an edge detector).
"""

from __future__ import annotations

import torch
from torch import Tensor

from reportgen.analyses.common.baselines import blurred
from reportgen.errors import NetworkError

CENTRE_SHARE = 0.25
"""Standard deviation of the centre's Gaussian, as a share of the side."""


def network_free_maps(clip: Tensor) -> dict[str, Tensor]:
    """Return the maps `T H W` of a clip `1 C T H W` by name; those of time only for a clip of two frames or more."""
    if clip.ndim != 5 or len(clip) != 1:
        raise NetworkError(f"Maps are made of one clip, 1 C T H W, not of {tuple(clip.shape)}.")
    frames, height, width = clip.shape[2:]
    found = {
        "fine detail": (clip - blurred(clip)).abs().sum(1)[0],
        "centre": _centre(height, width).to(clip).expand(frames, -1, -1),
    }
    if frames > 1:
        steps = clip.diff(dim=2).abs().sum(1)[0]
        found["frame difference"] = torch.cat([steps[:1], steps])
    return found


def _centre(height: int, width: int) -> Tensor:
    y, x = (torch.linspace(-0.5, 0.5, size) if size > 1 else torch.zeros(1) for size in (height, width))
    return torch.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / (2 * CENTRE_SHARE**2))
