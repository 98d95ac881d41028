"""Comparing class pyramids by their documents: two classes, two clips, two networks; one class over several clips."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Literal, Protocol

from reportgen.errors import OptionError, a_type
from reportgen.records.pyramid_schema import LayerFigures, PyramidDocument

Side = Literal["shared", "first", "second"]


@dataclass(frozen=True)
class ComparedKernel:
    """A kernel that one or both pyramids keep; relevance relative to the sum of magnitudes in its layer.

    A relevance is None where the pyramid did not keep the kernel and its document does not hold all kernels.
    """

    layer: str
    index: int
    depth: int
    side: Side
    first: float | None
    second: float | None


@dataclass(frozen=True)
class LayerComparison:
    """One layer that both pyramids reach.

    `shared`, `only_first` and `only_second` count kept kernels; `by_chance` is how many would be shared if as many
    were drawn at random. `cosine` compares the relevance of all kernels of the layer (1: in proportion); None for
    documents that hold the kept ones only.
    """

    name: str
    depth: int
    kernels: int
    shared: int
    only_first: int
    only_second: int
    by_chance: float
    cosine: float | None

    @property
    def jaccard(self) -> float | None:
        """Kernels kept by both, of those kept by either; None where neither keeps any."""
        either = self.shared + self.only_first + self.only_second
        return self.shared / either if either else None


@dataclass(frozen=True)
class PyramidComparison:
    """Two pyramids over the same layers, class first; kernels by depth, then by the larger relevance.

    `edges_shared` counts the connections that both draw, `edges` those that either does.
    """

    layers: tuple[LayerComparison, ...]
    kernels: tuple[ComparedKernel, ...]
    edges_shared: int
    edges: int

    @property
    def jaccard(self) -> float | None:
        """Kernels kept by both, of those kept by either, over all layers."""
        either = len(self.kernels)
        return sum(kernel.side == "shared" for kernel in self.kernels) / either if either else None


class Documented(Protocol):
    """A pyramid that can be written as its document."""

    def document(self) -> PyramidDocument:
        """Return the document."""
        ...


def _document(pyramid: PyramidDocument | Documented) -> PyramidDocument:
    if isinstance(pyramid, PyramidDocument):
        return pyramid
    if not hasattr(pyramid, "document"):
        raise OptionError(f"A pyramid is what class_pyramid returns, or its document, and not {a_type(pyramid)}.")
    return pyramid.document()


def compare_pyramids(first: PyramidDocument | Documented, second: PyramidDocument | Documented) -> PyramidComparison:
    """Compare two pyramids: which kernels and connections they share, and which are their own.

    They may be of two classes, of two clips, or of two networks of one architecture. Raises OptionError when they
    have no layer in common, when a layer has another number of kernels, or when they were scored differently.
    """
    return _compared_documents(_document(first), _document(second))


def _compared_documents(first: PyramidDocument, second: PyramidDocument) -> PyramidComparison:
    if first.scoring != second.scoring:
        raise OptionError(
            f"One pyramid is scored by {first.scoring}, the other by {second.scoring}: compute one again."
        )
    others = {layer.name: layer for layer in second.layers}
    both = [(layer, others[layer.name]) for layer in first.layers if layer.name in others]
    if not both:
        raise OptionError(f"The pyramids of {first.network} and {second.network} share no layer: nothing to compare.")
    for one, other in both:
        if one.kernels != other.kernels:
            raise OptionError(
                f"{one.name} has {one.kernels} kernels here and {other.kernels} there: compare networks alike."
            )
    kernels = [kernel for one, other in both for kernel in _kernels(first, second, one, other)]
    edges = [
        {
            (edge.source.layer, edge.source.index, edge.target.layer, _target(edge.target.layer, edge.target.index))
            for edge in document.edges
        }
        for document in (first, second)
    ]
    return PyramidComparison(
        layers=tuple(_layer(kernels, one, other) for one, other in both),
        kernels=tuple(kernels),
        edges_shared=len(edges[0] & edges[1]),
        edges=len(edges[0] | edges[1]),
    )


def _target(layer: str | None, index: int) -> int:
    """Return the index of an edge's target; a connection to the one class answers to one to the other."""
    return -1 if layer is None else index


