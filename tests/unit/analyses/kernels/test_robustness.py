"""Views: symmetric, each sample's own, and never filled."""

from __future__ import annotations

import pytest
import torch

from reportgen.analyses.kernels.robustness import Views, draw_views


def draws(count: int) -> torch.Tensor:
    return draw_views(count, torch.Generator().manual_seed(0)).double()


def test_jitter_is_symmetric_about_no_shift() -> None:
    shifts = Views(jitter=(2, 8)).shifts(draws(4000), (16, 64, 64))
    assert shifts.amin(0).tolist() == [-2, -8, -8]
    assert shifts.amax(0).tolist() == [2, 8, 8]
    assert shifts.mean(0).abs().max() < 0.3


def test_without_a_limit_a_shift_goes_anywhere() -> None:
    shifts = Views().shifts(draws(4000), (4, 6, 8))
    for axis, size in enumerate((4, 6, 8)):
        assert sorted(shifts[:, axis].unique().tolist()) == list(range(size))


@pytest.mark.parametrize(("stride", "steps"), [(2, 8), (4, 64), (8, 512)])
def test_shifts_see_all_places_of_a_stride_equally_often(stride: int, steps: int) -> None:
    shifts = Views().shifts(draws(2 * steps), (16, 64, 64))
    for part in shifts.split(steps):
        places, counts = torch.unique(part % stride, dim=0, return_counts=True)
        assert len(places) == stride**3
        assert counts.unique().tolist() == [steps // stride**3]


@pytest.mark.parametrize("jitter", [None, (2, 8)])
def test_frames_that_are_channels_keep_their_order(jitter: tuple[int, int] | None) -> None:
    shifts = Views(jitter, in_time=False).shifts(draws(100), (2, 64, 64))
    assert not shifts[:, 0].any()
    assert shifts[:, 1:].any(0).all()


def test_turning_a_constant_canvas_brings_in_nothing_else() -> None:
    views = Views(rotation=30, scale=(0.5, 1.5))
    clips = torch.full((8, 3, 2, 10, 14), 0.75, dtype=torch.float64)
    assert torch.allclose(views.turn(clips, draws(8)), clips)


def test_samples_turn_independently_and_frames_of_one_alike() -> None:
    clip = torch.rand(1, 1, 1, 12, 12, generator=torch.Generator().manual_seed(1)).double().expand(4, 1, 3, 12, 12)
    turned = Views(rotation=20).turn(clip, draws(4))
    assert torch.equal(turned[:, :, 0], turned[:, :, 2])
    assert not torch.allclose(turned[0], turned[1])


@pytest.mark.parametrize(("height", "width"), [(9, 9), (9, 15)])
def test_half_a_turn_reverses_both_axes(height: int, width: int) -> None:
    clip = torch.rand(1, 1, 1, height, width, generator=torch.Generator().manual_seed(1)).double()
    half = torch.tensor([[0, 0, 0, 0.5, 1.0, 0, 0, 0]], dtype=torch.float64)
    assert torch.allclose(Views(rotation=180).turn(clip, half), clip.flip(-1, -2), atol=1e-9)


def test_a_quarter_turn_of_a_wide_clip_keeps_its_proportions() -> None:
    clip = torch.zeros(1, 1, 1, 9, 15, dtype=torch.float64)
    clip[..., 4, 10] = 1  # three px right of the centre
    quarter = torch.tensor([[0, 0, 0, 0.5, 1.0, 0, 0, 0]], dtype=torch.float64)
    turned = Views(rotation=90).turn(clip, quarter)[0, 0, 0]
    assert turned[1, 7] + turned[7, 7] == pytest.approx(1)  # three px above or below it


def test_magnification_enlarges() -> None:
    clip = torch.zeros(1, 1, 1, 17, 17, dtype=torch.float64)
    clip[..., 6:11, 6:11] = 1
    larger = Views(scale=(2.0, 2.0)).turn(clip, torch.zeros(1, 8, dtype=torch.float64))
    assert float(larger.sum()) == pytest.approx(100, rel=0.05)
