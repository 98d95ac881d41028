"""The maps of some layers to a clip, all from one forward pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.analyses.common.representation import in_one_line, with_axes
from reportgen.analyses.responses.ordering import kernel_orders
from reportgen.errors import ClipError, NetworkError, OptionError
from reportgen.given import given_words
from reportgen.networks.core.given_clips import Clips, given_clip
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.core.taps import Taps
from reportgen.networks.core.unchanged import leaving_unchanged
from reportgen.networks.kernels.arrangement import joined_maps
from reportgen.networks.kernels.layers import describe_layers
from reportgen.networks.kernels.places import UnitPlaces, frames_in_pictures, output_places
from reportgen.networks.kernels.preactivation import Preactivation, preactivations
from reportgen.records.answers.responses import KernelOrder
from reportgen.records.figures import VolumeFigure
from reportgen.records.identities import slug
from reportgen.records.volumes import Steps, Threshold, reduced, rounded, steps_for, threshold_value
from reportgen.result import ShownResult

Maps = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ResponseMaps(ShownResult):
    """A layer's maps of one clip.

    `maps` is `K T H W`: the pre-activation of each kernel (with the batch norm that reads it), or what a ReLU leaves of
    it. T is the layer's own time, or its frames or calls where these come one by one; `still` maps are a picture's and
    have T 1. `moments` are the clip's frames, from 0, at which each of the T looks; they are spread evenly over the
    clip where that is not known. `steps` say how the maps were made smaller.
    """

    layer: str
    file_name: str
    maps: Maps
    still: bool
    moments: tuple[float, ...]
    moments_known: bool
    steps: Steps = field(default_factory=Steps)

    def __repr__(self) -> str:
        return in_one_line(
            self,
            self.layer,
            f"maps {with_axes(self.maps, 'K T H W')}",
            f"values {float(self.maps.min()):.3g} to {float(self.maps.max()):.3g}",
            "of a picture" if self.still else "",
        )

    def fitted(self, values: int, *, exact: bool = True) -> ResponseMaps:
        """Return the maps with at most so many values each: averaged over positions, then with frames left out.

        Values that are not to be `exact` are rounded to the 11 significant bits of half precision.
        """
        kernels, frames, height, width = self.maps.shape
        steps = steps_for((kernels, frames, height, width), values * kernels)
        maps = reduced(self.maps, steps)
        moments = self.moments[:: steps.frames]
        return replace(self, maps=maps if exact else rounded(maps), moments=moments, steps=steps)

    def orders(
        self, *, clusters: int = 10, most_clusters: int = 12, row: int | None = None, seed: int = 0
    ) -> tuple[KernelOrder, ...]:
        """Return the kernels in each of the orders that `kernel_orders` knows."""
        return kernel_orders(self.maps, clusters=clusters, most_clusters=most_clusters, row=row, seed=seed)

    def binarised(self, threshold: Threshold | None = None, *, percentile: float | None = None) -> NDArray[np.bool_]:
        """Return where the maps reach a threshold: a value, ``"otsu"``, or a `percentile` of all values."""
        foreground: NDArray[np.bool_] = self.maps >= threshold_value(self.maps, threshold, percentile=percentile)
        return foreground

    @property
    def volume(self) -> VolumeFigure:
        """The maps as `reportgen.write_volume` takes them."""
        return VolumeFigure(self.maps, self.file_name, self.still)


@leaving_unchanged
def response_maps(
    network: Network | nn.Module, clip: Clips, layers: Iterable[str] | str, *, rectified: bool = False
) -> dict[str, ResponseMaps]:
    """Return the maps of each of `layers` to a `clip` `1 C T H W` in [0, 1] RGB (a bare module takes it as is), or
    in any other form that `given_clips` knows.

    One forward pass serves all layers. The maps are pre-activations with the batch norm that reads them, in float32;
    with `rectified` what a ReLU leaves of them. Raises ClipError for another clip, OptionError for no layers,
    UnknownNameError for one that there is not, NetworkError for one that the clip does not reach, that has no map of
    rows and columns, or whose values are not finite.
    """
    layers = given_words(layers)
    if not layers:
        raise OptionError("There is no layer in the list: give one or more.")
    subject = as_network(network)
    pixels = given_clip(subject, clip)
    if pixels.ndim != 5:
        raise ClipError(f"Give one clip as 1 C T H W, and not {tuple(pixels.shape)}.")
    frames, height, width = pixels.shape[2:]
    targets = preactivations(subject, layers, (frames, height, width), pixels.shape[1])
    for layer, target in targets.items():
        if reason := without_map(target.map_shape):
            raise NetworkError(f"{layer} {reason}: choose a convolution with maps.")
    for layer in frames_in_pictures(subject, pixels.shape, layers):
        raise NetworkError(f"{layer} has frames for rows or columns, and no map: choose a convolution with maps.")
    places = output_places(subject, pixels.shape, layers)
    numbers = {facts.name: facts.order + 1 for facts in describe_layers(subject, clip_shape=pixels.shape[1:])}
    found = _run(subject, pixels, targets, rectified=rectified)
    return {
        layer: _response(layer, numbers.get(targets[layer].layer, 0), maps, places[layer], frames)
        for layer, maps in found.items()
    }


def without_map(shape: Sequence[int]) -> str:
    """Return why a layer whose output for one clip is `K ...` has no map of rows and columns; empty where it has."""
    if len(shape) < 3:
        return "has no map of rows and columns"
    return "has a map of a single position" if max(shape[-2:]) == 1 else ""


def _run(network: Network, clip: Tensor, targets: Mapping[str, Preactivation], *, rectified: bool) -> dict[str, Maps]:
    names = {target.layer for target in targets.values()}
    found = {}
    with torch.no_grad(), Taps(network.module, names) as taps:
        network.run(clip)
        for layer, target in targets.items():
            outputs = taps.all[target.layer]
            maps = target.normalised(joined_maps(target.own(outputs, 1)))[0].float()
            if not maps.isfinite().all():
                raise NetworkError(f"The maps of {layer} are not finite: check the weights and the clip.")
            found[layer] = (maps.clamp_min(0) if rectified else maps).cpu().numpy()
    return found


def _response(layer: str, number: int, maps: Maps, places: UnitPlaces | None, frames: int) -> ResponseMaps:
    still = maps.ndim == 3
    stacked = maps.reshape(len(maps), -1, *maps.shape[-2:])
    moments, known = _moments(stacked.shape[1], places, frames)
    return ResponseMaps(layer, f"L{number}_{slug(layer)}", stacked, still, moments, known)


def _moments(length: int, places: UnitPlaces | None, frames: int) -> tuple[tuple[float, ...], bool]:
    """Return the clip's frame at which each of a map's frames looks, and whether that is known."""
    centres = places.lines[0].centres if places is not None and not places.further else np.empty(0)
    known = len(centres) == length and bool(np.isfinite(centres).all())
    at = centres if known else (np.arange(length) + 0.5) * frames / length - 0.5
    return tuple(float(value) for value in np.clip(at, 0, frames - 1)), known
