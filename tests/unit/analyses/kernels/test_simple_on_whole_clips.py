"""Simple patterns of a search that explores on small clips are compared on whole ones, as they will be shown."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.kernels.options import AscentOptions
from reportgen.analyses.kernels.search import Search
from reportgen.analyses.kernels.simple_optima import SimpleOptima, tiled
from reportgen.networks.core.network import Network


@pytest.mark.parametrize("better_whole", [True, False])
def test_what_is_better_on_small_clips_alone_takes_no_found_clips_place(
    monkeypatch: pytest.MonkeyPatch, better_whole: bool
) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv3d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv3d(4, 4, 3, padding=1))
    options = AscentOptions(clip_shape=(8, 64, 64), grow=True, steps=16, precision="float32", objective="firing")
    search = Search(Network(module.eval().requires_grad_(False)), "2", [1], options)
    small, whole = search.levels[0], search.levels[1]
    assert small.shape != whole.shape == (8, 64, 64)
    pixels = torch.randn((1, 3, *small.shape), generator=torch.Generator().manual_seed(1))
    found = search.scoring.canvas(whole).bounded(tiled(pixels, whole.shape))

    def rate(clip: Tensor) -> tuple[float, float]:
        if clip.shape != found.shape:
            return (2.0, 2.0)  # a pattern: the found clip is not asked about where it is small
        return (1.0, 1.0) if torch.equal(clip, found) else (1.5, 1.5) if better_whole else (0.5, 0.5)

    monkeypatch.setattr(SimpleOptima, "rates", lambda _, clips, __: [rate(clip) for clip in clips])
    simple = SimpleOptima(search.scoring, [1], small.shape)
    assert (simple.best(pixels, 1, small, whole, seed=0) is not None) == better_whole
