"""What a pyramid's page says in pictures and words, from the sample run."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from reportgen.outputs.site.draw import draw
from reportgen.pages.pyramid import conservation_sentence
from reportgen.pages.pyramid_graph import best_real_clip, graph_data
from reportgen.pages.pyramid_overview import overview, pieces
from reportgen.pages.report import ModelView, Report
from reportgen.reading.addresses import relative_link
from reportgen.reading.views import Pyramid
from reportgen.records.finding import find_runs
from reportgen.records.pyramid_schema import ConservationFigures


@pytest.fixture(scope="module")
def model(sample_runs: Path) -> ModelView:
    return next(model for model in Report.of(find_runs(sample_runs)).models if model.run.model == "drift")


@pytest.fixture
def pyramid(model: ModelView) -> Pyramid:
    return model.pyramids[0]


def with_conservation(pyramid: Pyramid, found: ConservationFigures | None, checked: float | None) -> Pyramid:
    document = pyramid.graph.document.model_copy(update={"conservation": found})
    return replace(pyramid, graph=replace(pyramid.graph, document=document, conservation=checked))


def test_pieces_of_a_layer_add_up_and_leave_room_for_what_is_not_kept(model: ModelView, pyramid: Pyramid) -> None:
    layer = pyramid.graph.document.layers[0]
    assert sum(piece.share for piece in pieces(model, pyramid, layer)) == pytest.approx(1.0)
    kept = [node.relevance for node in pyramid.graph.nodes if node.layer == layer.name]
    all_kernels = (*kept, sum(kept), -1.0)
    *own, rest = pieces(model, pyramid, layer.model_copy(update={"relevances": all_kernels}))
    assert rest.others
    assert rest.share == pytest.approx(0.5)
    assert [piece.value for piece in own] == sorted(kept, reverse=True)


def test_the_overview_links_kernels_with_pages_and_colours_them_by_motion(model: ModelView, pyramid: Pyramid) -> None:
    figure = overview(model, pyramid)
    assert figure
    drawn = str(draw(figure, partial(relative_link, pyramid.uri)))
    assert drawn.count('text-anchor="end"') == len(pyramid.graph.document.layers)
    assert "<img" not in drawn
    assert "motion reliance 0.75" in drawn
    assert "stem.conv/0007.html" in drawn


def test_the_graph_knows_the_reliance_of_every_kernel_that_was_probed(model: ModelView, pyramid: Pyramid) -> None:
    reliance = graph_data(model, pyramid)["motion"]
    found = {(n.layer, n.index): value for n, value in zip(pyramid.graph.nodes, reliance, strict=True)}
    assert found["stem.conv", 7] == 0.75
    assert found["stem.conv", 40] == pytest.approx(0.1), "kernels without a page too"
    assert found["s3.pathway0_res0.branch2.c", 7] is None, "its layer was not probed"
    assert reliance[0] is None, "the class is no kernel"


def test_conservation_is_claimed_only_where_it_was_checked(pyramid: Pyramid) -> None:
    only_class = ConservationFigures(error=0.0, bias_share=0.0, cuts=(("fc", 1.0, 0.0),))
    assert "no sum to check" in conservation_sentence(with_conservation(pyramid, only_class, None))
    cuts = (("fc", 1.0, 0.0), ("stem.conv", 0.75, 0.25))
    checked = ConservationFigures(error=0.001, bias_share=0.25, cuts=cuts)
    said = conservation_sentence(with_conservation(pyramid, checked, 0.001))
    assert "At stem conv" in said
    assert "relevance is 75.0%" in said
    assert "are 25.0%" in said
    assert "leaves over nothing" in said
    curved = ConservationFigures(error=0.7, bias_share=0.0, curvature_share=-0.7, cuts=(*cuts[:1], ("stem", 1.7, 0.0)))
    assert "leaves over −70.00%" in conservation_sentence(with_conservation(pyramid, curved, 0.7))
    assert "do not add up" in conservation_sentence(with_conservation(pyramid, None, None))


def test_a_kernel_shows_the_real_clip_that_drives_it_most(model: ModelView, pyramid: Pyramid) -> None:
    node = next(node for node in pyramid.graph.nodes if (node.layer, node.index) == ("stem.conv", 7))
    best = best_real_clip(model, node)
    driven = model.evidence.best("stem.conv", 7)
    assert best is not None
    assert driven is not None
    assert best.alt == model.clips[driven.clip].title
    card = graph_data(model, pyramid)["cards"][pyramid.graph.nodes.index(node)]
    assert all(card[kind]["sprite"] for kind in ("clip", "texture", "motion", "best"))
