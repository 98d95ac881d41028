"""Comparing pyramids by hand-made documents whose answers are known."""

from __future__ import annotations

import pytest

from reportgen.errors import OptionError
from reportgen.records.pyramid_compare import compare_pyramids, spread_over_clips
from reportgen.records.pyramid_schema import (
    ClassFacts,
    EdgeFigures,
    KernelPlace,
    LayerFigures,
    NodeFigures,
    PyramidDocument,
    ThetaCurve,
)


def document(
    relevances: tuple[float, ...], kept: tuple[int, ...], *, logit: float = 10.0, index: int = 0, **changes: object
) -> PyramidDocument:
    layer = LayerFigures(
        name="a",
        kind="convolution",
        depth=1,
        kernels=len(relevances),
        kept=len(kept),
        relevance=sum(relevances),
        relevances=relevances,
    )
    nodes = tuple(NodeFigures(layer="a", index=i, depth=1, relevance=relevances[i], activation=1.0) for i in kept)
    target = KernelPlace(layer=None, index=index)
    plain = PyramidDocument(
        network="net",
        class_=ClassFacts(index=index),
        logit=logit,
        scoring="attribution",
        parameters={},
        layers=(layer,),
        nodes=nodes,
        edges=tuple(
            EdgeFigures(source=KernelPlace(layer="a", index=i), target=target, contribution=relevances[i]) for i in kept
        ),
        edge_total=len(kept),
        theta_curve=ThetaCurve(thetas=(), kept={}),
    )
    return plain.model_copy(update=changes)


def test_shared_and_separate_kernels_are_told_apart() -> None:
    found = compare_pyramids(document((4, 3, 2, 1), (0, 1)), document((4, 0, 6, 0), (0, 2), index=3))
    assert {kernel.index: kernel.side for kernel in found.kernels} == {0: "shared", 1: "first", 2: "second"}
    (layer,) = found.layers
    assert (layer.shared, layer.only_first, layer.only_second, layer.by_chance) == (1, 1, 1, 1.0)
    assert layer.jaccard == found.jaccard == pytest.approx(1 / 3)
    assert layer.cosine == pytest.approx(28 / (30 * 52) ** 0.5)
    assert (found.edges_shared, found.edges) == (1, 3)
    shared = next(kernel for kernel in found.kernels if kernel.index == 0)
    assert (shared.first, shared.second) == (0.4, 0.4)


def test_a_pyramid_compared_with_itself_is_all_shared() -> None:
    one = document((4, 3, 2, 1), (0, 1))
    found = compare_pyramids(one, one)
    assert found.jaccard == 1.0
    assert found.layers[0].cosine == pytest.approx(1.0)
    assert found.edges_shared == found.edges == 2


def test_pyramids_that_cannot_be_compared_are_refused() -> None:
    one = document((4, 3, 2, 1), (0,))
    with pytest.raises(OptionError, match="scored"):
        compare_pyramids(one, document((4, 3), (0,), scoring="published"))
    with pytest.raises(OptionError, match="4 kernels here and 2 there"):
        compare_pyramids(one, document((4, 3), (0,)))
    with pytest.raises(OptionError, match="share no layer"):
        compare_pyramids(one, document((4, 3), (0,), layers=()))


def test_the_spread_over_clips_is_relative_to_each_layer_and_to_no_logit() -> None:
    clips = [document((4, 3, 2, 1), (0, 1)), document((40, 50, 0, 10), (1,), logit=100.0)]
    found = {kernel.index: kernel for kernel in spread_over_clips(clips)}
    assert {index: kernel.kept for index, kernel in found.items()} == {0: 0.5, 1: 1.0}
    assert [found[i].mean for i in (0, 1)] == pytest.approx([0.4, 0.4])
    assert [found[i].deviation for i in (0, 1)] == pytest.approx([0.0, 0.02**0.5])


def test_a_spread_needs_clips_of_one_class_with_all_kernels() -> None:
    one = document((4, 3), (0,))
    with pytest.raises(OptionError, match="two clips"):
        spread_over_clips([one])
    with pytest.raises(OptionError, match="one class"):
        spread_over_clips([one, document((4, 3), (0,), index=1)])
    assert spread_over_clips([one, document((4, 3), (0,), logit=0.0)]), "a logit of 0 has kernels as any other"
    bare = one.layers[0].model_copy(update={"relevances": ()})
    with pytest.raises(OptionError, match="all kernels"):
        spread_over_clips([one, one.model_copy(update={"layers": (bare,)})])
