"""Pictures move where the displacement says, in both directions and at every size."""

from __future__ import annotations

import pytest
import torch

from reportgen.analyses.decomposition.warping import (
    double_displacement,
    halve,
    image_gradient,
    lands_inside,
    picture_pyramid,
    warp,
    warp_field,
)


def picture(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def constant(dx: float, dy: float, *shape: int) -> torch.Tensor:
    return torch.tensor([dx, dy], dtype=torch.float64).view(2, 1, 1).expand(*shape).clone()


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_whole_pixels_are_copied(mode: str) -> None:
    source = picture(1, 3, 7, 9)
    moved = warp(source, constant(2, -1, 1, 1, 2, 7, 9), mode=mode)
    torch.testing.assert_close(moved[0, :, 0, 1:, :-2], source[0, :, :-1, 2:])


def test_outside_is_the_border() -> None:
    source = picture(1, 1, 4, 5)
    moved = warp(source, constant(100, 0, 1, 1, 2, 4, 5))
    torch.testing.assert_close(moved[0, 0, 0], source[0, 0, :, -1:].expand(4, 5))


def test_a_margin_holds_what_lies_outside() -> None:
    source = picture(1, 1, 8, 9)
    moved = warp(source, constant(-2, 1, 1, 1, 2, 4, 5), margin=2)
    torch.testing.assert_close(moved[0, 0, 0], source[0, 0, 3:7, 0:5])


def test_many_fields_move_each_picture_as_one_by_one() -> None:
    source = picture(2, 3, 6, 5)
    fields = 2 * picture(2, 4, 2, 6, 5) - 1
    together = warp(source, fields)
    alone = warp(source[1:], fields[1:, 2:3])
    assert together.shape == (2, 3, 4, 6, 5)
    torch.testing.assert_close(together[1:, :, 2:3], alone)


def test_a_field_is_read_where_another_points() -> None:
    ramp = torch.stack(torch.meshgrid(torch.arange(6.0), torch.arange(6.0), indexing="xy"))[None].double()
    read = warp_field(ramp, constant(0.5, 1, 1, 2, 6, 6))
    torch.testing.assert_close(read[0, :, 2, 3], torch.tensor([3.5, 3.0], dtype=torch.float64))


def test_inside_ends_at_the_last_pixel() -> None:
    right = lands_inside(constant(1, 0, 2, 3, 4))
    assert right[:, :3].all()
    assert not right[:, 3].any()
    assert lands_inside(constant(0, 0, 2, 5, 5), margin=2).sum() == 1


def test_gradient_of_a_quadratic_is_exact() -> None:
    y, x = torch.meshgrid(torch.arange(8.0), torch.arange(9.0), indexing="ij")
    gx, gy = image_gradient(x.square() + 3 * y)
    torch.testing.assert_close(gx, 2 * x)
    torch.testing.assert_close(gy, torch.full_like(y, 3))


def test_halving_keeps_positions() -> None:
    # Pixel i of the half-size picture lies between pixels 2i and 2i + 1, so a ramp has the value of the middle there.
    ramp = torch.arange(24.0).expand(1, 1, 24, 24)
    torch.testing.assert_close(halve(ramp)[0, 0, 5, 2:-2], 2 * torch.arange(2.0, 10.0) + 0.5)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (15, 17)])
def test_sizes_round_up_and_come_back(height: int, width: int) -> None:
    small = picture_pyramid(picture(1, 3, height, width), 2)[1]
    assert small.shape[-2:] == ((height + 1) // 2, (width + 1) // 2)
    field = double_displacement(constant(1, -2, 1, 1, 2, *small.shape[-2:]), height, width)
    torch.testing.assert_close(field, constant(2, -4, 1, 1, 2, height, width))


def test_texture_too_fine_for_half_the_size_vanishes() -> None:
    fine = torch.cos(2 * torch.pi * 0.4 * torch.arange(64.0)).expand(1, 1, 64, 64)
    assert halve(fine)[..., 4:-4, 4:-4].abs().max() < 0.001
