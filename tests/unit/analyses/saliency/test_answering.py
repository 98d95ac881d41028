"""Maps from a quick copy are those of the network itself, in as few passes, and where it refuses it is asked itself."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensor

from reportgen.analyses.saliency import answering
from reportgen.analyses.saliency.attribution import METHODS, attribute
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.speed.library import can_freeze
from tests.options import options_of

CLIP = torch.rand(1, 3, 4, 16, 16, generator=torch.Generator().manual_seed(1))
OPTIONS = {"steps": 8, "samples": 6, "window": (2, 8, 8)}


class Small(nn.Module):
    """A strided stem with a norm, a flat and a long convolution, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.stem, self.norm = nn.Conv3d(3, 8, (3, 5, 5), (1, 2, 2), (1, 2, 2), bias=False), nn.BatchNorm3d(8)
        self.flat, self.long = nn.Conv3d(8, 8, (1, 3, 3), padding=(0, 1, 1)), nn.Conv3d(8, 6, (3, 1, 1))
        self.classes = nn.Linear(6, 4)
        self.classes.weight.data.abs_()  # every map speaks for every class, so that Grad-CAM shows something
        for values in (self.norm.running_mean, self.norm.running_var):
            assert values is not None
            values.uniform_(0.1, 0.9)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.stem(x)).relu_()
        return self.classes(self.long(self.flat(x).relu()).relu().mean((2, 3, 4)))


class Uncopied(Small):
    """The same network, which cannot be copied."""

    def __deepcopy__(self, _memo: dict[int, Any]) -> Uncopied:
        raise RuntimeError("not this one")


def network(kind: type[Small] = Small) -> Network:
    return Network(kind().eval().requires_grad_(False))


@pytest.mark.skipif(not can_freeze(), reason="this build of torch has no packed weights")
@pytest.mark.parametrize("method", METHODS)
def test_every_map_is_that_of_the_network_itself(method: str) -> None:
    options = options_of(method, **OPTIONS)
    quick = attribute(network(), CLIP, 1, method, **options)
    plain = attribute(network(Uncopied), CLIP, 1, method, **options)
    torch.testing.assert_close(quick.attribution, plain.attribution, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(quick.logits, plain.logits)
    assert quick.layers == plain.layers


@pytest.mark.parametrize(("method", "passes"), [("gradients", 1), ("input_x_gradient", 1), ("grad_cam", 1)])
@pytest.mark.parametrize("wanted", [1, None])
def test_one_pass_tells_the_logits_and_is_differentiated(method: str, passes: int, wanted: int | None) -> None:
    ran: list[str] = []
    one = network(Uncopied)
    one.module.register_forward_hook(
        lambda _module, _args, output: ran.append("fake" if isinstance(output, FakeTensor) else output.device.type)
    )
    attribute(one, CLIP, wanted, method)
    assert ran.count("cpu") == passes, "what is asked of the meta device, or of stand-ins, needs no arithmetic"


def test_several_clips_are_answered_as_each_alone() -> None:
    clips = torch.cat([CLIP, CLIP.flip(2), CLIP * 0.5])
    for method in ("gradients", "grad_cam"):
        found = attribute(network(), clips, 1, method)
        alone = torch.cat([attribute(network(), clip[None], 1, method).attribution for clip in clips])
        torch.testing.assert_close(found.attribution, alone)
    said = attribute(network(), torch.cat([CLIP, CLIP]), None, "gradients")
    assert said.class_index == attribute(network(), CLIP, None, "gradients").class_index


@pytest.mark.parametrize("method", ["gradients", "grad_cam", "integrated_gradients"])
def test_a_copy_that_refuses_is_not_asked(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(Small):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("view size is not compatible with input tensor's size and stride")

    asked: list[str] = []

    def refusing(*_: Any) -> Network:
        asked.append(method)
        return as_network(Refusing())

    wanted = attribute(network(), CLIP, 1, method, **options_of(method, **OPTIONS))
    monkeypatch.setattr(answering, "light_copy", refusing)
    monkeypatch.setattr(answering, "quick_copy", refusing)
    found = attribute(network(), CLIP, 1, method, **options_of(method, **OPTIONS))
    assert asked == [method]
    torch.testing.assert_close(found.attribution, wanted.attribution, rtol=1e-3, atol=1e-6)
