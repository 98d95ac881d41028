"""A concept's clips against the reference clips, for every kernel of every measured layer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reportgen.analyses.common.rank_sums import RankFigures
from reportgen.analyses.common.representation import in_one_line
from reportgen.analyses.concepts.passes import ClipResponses
from reportgen.analyses.concepts.rank_tests import RankTests, overall_ranks, standard_scores
from reportgen.records.discovery import false_discovery
from reportgen.result import ShownResult

_DULL = 1e-6
"""Share of a layer's largest response up to which a kernel's responses scatter by rounding alone."""

USUAL = (0.05, 0.5, 0.95)
"""Of each kernel's responses to the reference clips."""

_AT_ONCE = 2**22
"""Responses that are tested at once."""


@dataclass(frozen=True, eq=False)
class KernelTests(ShownResult):
    """One layer's K kernels: what a concept's clips do to them beside the reference clips.

    `mean` and `reference` (USUAL quantiles, `3 K`) are of responses. `score` is (mean - mean of the reference) /
    their standard deviation, infinite where they do not scatter. `auroc` is how often a clip of the concept drives
    the kernel more than a reference clip, with the ends of its 95% interval; `p` of Mann-Whitney's two-sided test, `q`
    by Benjamini & Hochberg over all kernels of all layers. All of these are NaN where they cannot be told: p of kernels
    that respond alike to every clip. `rank` is 1 for the kernel of the largest AUROC of all layers.
    """

    mean: RankFigures
    reference: RankFigures
    score: RankFigures
    auroc: RankFigures
    low: RankFigures
    high: RankFigures
    p: RankFigures
    methods: NDArray[np.str_]
    q: RankFigures
    rank: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ConceptTests(ShownResult):
    """A concept against the reference clips.

    `clips` and `reference` are the rows that were compared, each picture or clip once. `shared` reference clips are
    clips of the concept and were left out, `labelled` ones have the concept's label and were left out.
    """

    clips: tuple[int, ...]
    reference: tuple[int, ...]
    shared: int
    labelled: int
    layers: Mapping[str, KernelTests]

    def __repr__(self) -> str:
        return in_one_line(
            self,
            f"{len(self.clips)} clips against {len(self.reference)}",
            f"{self.tested} tested kernels of {len(self.layers)} layers",
        )

    @property
    def tested(self) -> int:
        """Kernels that have a p: the family of q."""
        return sum(int(np.isfinite(found.p).sum()) for found in self.layers.values())

    def leading(self, count: int) -> list[tuple[str, int]]:
        """Return the `count` kernels of the largest AUROC as (layer, index)."""
        found = [
            (int(rank), layer, index)
            for layer, tests in self.layers.items()
            for index, rank in enumerate(tests.rank)
            if np.isfinite(tests.auroc[index])
        ]
        return [(layer, index) for _, layer, index in sorted(found)[:count]]


def against_reference(concept: ClipResponses, reference: ClipResponses, alike: Collection[int] = ()) -> ConceptTests:
    """Test every kernel of every layer; `alike` are rows of reference clips that belong to the concept."""
    own = concept.rows()
    apart = reference.rows(without=concept.digests)
    others = [row for row in apart if row not in set(alike)]
    shared = sum(digest in set(concept.digests) for digest in reference.digests)
    layers = {layer: _Layer(concept, reference, layer, own, others) for layer in concept.places} if others else {}
    found = {layer: list(state.pieces()) for layer, state in layers.items()}
    return ConceptTests(
        tuple(own),
        tuple(others),
        shared,
        len(apart) - len(others),
        _judged({layer: _joined(pieces) for layer, pieces in found.items()}),
    )


@dataclass(frozen=True)
class _Piece:
    mean: RankFigures
    reference: RankFigures
    score: RankFigures
    tests: RankTests


@dataclass(frozen=True)
class _Layer:
    """One layer of a comparison; its kernels are read and tested a piece at a time."""

    concept: ClipResponses
    others: ClipResponses
    name: str
    own_rows: Sequence[int]
    other_rows: Sequence[int]

    def pieces(self) -> Iterator[_Piece]:
        first, last = self.concept.places[self.name]
        step = max(1, _AT_ONCE // (len(self.own_rows) + len(self.other_rows)))
        for start in range(0, last - first, step):
            yield self._piece(start, min(start + step, last - first))

    def _piece(self, start: int, stop: int) -> _Piece:
        own = self.concept.columns(self.name, start, stop, self.own_rows).numpy()
        others = self.others.columns(self.name, start, stop, self.other_rows).numpy()
        largest = max(self.concept.largest[self.name], self.others.largest[self.name])
        with np.errstate(invalid="ignore"):  # responses that are not numbers have no figures
            dull = ~(np.concatenate([own, others]).std(0) > _DULL * largest)
            return _Piece(
                own.mean(0),
                np.quantile(others, USUAL, axis=0),
                np.where(dull, np.nan, standard_scores(own, others)),
                RankTests.of(own, others, dull),
            )


def _joined(pieces: Sequence[_Piece]) -> _Piece:
    tests = [piece.tests for piece in pieces]
    return _Piece(
        np.concatenate([piece.mean for piece in pieces]),
        np.concatenate([piece.reference for piece in pieces], axis=1),
        np.concatenate([piece.score for piece in pieces]),
        RankTests(
            np.concatenate([each.auroc for each in tests]),
            np.concatenate([each.low for each in tests]),
            np.concatenate([each.high for each in tests]),
            np.concatenate([each.p for each in tests]),
            np.concatenate([each.methods for each in tests]),
        ),
    )


def _judged(layers: Mapping[str, _Piece]) -> dict[str, KernelTests]:
    """Return the layers with what needs all of them: q and ranks."""
    if not layers:
        return {}
    p = np.concatenate([found.tests.p for found in layers.values()])
    q = np.full(len(p), np.nan)
    q[np.isfinite(p)] = false_discovery(p[np.isfinite(p)].tolist())
    rank = overall_ranks(
        np.concatenate([found.tests.auroc for found in layers.values()]),
        np.concatenate([found.score for found in layers.values()]),
    )
    judged, first = {}, 0
    for layer, found in layers.items():
        last, tests = first + len(found.mean), found.tests
        judged[layer] = KernelTests(
            found.mean,
            found.reference,
            found.score,
            tests.auroc,
            tests.low,
            tests.high,
            tests.p,
            tests.methods,
            q[first:last],
            rank[first:last],
        )
        first = last
    return judged
