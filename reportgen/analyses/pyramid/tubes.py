"""Saliency tubes: where in a clip the kept kernels of a pyramid respond.

After Stergiou et al. 2019 (arXiv 1902.01078 for the tubes, 1909.08611 for those of a pyramid): the sum of the kept
kernels' activation maps of a layer, enlarged to the clip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (torch's own convention)

from reportgen.analyses.pyramid.class_pyramid import ClassPyramid, one_clip
from reportgen.analyses.pyramid.measure import Response, ResponseObserver
from reportgen.networks.core.network import Network
from reportgen.networks.trace.build import class_output, evaluating


@dataclass(frozen=True, eq=False)
class SaliencyTube:
    """One layer's tube at the clip's size.

    `tube` T H W is the sum of the kept kernels' activations. `kernels` are the indices of the kernels with a map of
    their own, the most relevant first, and `maps` K T H W those maps. `native` is the (T, H, W) before enlarging.
    """

    layer: str
    tube: NDArray[np.float32]
    kernels: tuple[int, ...]
    maps: NDArray[np.float32]
    native: tuple[int, int, int]


def saliency_tubes(
    network: Network | nn.Module,
    clip: Tensor,
    pyramid: ClassPyramid,
    *,
    layers: Sequence[str] | None = None,
    kernels_per_layer: int = 5,
) -> Mapping[str, SaliencyTube]:
    """Return the tube of each layer of a pyramid, and of its most relevant kernels, on the clip.

    `clip` is as for `class_pyramid`. Layers without positions (linear ones) have no tube and are left out.
    """
    borrowed = network if isinstance(network, Network) else Network(network)
    pixels = one_clip(borrowed, clip)
    kept = {name: indices for name, indices in pyramid.kept().items() if layers is None or name in layers}
    size = _clip_size(pixels)
    with torch.no_grad(), evaluating(borrowed.module):
        observer = ResponseObserver(pyramid.graph, borrowed.module, list(kept))
        with observer:
            class_output(borrowed, pixels)
        maps = {name: found for name in kept if (found := _maps(name, observer.responses)) is not None}
        return {name: _tube(pyramid, name, kept[name], maps[name], size, kernels_per_layer) for name in maps}


def _clip_size(pixels: Tensor) -> tuple[int, int, int]:
    spatial = pixels.shape[2:]
    return (1, *spatial) if len(spatial) == 2 else (spatial[0], spatial[1], spatial[2])


def _maps(layer: str, responses: Sequence[Response]) -> Tensor | None:
    """Return a layer's activation maps K T H W, added up over its calls; None when it has no positions.

    A 2D layer that ran on the frames of the clip has them along the batch axis.
    """
    total: Tensor | None = None
    for response in responses:
        if response.layer != layer:
            continue
        final = response.final()
        value = final.read()
        if value.ndim not in {4, 5} or final.axis != 1:
            return None
        found = value[0] if value.ndim == 5 else value.transpose(0, 1)
        total = found if total is None or total.shape != found.shape else total + found
    return total


def _tube(
    pyramid: ClassPyramid,
    name: str,
    kept: Sequence[int],
    maps: Tensor,
    size: tuple[int, int, int],
    kernels: int,
) -> SaliencyTube:
    relevance = pyramid.layer(name).relevance
    best = sorted(kept, key=lambda index: -relevance[index])[:kernels]
    summed = maps[torch.as_tensor(kept, device=maps.device)].sum(0, keepdim=True)
    shown = torch.cat([summed, maps[torch.as_tensor(best, device=maps.device)]])
    large = F.interpolate(shown.unsqueeze(0).float(), size=size, mode="trilinear", align_corners=False)[0].cpu().numpy()
    native = (int(maps.shape[1]), int(maps.shape[2]), int(maps.shape[3]))
    return SaliencyTube(name, large[0], tuple(best), large[1:], native)
