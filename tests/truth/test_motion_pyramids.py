"""On the bundled network, the pyramid of a moving texture is not that of the texture."""

from __future__ import annotations

from functools import cache

import pytest

from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.pyramid.export import pyramid_document
from reportgen.networks.trace.build import connection_graph
from reportgen.networks.trace.graph import ConnectionGraph
from reportgen.records.pyramid_compare import compare_pyramids
from reportgen.records.pyramid_schema import PyramidDocument
from tests.truth.bundled import bundled_clips, bundled_network

TEXTURES = 4


@cache
def graph_of(shape: tuple[int, ...]) -> ConnectionGraph:
    return connection_graph(bundled_network(), shape)


def explained(texture: int, seed: int, motion: str) -> tuple[PyramidDocument, str]:
    """Return the pyramid of `motion` on a clip of that texture moving right, and the class that moves."""
    network = bundled_network()
    clip, label = bundled_clips(TEXTURES, motion="right", seed=seed)[texture]
    name = network.labels[label]
    asked = network.labels.index(name.replace("moving right", motion))
    pyramid = class_pyramid(network, clip, asked, graph=graph_of(tuple(clip.shape)))
    return pyramid_document(pyramid, network=network.name), name


@pytest.mark.parametrize("texture", [0, *(pytest.param(one, marks=pytest.mark.long) for one in range(1, TEXTURES))])
def test_the_pyramid_of_a_motion_class_differs_from_that_of_its_texture(texture: int) -> None:
    moving, name = explained(texture, 5, "moving right")
    still, _ = explained(texture, 5, "static")
    again, same = explained(texture, 17, "moving right")
    assert name == same
    other = compare_pyramids(moving, still).jaccard
    own = compare_pyramids(moving, again).jaccard
    assert other is not None
    assert own is not None
    assert other <= 0.4  # on one and the same clip
    assert own >= 0.7  # on another clip of the class
