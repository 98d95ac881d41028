"""Orders of a layer's kernels by the likeness of their maps to a clip.

After CNN-VIS (github.com/dhruvjain/CNN-VIS), which orders by k-means over one slice of the maps and by their first
principal component. scikit-learn computes groups and components, SciPy the hierarchy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances, silhouette_score
from threadpoolctl import threadpool_limits

from reportgen.analyses.responses.leaf_order import best_leaf_order
from reportgen.records.answers.responses import KernelOrder, OrderName

_Floats = NDArray[np.float64]
_Indices = NDArray[np.int64]

_STARTS, _FEW = 4, 512
"""Starts of k-means, and up to how many kernels there are so many; of more kernels it starts once."""

_MOST_LEAVES = 2048
"""Kernels whose leaves are put into the best order, which takes time with the cube of their number (2 s for these)."""


def kernel_orders(
    maps: NDArray[np.floating],
    *,
    clusters: int = 10,
    most_clusters: int = 12,
    row: int | None = None,
    seed: int = 0,
) -> tuple[KernelOrder, ...]:
    """Return the kernels of maps `K T H W` in several orders, each with figures that say how well it does.

    ============  =====================================================================================================
    none          by index
    kmeans        groups of k-means over whole maps, 2 to `most_clusters` of them, as the mean silhouette is largest
    kmeans10      the same with `clusters` groups, as published
    component     by the projection of whole maps on their first principal component
    published     k-means over one row of the maps (`row`, of the middle frame) in `clusters` groups; within each, the
                  rows by their projection on the group's first principal component
    hierarchical  the leaves of average linkage by correlation, in the order that brings the most alike together (Z.
                  Bar-Joseph and others 2001); its groups are the cut with the largest silhouette
    ============  =====================================================================================================

    Groups follow each other by the mean of their kernels along the first component of all maps, and so do kernels
    within them. Its sign is the one by which kernels of a larger mean response come last. Maps that are equal leave
    fewer groups than asked for; a layer of one kernel has no order but its own. Raises ValueError for a row that the
    maps do not have.
    """
    kernels, frames, height, _width = maps.shape
    if row is not None and row >= height:
        raise ValueError(f"the maps have {height} rows: choose a row from 0 to {height - 1}")
    with threadpool_limits(1):  # groups differ with how many share their sums
        flat = maps.reshape(kernels, -1).astype(np.float64)
        compared = _Compared.of(flat)
        plain = KernelOrder(
            name="none",
            title="index",
            order=tuple(range(kernels)),
            neighbour_correlation=compared.neighbours(range(kernels)),
        )
        if kernels < 2:
            return (plain,)
        rows = maps[:, frames // 2, height // 2 if row is None else row].astype(np.float64)
        which = f"row {(height // 2 if row is None else row) + 1}"
        return (
            plain,
            *_by_silhouette(compared, most_clusters, seed),
            *_grouped(compared, clusters, seed),
            _by_component(compared),
            *_published(compared, rows, which, clusters, seed),
            _hierarchical(compared, most_clusters),
        )


@dataclass(frozen=True, eq=False)
class _Compared:
    """The maps of K kernels with what all orders read.

    `coordinates` `K D` are the maps along their principal components: of equal distances, and far fewer numbers than
    positions. `scores` `K` are those along the first one, which holds `share` of the variance. `apart` and `alike` are
    `K K`: distances and correlations; a map that is the same everywhere is alike to none. So many are `different`.
    """

    coordinates: _Floats
    scores: _Floats
    share: float
    apart: _Floats
    alike: _Floats
    different: int

    @classmethod
    def of(cls, flat: _Floats) -> _Compared:
        centred = flat - flat.mean(0)
        scale = float(np.abs(centred).max())
        if len(flat) < 2 or scale == 0.0:
            coordinates, share = np.zeros((len(flat), 1)), 0.0
        else:
            component = PCA(svd_solver="full")
            coordinates = component.fit_transform(centred / scale) * scale
            share = float(component.explained_variance_ratio_[0])
        scores = _signed(coordinates[:, 0], flat.mean(1))
        return cls(
            coordinates,
            scores,
            share,
            pairwise_distances(coordinates),
            _correlations(flat),
            len(np.unique(flat, axis=0)),
        )

    def neighbours(self, order: Sequence[int] | _Indices) -> float | None:
        """Return the mean correlation of neighbouring maps in an order, over those that vary."""
        places = np.asarray(order)
        values = self.alike[places[:-1], places[1:]]
        known = values[np.isfinite(values)]
        return float(known.mean()) if len(known) else None

    def silhouette(self, labels: _Indices) -> float | None:
        """Return the mean silhouette of groups; None where it is not defined."""
        if not 2 <= len(np.unique(labels)) < len(labels):
            return None
        return float(silhouette_score(self.apart, labels, metric="precomputed"))

    def between(self, labels: _Indices) -> float | None:
        """Return the share of the variance of the maps that lies between groups."""
        total = float((self.coordinates**2).sum())
        if total == 0.0:
            return None
        within = sum(
            float(((own - own.mean(0)) ** 2).sum())
            for own in (self.coordinates[labels == label] for label in np.unique(labels))
        )
        return 1 - within / total

    def judged(
        self,
        name: OrderName,
        title: str,
        order: _Indices,
        labels: _Indices,
        tried: Sequence[tuple[int, float | None]] = (),
    ) -> KernelOrder:
        """Return an order in groups with its figures; groups are numbered as they come in it."""
        first = {int(label): place for place, label in reversed([*enumerate(labels[order])])}
        number = {label: rank for rank, label in enumerate(sorted(first, key=first.__getitem__))}
        return KernelOrder(
            name=name,
            title=title,
            order=tuple(order.tolist()),
            groups=tuple(number[int(label)] for label in labels),
            silhouette=self.silhouette(labels),
            explained_variance=self.between(labels),
            neighbour_correlation=self.neighbours(order),
            tried=tuple(tried),
        )


def _signed(scores: _Floats, means: _Floats) -> _Floats:
    """Return scores with the sign by which they rise with the kernels' means, or by which the largest is positive."""
    rising = float(scores @ (means - means.mean()))
    if abs(rising) <= 1e-12 * float(np.linalg.norm(scores) * np.linalg.norm(means - means.mean())):
        rising = float(scores[np.abs(scores).argmax()])
    return -scores if rising < 0 else scores


