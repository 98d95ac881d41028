"""Saliency tubes: where in a clip the kept kernels of a pyramid respond.

After Stergiou et al. 2019 (arXiv 1902.01078 for the tubes, 1909.08611 for those of a pyramid): the sum of the kept
kernels' activation maps of a layer, laid over the clip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.analyses.pyramid.class_pyramid import ClassPyramid, one_clip
from reportgen.analyses.pyramid.observer import Response, ResponseObserver
from reportgen.networks.core.network import Network, borrow, evaluating
from reportgen.networks.kernels.places import UnitPlaces, output_places
from reportgen.networks.trace.build import class_output


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

    `clip` is as for `class_pyramid`. A map lies where its layer's units look: position i at start + i * jump of their
    receptive field. Layers without positions (linear ones), or of unknown ones, have no tube and are left out.
    """
    borrowed = borrow(network)
    pixels = one_clip(borrowed, clip)
    modules = dict(borrowed.module.named_modules())
    kept = {
        name: indices
        for name, indices in pyramid.kept().items()
        if name in modules and (layers is None or name in layers)
    }
    spatial = pixels.shape[2:]
    size = (1, *spatial) if len(spatial) == 2 else tuple(spatial)
    with torch.no_grad(), evaluating(borrowed.module):
        places = output_places(borrowed, pixels.shape, list(kept))
        observer = ResponseObserver(pyramid.graph, borrowed.module, list(kept))
        with observer:
            class_output(borrowed, pixels)
        found = {}
        for name, indices in kept.items():
            maps, place = _maps(name, observer.responses), places[name]
            if maps is not None and place is not None:
                found[name] = _tube(pyramid, name, indices, maps, place, size, kernels_per_layer)
        return found


def _maps(layer: str, responses: Sequence[Response]) -> Tensor | None:
    """Return a layer's activation maps R K (T) H W, its calls behind each other; None when it has no positions."""
    found = [response for response in responses if response.layer == layer]
    if any(response.axis > 1 for response in found):
        return None
    values = [response.final().read().reshape(response.tensor.shape) for response in found]
    values = [value if response.axis else value[None] for value, response in zip(values, found, strict=True)]
    shapes = {value.shape[1:] for value in values}
    if len(shapes) != 1 or values[0].ndim not in {4, 5}:
        return None
    return torch.cat(values)


def _tube(
    pyramid: ClassPyramid,
    name: str,
    kept: Sequence[int],
    maps: Tensor,
    places: UnitPlaces,
    size: tuple[int, ...],
    kernels: int,
) -> SaliencyTube:
    relevance = pyramid.layer(name).relevance
    best = sorted(kept, key=lambda index: -relevance[index])[:kernels]
    summed = maps[:, torch.as_tensor(kept, device=maps.device)].sum(1, keepdim=True)
    shown = torch.cat([summed, maps[:, torch.as_tensor(best, device=maps.device)]], dim=1)
    large = places.laid(shown.float(), size).cpu().numpy()
    rows, _, *rest = maps.shape
    t, h, w = rest if len(rest) == 3 else (rows, *rest)
    return SaliencyTube(name, large[0], tuple(best), large[1:], (t, h, w))