def _kernels(
    first: PyramidDocument, second: PyramidDocument, one: LayerFigures, other: LayerFigures
) -> list[ComparedKernel]:
    kept = [
        {node.index: node.relevance for node in document.nodes if node.layer == one.name}
        for document in (first, second)
    ]
    shares = [_shares(layer, own) for layer, own in zip((one, other), kept, strict=True)]
    found = [
        ComparedKernel(
            one.name,
            index,
            one.depth,
            "shared" if index in kept[0] and index in kept[1] else "first" if index in kept[0] else "second",
            shares[0].get(index),
            shares[1].get(index),
        )
        for index in sorted(kept[0].keys() | kept[1].keys())
    ]
    return sorted(found, key=lambda kernel: -max(kernel.first or 0.0, kernel.second or 0.0))


def _shares(layer: LayerFigures, kept: dict[int, float]) -> dict[int, float]:
    known = dict(enumerate(layer.relevances)) if layer.relevances else kept
    total = sum(abs(value) for value in known.values())
    return {index: value / total if total else 0.0 for index, value in known.items()}


def _layer(kernels: Iterable[ComparedKernel], one: LayerFigures, other: LayerFigures) -> LayerComparison:
    sides = [kernel.side for kernel in kernels if kernel.layer == one.name]
    shared, only_first, only_second = (sides.count(side) for side in ("shared", "first", "second"))
    return LayerComparison(
        name=one.name,
        depth=one.depth,
        kernels=one.kernels,
        shared=shared,
        only_first=only_first,
        only_second=only_second,
        by_chance=(shared + only_first) * (shared + only_second) / one.kernels,
        cosine=_cosine(one.relevances, other.relevances),
    )


def _cosine(first: Sequence[float], second: Sequence[float]) -> float | None:
    sizes = [math.sqrt(math.fsum(value * value for value in values)) for values in (first, second)]
    if not all(sizes):
        return None
    return math.fsum(a * b for a, b in zip(first, second, strict=True)) / (sizes[0] * sizes[1])


@dataclass(frozen=True)
class KernelSpread:
    """One kernel's relevance over clips, relative to the sum of magnitudes in its layer: mean and standard deviation.

    `kept` is the share of clips whose pyramid keeps the kernel.
    """

    layer: str
    index: int
    depth: int
    mean: float
    deviation: float
    kept: float


def spread_over_clips(pyramids: Sequence[PyramidDocument | Documented]) -> tuple[KernelSpread, ...]:
    """Return mean and spread, over the clips of one class, of each kernel that any of its pyramids keeps.

    Relevance is relative to its layer's on the clip (the sum of magnitudes), so that a clip that is recognised strongly
    does not count for more, and that a constant added to all logits changes nothing.
    Kernels come by depth, then by mean. Raises OptionError for fewer than two documents, for several classes or
    networks, and for documents that do not hold the relevance of all kernels.
    """
    if not isinstance(pyramids, Iterable):
        raise OptionError(f"The spread over clips is that of a list of pyramids, and not of {a_type(pyramids)}.")
    documents = [_document(one) for one in pyramids]
    if len(documents) < 2:
        raise OptionError("The spread over clips needs the pyramids of at least two clips.")
    if len({(document.network, document.weights, document.class_.index) for document in documents}) > 1:
        raise OptionError("The spread over clips is that of one class of one network: group the pyramids by class.")
    tables = [{layer.name: layer for layer in document.layers} for document in documents]
    kept = [{(node.layer, node.index) for node in document.nodes} for document in documents]
    found = []
    for name, index in sorted(set.union(*kept)):
        layers = [table.get(name) for table in tables]
        if any(layer is None or not layer.relevances for layer in layers):
            raise OptionError(f"A document does not hold the relevance of all kernels of {name}: compute it again.")
        values = [_shares(layer, {})[index] for layer in layers if layer is not None]
        share = sum((name, index) in own for own in kept) / len(documents)
        depth = next(layer.depth for layer in layers if layer is not None)
        found.append(KernelSpread(name, index, depth, fmean(values), stdev(values), share))
    return tuple(sorted(found, key=lambda kernel: (kernel.depth, -kernel.mean)))
