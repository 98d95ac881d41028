"""Channels-last weights: where they pay, and that they leave no trace."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from reportgen import maximize_activation
from reportgen.networks.core.network import as_network
from reportgen.networks.speed.layout import channels_last, channels_last_pays


def network(kernel: tuple[int, int, int]) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(3, 8, kernel), nn.ReLU(), nn.Conv3d(8, 8, kernel)).requires_grad_(False)


def test_they_pay_for_full_kernels_only() -> None:
    assert channels_last_pays(as_network(network((3, 3, 3))))
    assert not channels_last_pays(as_network(network((1, 3, 3))))
    assert not channels_last_pays(as_network(network((3, 1, 1))))
    assert not channels_last_pays(as_network(nn.Sequential(nn.Linear(3, 4))))


def test_they_pay_for_the_kernels_of_pictures_unless_flat_ones_of_clips_outweigh_them() -> None:
    pictures = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1))
    assert channels_last_pays(as_network(pictures))
    assert not channels_last_pays(as_network(nn.Sequential(pictures, nn.Conv3d(4, 64, (1, 3, 3)))))


@pytest.mark.parametrize("pictures", [False, True])
def test_the_maps_are_the_same_and_the_weights_are_left_as_they_were(pictures: bool) -> None:
    still = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3)).requires_grad_(False)
    one = as_network(still if pictures else network((3, 3, 3)))
    clips = torch.rand(2, 3, 12, 12) if pictures else torch.rand(2, 3, 8, 12, 12)
    weight = one.module[0].weight
    values, place = weight.clone(), weight.data_ptr()
    wanted = one.module(clips)
    with channels_last(one):
        order = torch.channels_last if pictures else torch.channels_last_3d
        assert weight.is_contiguous(memory_format=order)
        assert torch.allclose(one.module(clips), wanted, atol=1e-6)
    assert weight.is_contiguous()
    assert weight.data_ptr() == place
    assert torch.equal(weight, values)


def test_an_error_leaves_the_weights_as_they_were() -> None:
    one = as_network(network((3, 3, 3)))
    with pytest.raises(ValueError, match="on the way"), channels_last(one):
        raise ValueError("on the way")
    assert one.module[0].weight.is_contiguous()


@pytest.mark.long
def test_what_a_kernel_looks_for_does_not_depend_on_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"clip_shape": (8, 12, 12), "steps": 24, "objective": "firing"}
    ordered = maximize_activation(network((3, 3, 3)), "2", [0, 1], **options)
    monkeypatch.setattr("reportgen.analyses.kernels.maximize.channels_last_pays", lambda *_args, **_options: False)
    plain = maximize_activation(network((3, 3, 3)), "2", [0, 1], **options)
    assert ordered.activations == pytest.approx(plain.activations, rel=1e-3)
    # A pixel that hardly matters can end elsewhere: both orders round, and ascent passes that on.
    assert float((ordered.clips - plain.clips).abs().mean()) < 1e-3