def _correlations(flat: _Floats) -> _Floats:
    """Return the correlations `K K` of maps `K P`; nan beside a map that is the same everywhere."""
    centred = flat - flat.mean(1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1)
    constant = lengths <= 1e-12 * np.abs(flat).max(initial=1e-300) * np.sqrt(flat.shape[1])
    unit = centred / np.where(constant, 1.0, lengths)[:, None]
    alike: _Floats = np.clip(unit @ unit.T, -1, 1)
    alike[constant] = alike[:, constant] = np.nan
    return alike


def _kmeans(points: _Floats, clusters: int, seed: int, different: int) -> _Indices | None:
    """Return the group of each row of `points`, at most as many as rows are `different`; None where all are equal."""
    clusters = min(clusters, different)
    if clusters < 2:
        return None
    starts = _STARTS if len(points) <= _FEW else 1
    labels: _Indices = KMeans(clusters, n_init=starts, random_state=seed).fit(points).labels_.astype(np.int64)
    return labels


def _best(
    candidates: Iterator[tuple[int, _Indices | None]], judge: Callable[[_Indices], float | None]
) -> tuple[_Indices | None, list[tuple[int, float | None]]]:
    """Return the groups with the largest silhouette, of equal ones the fewest, and the silhouettes of all."""
    tried: list[tuple[int, float | None]] = []
    best: tuple[float, _Indices | None] = (-np.inf, None)
    for count, labels in candidates:
        if labels is None or len(np.unique(labels)) != count:
            continue
        found = judge(labels)
        tried.append((count, found))
        if found is not None and found > best[0]:
            best = (found, labels)
    return best[1], tried


def _by_group(labels: _Indices, scores: _Floats) -> _Indices:
    """Return the kernels group by group, groups and kernels by their scores."""
    means = {label: scores[labels == label].mean() for label in np.unique(labels)}
    return np.lexsort((scores, labels, np.array([means[label] for label in labels])))


def _by_silhouette(maps: _Compared, most: int, seed: int) -> Iterator[KernelOrder]:
    counts = range(2, min(most, len(maps.scores) - 1) + 1)
    labels, tried = _best(
        ((count, _kmeans(maps.coordinates, count, seed, maps.different)) for count in counts), maps.silhouette
    )
    if labels is not None:
        count = len(np.unique(labels))
        title = f"k-means, {count} groups by silhouette"
        yield maps.judged("kmeans", title, _by_group(labels, maps.scores), labels, tried)


def _grouped(maps: _Compared, clusters: int, seed: int) -> Iterator[KernelOrder]:
    labels = _kmeans(maps.coordinates, clusters, seed, maps.different)
    if labels is not None:
        title = f"k-means, {len(np.unique(labels))} groups"
        yield maps.judged("kmeans10", title, _by_group(labels, maps.scores), labels)


def _by_component(maps: _Compared) -> KernelOrder:
    order = np.argsort(maps.scores, kind="stable")
    return KernelOrder(
        name="component",
        title="first principal component",
        order=tuple(order.tolist()),
        explained_variance=maps.share or None,
        neighbour_correlation=maps.neighbours(order),
    )


def _published(maps: _Compared, rows: _Floats, which: str, clusters: int, seed: int) -> Iterator[KernelOrder]:
    """Yield the order of CNN-VIS: by groups of one row, within each by its rows' first component."""
    labels = _kmeans(rows, clusters, seed, len(np.unique(rows, axis=0)))
    if labels is None:
        return
    within = np.zeros(len(rows))
    for label in np.unique(labels):
        own = labels == label
        within[own] = _Compared.of(rows[own]).scores
    means = {label: maps.scores[labels == label].mean() for label in np.unique(labels)}
    order = np.lexsort((within, labels, np.array([means[label] for label in labels])))
    title = f"as published: {len(np.unique(labels))} groups of {which}, its component"
    yield maps.judged("published", title, order, labels)


def _hierarchical(maps: _Compared, most: int) -> KernelOrder:
    """Return the leaves of average linkage by correlation; a map that is the same everywhere is at distance 1."""
    apart = np.where(np.isfinite(maps.alike), 1 - maps.alike, 1.0)
    apart = np.clip((apart + apart.T) / 2, 0, None)
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform(apart, checks=False), "average")
    title = "hierarchy by correlation"
    if len(apart) <= _MOST_LEAVES:
        tree = best_leaf_order(tree, apart)
    else:
        title += ", leaves as they come"
    cuts = (
        (count, fcluster(tree, count, "maxclust").astype(np.int64)) for count in range(2, min(most, len(apart) - 1) + 1)
    )

    def judge(labels: _Indices) -> float | None:
        return float(silhouette_score(apart, labels, metric="precomputed"))

    labels, tried = _best(cuts, judge)
    order = leaves_list(tree).astype(np.int64)
    if labels is None:
        return KernelOrder(
            name="hierarchical", title=title, order=tuple(order.tolist()), neighbour_correlation=maps.neighbours(order)
        )
    return maps.judged("hierarchical", title, order, labels, tried)
