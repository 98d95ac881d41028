"""Receptive fields read off a forward pass: exact for what is known, everything for what is not."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from reportgen import load_network, maximize_activation
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.kernels.preactivation import native_shape, preactivation
from reportgen.networks.kernels.receptive_field import Reach, centre_window, receptive_field, same_on


class Branched(nn.Module):
    """Branches of different reach, a skip connection, pooling, a channel shuffle and a squeeze-excite gate."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv3d(3, 4, (3, 5, 5), (1, 2, 2), (1, 2, 2))
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
        self.near = nn.Conv3d(4, 4, 1)
        self.far = nn.Conv3d(4, 4, (3, 1, 3), padding=(1, 0, 1))
        self.norm = nn.BatchNorm3d(8)
        self.last = nn.Conv3d(8, 6, 3, dilation=(1, 2, 1), padding=(1, 2, 1), groups=2)
        self.gate = nn.Linear(6, 6)
        self.after = nn.Conv3d(6, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu_(self.pool(self.stem(x)))
        x = self.norm(torch.cat([self.near(x), self.far(x) + x], dim=1))
        x = x.view(len(x), 2, 4, *x.shape[2:]).transpose(1, 2).reshape(x.shape)
        x = self.last(x)
        x = x * torch.sigmoid(self.gate(x.mean((2, 3, 4))))[:, :, None, None, None]
        return self.after(x)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return as_network(Branched().double())


SHAPE = (12, 64, 48)


def test_the_reach_of_a_branch_is_that_of_its_widest(network: Network) -> None:
    field = receptive_field(preactivation(network, "last", SHAPE, 3))
    # Seen along T by stem, far and last: 3, 2 and 2 more; along H: 5, 2 strides of 2, then 4 of 4 (dilated last).
    assert field == (Reach(1, -3, 3), Reach(4, -12, 12), Reach(4, -12, 12))


@pytest.mark.parametrize("layer", ["stem", "far", "last"])
def test_a_crop_gives_the_unit_the_same_value_as_the_whole_clip(network: Network, layer: str) -> None:
    target = preactivation(network, layer, SHAPE, 3)
    window = centre_window(target, receptive_field(target))
    assert window is not None
    clip = torch.rand(1, 3, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    whole = target.maps(clip)
    cropped = target.maps(clip[window.slices()])
    centre = tuple(size // 2 for size in whole.shape[2:])
    assert torch.allclose(cropped[(0, slice(None), *window.unit)], whole[(0, slice(None), *centre)], atol=1e-12)


@pytest.mark.parametrize("layer", ["stem", "far", "last"])
def test_nothing_outside_the_window_moves_the_unit(network: Network, layer: str) -> None:
    target = preactivation(network, layer, SHAPE, 3)
    window = centre_window(target, receptive_field(target))
    assert window is not None
    clip = torch.rand(1, 3, *SHAPE, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    maps = target.maps(clip)
    centre = tuple(size // 2 for size in maps.shape[2:])
    (gradient,) = torch.autograd.grad(maps[(0, slice(None), *centre)].sum(), clip)
    inside = gradient[window.slices()].abs().sum()
    assert float(inside) == pytest.approx(float(gradient.abs().sum()))


def test_behind_a_global_operation_a_unit_sees_everything(network: Network) -> None:
    target = preactivation(network, "after", SHAPE, 3)
    assert receptive_field(target) is None
    assert centre_window(target, None) is None


def test_a_reach_beyond_the_clip_is_the_clip(network: Network) -> None:
    small = (3, 8, 8)
    target = preactivation(network, "last", small, 3)
    assert centre_window(target, receptive_field(target)) is None


def test_a_clip_prepared_as_a_card_says_is_followed() -> None:
    network = load_network("texture_motion", untrained=True)
    field = receptive_field(preactivation(network, "stem.conv", native_shape(network), 3))
    assert field == (Reach(1, -2, 2), Reach(2, -3, 3), Reach(2, -3, 3))


class Shifted(nn.Module):
    """Every channel comes again, a frame late, written into a tensor of zeros (as temporal shift modules do)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv3d(3, 3, 1)
        self.last = nn.Conv3d(6, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        late = torch.zeros(x.shape)
        late[:, :, 1:] = x[:, :, :-1]
        return self.last(torch.cat([x, late], dim=1))


def test_where_the_first_frames_see_less_than_others_there_is_no_one_reach() -> None:
    target = preactivation(as_network(Shifted()), "last", (4, 8, 8), 3)
    assert receptive_field(target) is None


def test_a_2d_layer_sees_all_stacked_frames_and_its_window_of_each() -> None:
    network = load_network("flownets", untrained=True, meta=True)
    target = preactivation(network, "conv2.0", native_shape(network), 3)
    assert receptive_field(target) == (Reach(1, 0, 1), Reach(4, -7, 7), Reach(4, -7, 7))
    assert centre_window(target, receptive_field(target)) is None


def test_a_layer_of_single_frames_has_its_window() -> None:
    network = load_network("vgg16", untrained=True, meta=True)
    field = receptive_field(preactivation(network, "features.0", native_shape(network), 3))
    assert field == (Reach(1, 0, 0), Reach(1, -1, 1), Reach(1, -1, 1))


class Framewise(nn.Module):
    """A 2D layer that is given the frames of a clip as so many samples."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x.transpose(1, 2).flatten(0, 1))


def test_frames_that_are_samples_of_their_own_have_no_place_in_the_clip() -> None:
    assert receptive_field(preactivation(as_network(Framewise()), "first", (4, 8, 8), 3)) is None


class Placed(nn.Module):
    """Convolutions of a clip with something of its places: beside it, or added, of any size or of the clip's alone."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.kind = kind
        self.stem = nn.Conv3d(4 if kind in ("beside", "zeros") else 3, 4, 3, padding=1)
        self.last = nn.Conv3d(4, 2, 3, 2, padding=1)
        self.embedding = nn.Parameter(torch.randn(1, 3, 8, 16, 16))

    def forward(self, clip: Tensor) -> Tensor:
        ramp = 4 * torch.linspace(0, 1, clip.shape[-1], device=clip.device).expand(len(clip), 1, *clip.shape[2:])
        ways = {"beside": lambda: torch.cat([clip, ramp], 1), "zeros": lambda: torch.cat([clip, 0 * ramp], 1)}
        ways |= {"added": lambda: clip + ramp, "embedding": lambda: clip + self.embedding, "none": lambda: clip}
        return self.last(self.stem(ways[self.kind]()).relu())


@pytest.mark.parametrize("kind", ["none", "zeros", "beside", "added", "embedding"])
def test_constants_beside_a_clip_have_no_border_and_crops_of_them_are_others(kind: str) -> None:
    network = replace(as_network(Placed(kind).eval()), channels=3)
    target = preactivation(network, "last", (8, 16, 16), 3)
    field = receptive_field(target)
    assert field == (Reach(2, -2, 2),) * 3
    window = centre_window(target, field)
    assert window is not None
    assert same_on(target, window) == (kind in ("none", "zeros"))
    found = maximize_activation(network, "last", [0], objective="neuron", clip_shape=(8, 16, 16), steps=2)
    answers = target.maps(found.clips)[:, 0]
    assert float(answers[0][tuple(target.centre)]) == pytest.approx(float(found.activations[0]), rel=1e-3, abs=1e-4)
