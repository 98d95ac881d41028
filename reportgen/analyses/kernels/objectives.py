"""What is subtracted from an activation to keep a clip natural, and facets of a kernel apart."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

_EDGE = 1e-3


@dataclass(frozen=True)
class Penalties:
    """Weights of the priors on a clip, in units of the kernel's own spread over noise.

    `total_variation` weighs the mean spatial gradient magnitude; `temporal_smoothness` the mean squared difference
    between successive frames: 0 leaves the speed free, large values show the slowest clip that still drives the
    kernel (Feichtenhofer et al. 2018, equation 2).
    """

    total_variation: float = 0.0
    temporal_smoothness: float = 0.0

    def __call__(self, clips: Tensor) -> Tensor | float:
        """Return the penalty `N` of clips `N C T H W`."""
        total: Tensor | float = 0.0
        if self.total_variation:
            total = total + self.total_variation * spatial_variation(clips)
        if self.temporal_smoothness and clips.shape[2] > 1:
            total = total + self.temporal_smoothness * clips.diff(dim=2).square().flatten(1).mean(1)
        return total


def spatial_variation(clips: Tensor) -> Tensor:
    """Return the mean magnitude `N` of the spatial gradient of clips `N C T H W`, per px, smooth at zero."""
    down = functional.pad(clips.diff(dim=-2), (0, 0, 0, 1))
    right = functional.pad(clips.diff(dim=-1), (0, 1))
    return torch.sqrt(down.square() + right.square() + _EDGE**2).flatten(1).mean(1) - _EDGE


def facet_similarity(maps: Tensor, facets: int) -> Tensor:
    """Return for each sample of `maps` `N K ...` its mean cosine with the other facets of the same kernel.

    The N samples are kernels times `facets`. What is compared are the Gram matrices of the layer's rectified maps:
    which kernels fire together, wherever they do (Olah et al. 2017, diversity).
    """
    rectified = functional.relu(maps).flatten(2) if maps.ndim > 2 else functional.relu(maps).unsqueeze(2)
    gram = functional.normalize((rectified @ rectified.transpose(1, 2)).flatten(1), dim=1, eps=1e-12)
    groups = gram.reshape(-1, facets, gram.shape[1])
    cosines = groups @ groups.transpose(1, 2)
    others = cosines.sum(dim=2) - cosines.diagonal(dim1=1, dim2=2)
    mean: Tensor = others.flatten() / (facets - 1)
    return mean
