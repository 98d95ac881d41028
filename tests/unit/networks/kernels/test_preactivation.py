"""Pre-activations: the batch norm behind a convolution belongs to it, and only the kernels asked for are computed."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen.errors import NetworkError, OptionError, UnknownNameError
from reportgen.networks.core.network import as_network
from reportgen.networks.kernels.preactivation import native_shape, preactivation, summary

SHAPE = (3, 8, 8)


def normed(kind: type[nn.Module] = nn.BatchNorm3d) -> nn.Sequential:
    torch.manual_seed(0)
    norm = kind(5)
    with torch.no_grad():
        for value in (norm.weight, norm.bias, norm.running_mean):
            value.normal_()
        norm.running_var.uniform_(0.5, 2)
    return nn.Sequential(nn.Conv3d(3, 5, 3, padding=1), norm, nn.ReLU(inplace=True), nn.Conv3d(5, 4, 3)).eval()


def clips(count: int = 2) -> Tensor:
    return torch.rand(count, 3, *SHAPE, generator=torch.Generator().manual_seed(1))


def test_it_is_the_batch_norms_output_where_one_follows() -> None:
    network = normed()
    target = preactivation(as_network(network), "0", SHAPE, 3)
    assert torch.allclose(target.maps(clips()), network[:2](clips()), atol=1e-5)
    assert target.map_shape == (5, *SHAPE)
    assert target.kernels == 5


def test_it_is_the_layers_own_output_where_none_follows() -> None:
    network = normed()
    target = preactivation(as_network(network), "3", SHAPE, 3)
    assert target.gain is None
    assert torch.allclose(target.maps(clips()), network(clips()), atol=1e-5)


@pytest.mark.parametrize("layer", ["0", "2", "3"])
def test_own_maps_are_the_maps_of_each_clips_own_kernel(layer: str) -> None:
    target = preactivation(as_network(normed()), layer, SHAPE, 3)
    kernels = torch.tensor([3, 1])
    assert torch.allclose(target.own_maps(clips(), kernels), target.maps(clips())[[0, 1], [3, 1]], atol=1e-5)


def test_grouped_convolutions_have_own_maps_too() -> None:
    network = nn.Sequential(nn.Conv3d(3, 6, 3, groups=3), nn.Linear(6, 2))
    target = preactivation(as_network(network[:1]), "0", SHAPE, 3)
    kernels = torch.tensor([5, 0])
    assert torch.allclose(target.own_maps(clips(), kernels), target.maps(clips())[[0, 1], [5, 0]], atol=1e-6)


def test_summaries_are_mean_rectified_mean_and_centre() -> None:
    maps = torch.tensor([[-2.0, 0.0, 4.0], [-1.0, -1.0, -4.0]])
    assert summary(maps, "channel").tolist() == pytest.approx([2 / 3, -2])
    assert summary(maps, "firing").tolist() == pytest.approx([4 / 3, 0])
    assert summary(maps, "firing", leak=0.5).tolist() == pytest.approx([1, -1])
    assert summary(maps, "neuron").tolist() == [0, -1]
    assert summary(maps, "neuron", unit=(2,)).tolist() == [4, -4]


def test_errors_say_what_to_do() -> None:
    network = as_network(normed())
    with pytest.raises(UnknownNameError, match="choose from 0 to 4"):
        preactivation(network, "0", SHAPE, 3).check([0, 7])
    with pytest.raises(NetworkError, match="choose another clip_shape"):
        preactivation(network, "3", (2, 2, 2), 3)
    with pytest.raises(OptionError, match="clip_shape"):
        native_shape(network)
