"""The gradient of one class logit with respect to the weights of every convolution, filter by filter.

After CNN-VIS (github.com/dhruvjain/CNN-VIS), which shows the gradient of a class's neuron with
respect to the filters of a layer as a volume. The gradient is that with respect to the weights which the convolution
uses: where they are computed from other parameters (weight norm, spectral norm) it is not that of these parameters,
and where a module is called several times it is the sum over its calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.analyses.common.representation import in_one_line
from reportgen.analyses.pyramid.asked import clip_graph
from reportgen.analyses.pyramid.class_pyramid import one_clip
from reportgen.analyses.pyramid.measure import LayerMeasure, measure_relevance
from reportgen.analyses.pyramid.products import as_kernels
from reportgen.errors import NetworkError
from reportgen.given import given_words
from reportgen.networks.core.classes import ClassLike
from reportgen.networks.core.copying import no_gradient
from reportgen.networks.core.given_clips import Clips
from reportgen.networks.core.network import Network, borrow
from reportgen.networks.core.unchanged import leaving_unchanged
from reportgen.networks.trace.cuts import Cut, cut_sentences
from reportgen.networks.trace.graph import ConnectionGraph, KernelLayer
from reportgen.result import ShownResult

Volumes = NDArray[np.floating]
"""The filters of a layer, `K C ...`: C input channels of the filter's group, then its taps in time, height, width."""

FilterScores = NDArray[np.float64]
"""One figure for each filter of a layer, `K`."""


@dataclass(frozen=True, eq=False)
class FilterGradients(ShownResult):
    """One layer's `weights` and the `gradients` of the logit with respect to them, both `K C taps`."""

    layer: str
    weights: Volumes
    gradients: Volumes

    def __repr__(self) -> str:
        return in_one_line(self, self.layer, f"gradients K C taps {' '.join(map(str, self.gradients.shape))}")

    @cached_property
    def norms(self) -> FilterScores:
        """L2 norm of each filter's gradient: the published importance of one clip."""
        return _norms(self.gradients)

    @cached_property
    def first_order(self) -> FilterScores:
        """|<W_i, dy/dW_i>|: to first order, how far the logit moves when filter i is set to zero."""
        axes = tuple(range(1, self.weights.ndim))
        products = np.multiply(self.weights, self.gradients, dtype=np.float64)
        return np.asarray(np.abs(products.sum(axes)))

    @cached_property
    def weight_norms(self) -> FilterScores:
        """L2 norm of each filter itself, which knows nothing of the class or the clip."""
        return _norms(self.weights)


@dataclass(frozen=True, eq=False)
class WeightGradients(ShownResult):
    """The `logit` of the class that was asked about, and every convolution's gradients by the layer's name.

    `notes` say where gradients are zero because something cuts them off.
    """

    logit: float
    layers: Mapping[str, FilterGradients]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        filters = sum(len(layer.weights) for layer in self.layers.values())
        return in_one_line(
            self, f"logit {self.logit:.3g}", f"{filters} filters of {len(self.layers)} layers", *self.notes
        )


@leaving_unchanged
def weight_gradients(
    network: Network | nn.Module,
    clip: Clips,
    class_index: ClassLike | None = None,
    *,
    layers: Iterable[str] | str | None = None,
    graph: ConnectionGraph | None = None,
) -> WeightGradients:
    """Return the gradient of a class's logit with respect to the weights of every convolution (or of `layers`).

    `clip` is 1 C T H W in [0, 1] RGB or any other form that `given_clips` knows (for a bare module, whatever it takes);
    `class_index` is a class's name or index, None the predicted one, and 0 of what `reportgen.contrast` returns asks
    about the contrast. Layers come in the order in which they run. Gradients have the precision of the network. `graph`
    is the connection graph of such clips. Raises NetworkError for a network without convolutions, a class that there is
    not, or a clip that does not fit.
    """
    borrowed = borrow(network)
    pixels = one_clip(borrowed, clip)
    graph = graph or clip_graph(borrowed, pixels)
    known = convolutions(graph)
    wanted = list(known) if layers is None else [graph.layer(name).name for name in given_words(layers)]
    if not wanted:
        raise NetworkError(f"{borrowed.name} has no convolution whose weights could be asked about.")
    found = measure_relevance(borrowed, pixels, class_index, graph, backward=wanted)
    if not any(found.layers[name].followed for name in wanted):
        raise NetworkError(no_gradient(borrowed.name, graph.cuts))
    layers_found = {name: _filters(known[name], found.layers[name]) for name in wanted}
    return WeightGradients(found.logit, layers_found, _notes(graph.cuts, found.layers))


def _notes(cuts: Sequence[Cut], measured: Mapping[str, LayerMeasure]) -> tuple[str, ...]:
    """Return what is to be said of cuts, and which layers' weights no gradient reaches."""
    silent = [name for name, own in measured.items() if not own.followed]
    if not cuts or not silent:
        return cut_sentences(cuts)
    names = ", ".join(silent[:4]) + (f" and {len(silent) - 4} more layers" if len(silent) > 4 else "")
    return (*cut_sentences(cuts), f"No gradient reaches the weights of {names}: zero says nothing of them.")


def convolutions(graph: ConnectionGraph) -> dict[str, KernelLayer]:
    """Return a graph's convolutions, transposed ones too, by name in the order in which they run."""
    return {layer.name: layer for layer in graph.layers if layer.kind in {"convolution", "transposed"}}


def _filters(layer: KernelLayer, measured: LayerMeasure) -> FilterGradients:
    """Return a layer's filters; a weight that is computed anew for each call has a gradient from each, their sum."""
    weight = measured.weights[0]
    gradient = torch.stack(measured.gradients).sum(0) if len(measured.gradients) > 1 else measured.gradients[0]
    return FilterGradients(layer.name, _volumes(layer, weight), _volumes(layer, gradient))


def _volumes(layer: KernelLayer, weight: Tensor) -> Volumes:
    kernels = as_kernels(layer, weight)
    return np.ascontiguousarray(kernels.reshape(*kernels.shape[:2], *weight.shape[2:]).cpu().numpy())


def _norms(values: Volumes) -> FilterScores:
    return np.asarray(np.linalg.norm(values.reshape(len(values), -1).astype(np.float64), axis=1))
