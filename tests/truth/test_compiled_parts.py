"""A part that a network has compiled is asked as it is written: nothing is compiled, and all of it is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.saliency.attribution import attribute
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.layers import describe_layers


def refuse(*_graph: Any) -> Callable[..., Any]:
    raise AssertionError("compiled")


def rectified(maps: Tensor) -> Tensor:
    return torch.relu(maps)


class Parts(nn.Module):
    """A stem, a middle of two layers with ReLUs in some `wrapping`, and a classifier."""

    def __init__(self, wrapping: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        middle = [nn.Conv3d(6, 6, 3, padding=1), nn.ReLU(), nn.Conv3d(6, 6, 3, padding=1), nn.ReLU()]
        self.stem, self.middle, self.fc = nn.Conv3d(3, 6, 3, padding=1), nn.Sequential(*middle), nn.Linear(6, 4)
        self.rectify = torch.relu
        if wrapping == "a module":
            self.middle = torch.compile(self.middle, backend=refuse)
        elif wrapping == "a module's call":
            self.middle.compile(backend=refuse)
        elif wrapping == "a function":
            self.rectify = torch.compile(rectified, backend=refuse)

    def forward(self, clip: Tensor) -> Tensor:
        answer: Tensor = self.fc(self.middle(self.rectify(self.stem(clip))).mean((2, 3, 4)))
        return answer


@pytest.mark.parametrize("wrapping", ["a module", "a module's call", "a function"])
def test_a_compiled_part_is_explained_as_it_is_written(wrapping: str) -> None:
    clip = torch.rand(1, 3, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    plain, compiled = Network(Parts("nothing").eval()), Network(Parts(wrapping).eval())
    fields = [[one.receptive_field for one in describe_layers(n, clip_shape=(3, 4, 8, 8))] for n in (plain, compiled)]
    assert fields[0] == fields[1]
    for method in ("gradients", "guided_backprop", "grad_cam"):
        maps = [attribute(network, clip, 1, method) for network in (plain, compiled)]
        torch.testing.assert_close(maps[0].attribution, maps[1].attribution)
        assert maps[0].notes == maps[1].notes
    shares = [class_pyramid(network, clip, 1, depth=2).conservation for network in (plain, compiled)]
    assert shares[0] is not None
    assert shares[1] is not None
    assert [cut[1:] for cut in shares[0].cuts] == [cut[1:] for cut in shares[1].cuts]


def test_outside_of_a_pass_compiled_parts_are_compiled_as_before() -> None:
    network = Parts("a function").eval()
    clip = torch.rand(1, 3, 4, 8, 8)
    Network(network).logits(clip)
    with pytest.raises(Exception, match="compiled"):
        network(clip)
