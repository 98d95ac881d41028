"""Contrast at once: what is right becomes black or white, what is wrong stays where it can be left."""

from __future__ import annotations

import torch
from torch import Tensor

from reportgen.analyses.kernels.sharpening import sharpened


def test_pixels_that_are_right_go_far_and_wrong_ones_stay() -> None:
    wanted = torch.tensor([1.0, -1.0, 1.0, -1.0])
    pixels = torch.tensor([0.5, -0.1, -0.2, -2.0])

    def loss(given: Tensor) -> Tensor:
        return -(torch.sigmoid(given) * wanted).sum()

    assert torch.allclose(sharpened(pixels, loss), torch.tensor([6.0, -1.6, -0.2, -6.0]))


def test_pixels_that_more_contrast_makes_worse_stay() -> None:
    pixels = torch.tensor([0.5, -0.5])

    def loss(given: Tensor) -> Tensor:
        return (torch.sigmoid(given) - torch.sigmoid(1.2 * pixels)).square().sum()

    assert torch.equal(sharpened(pixels, loss), pixels)
