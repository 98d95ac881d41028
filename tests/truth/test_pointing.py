"""The pointing game: of two textures in two places, does the map of one class point to its own?"""

from __future__ import annotations

import itertools
from functools import cache

import pytest
from torch import Tensor

from reportgen.analyses.saliency import attribute
from tests.truth.bundled import bundled_clips, bundled_network

TEXTURES = ("blobs", "checks", "dots", "rings")


@cache
def pairs() -> tuple[tuple[Tensor, int, bool], ...]:
    """Clips of two textures side by side, both static: the clip, the class asked about, whether it is on the left."""
    network = bundled_network()
    made = {network.labels[label].split()[0]: (clip, label) for clip, label in bundled_clips(4, motion="static")}
    found = []
    for left, right in itertools.combinations(TEXTURES, 2):
        clip = made[left][0].clone()
        half = clip.shape[-1] // 2
        clip[..., half:] = made[right][0][..., half:]
        found += [(clip, made[left][1], True), (clip, made[right][1], False)]
    return tuple(found)


def pointing(method: str) -> float:
    """The share of cases in which the class's own half holds more of the map (evidence for less evidence against)."""
    hits = []
    for clip, label, on_left in pairs():
        heat = attribute(bundled_network(), clip, label, method, steps=8).heat[0].sum(dim=(0, 1))
        half = len(heat) // 2
        left, right = float(heat[:half].sum()), float(heat[half:].sum())
        hits.append((left > right) is on_left)
    return sum(hits) / len(hits)


@pytest.mark.parametrize("method", ["integrated_gradients", "grad_cam"])
def test_maps_point_to_the_texture_of_the_class(method: str) -> None:
    assert pointing(method) >= 0.9
