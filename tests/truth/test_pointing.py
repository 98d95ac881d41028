"""The pointing game: of two textures in two places, does the map of one class point to its own?

The score is the standard one (Zhang et al. 2018, arXiv 1608.00507): the map's highest point must lie in the right half.
Maps are smoothed first, over 1/8 of the clip's side, as they are with their sign: the positive and negative parts of
integrated gradients change from pixel to pixel along a texture's edges and mostly cancel. What is left without the
negative ones grows with the texture's contrast, whatever the class; that score is lower, and is kept here for
comparison with maps that have no sign.
"""

from __future__ import annotations

import itertools
from functools import cache

import pytest
import torch
from torch import Tensor

from reportgen.analyses.common.baselines import blurred
from reportgen.analyses.saliency.attribution import attribute
from reportgen.networks.core.target import contrast
from tests.options import options_of
from tests.truth.bundled import bundled_clips, bundled_network

TEXTURES = ("checks", "dots", "rings", "blobs")
SMOOTH = 1 / 8


@cache
def pairs() -> tuple[tuple[Tensor, int, int, bool], ...]:
    """Clips of two textures side by side that move alike: the clip, the class asked about, the other, if it is left."""
    labels = bundled_network().labels
    made = {labels[label]: (clip, label) for clip, label in bundled_clips(28, seed=7)}
    found = []
    for motion in dict.fromkeys(name.partition(" ")[2] for name in labels):
        for number, (first, second) in enumerate(itertools.combinations(TEXTURES, 2)):
            (left, left_label), (right, right_label) = (made[f"{texture} {motion}"] for texture in (first, second))
            clip = left.clone()
            half = clip.shape[-1] // 2
            clip[..., half:] = right[..., half:]
            asked = (left_label, right_label, True) if number % 2 == 0 else (right_label, left_label, False)
            found.append((clip, *asked))
    return tuple(found)


def points_left(heat: Tensor) -> bool:
    """Whether the highest point of a map `T H W`, smoothed in space, lies in its left half."""
    place = int(blurred(heat, SMOOTH).argmax()) % heat.shape[-1]
    return place < heat.shape[-1] // 2


def pointing(method: str, steps: int = 1) -> float:
    """The share of clips whose map points to the half of the class asked about."""
    network = bundled_network()
    hits = [
        points_left(attribute(network, clip, label, method, **options_of(method, steps=steps)).heat[0]) is on_left
        for clip, label, _other, on_left in pairs()
    ]
    return sum(hits) / len(hits)


def test_there_are_enough_clips() -> None:
    assert len(pairs()) == 42


@pytest.mark.long
def test_integrated_gradients_point_to_the_texture_of_the_class() -> None:
    assert pointing("integrated_gradients", steps=8) >= 0.9


@pytest.mark.long
def test_grad_cam_points_to_the_texture_of_the_class() -> None:
    assert pointing("grad_cam") >= 0.9


@pytest.mark.parametrize("place", [0, 3, *(pytest.param(one, marks=pytest.mark.long) for one in (1, 5))])
def test_the_contrast_of_two_textures_says_which_half_speaks_for_which(place: int) -> None:
    """Why this class rather than the other one: the halves get opposite signs."""
    clip, label, other, on_left = pairs()[place]
    heat = attribute(contrast(bundled_network(), label, other), clip, 0, "integrated_gradients", steps=8).heat[0]
    left, right = (float(half.sum()) for half in torch.tensor_split(heat, 2, dim=-1))
    assert (left > right) is on_left
