"""A bare module's clips are found in whatever form it takes them, or the refusal says what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation
from reportgen.errors import NetworkError
from reportgen.networks.core.network import Network

CLIP = (5, 12, 12)


class Given(nn.Module):
    """A stem, and how its input becomes what the stem takes."""

    def __init__(self, stem: nn.Module, form: Callable[[Any], Tensor]) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.form = stem, form
        self.head = nn.Linear(4, 2)

    def forward(self, given: Any) -> Tensor:
        return self.head(torch.relu(self.stem(self.form(given))).flatten(2).mean(2))


def bytes_alone(clips: Tensor) -> Tensor:
    if clips.dtype != torch.uint8:
        raise TypeError("bytes are asked for")
    return clips.float() / 255


FORMS: dict[str, tuple[Given, int, tuple[int, int, int]]] = {
    "frames of colours as channels": (
        Given(nn.Conv2d(15, 4, 3), lambda x: x.transpose(1, 2).flatten(1, 2)),
        3,
        CLIP,
    ),
    "colours of frames as channels": (Given(nn.Conv2d(15, 4, 3), lambda x: x.flatten(1, 2)), 3, CLIP),
    "grey frames as channels": (Given(nn.Conv2d(5, 4, 3), lambda x: x.flatten(1, 2)), 1, CLIP),
    "optical flow as channels": (Given(nn.Conv2d(10, 4, 3), lambda x: x.transpose(1, 2).flatten(1, 2)), 2, CLIP),
    "windows of three frames": (
        Given(nn.Conv3d(9, 4, 1), lambda x: x.unfold(2, 3, 1).permute(0, 5, 1, 2, 3, 4).flatten(1, 2)),
        3,
        CLIP,
    ),
    "N (T C) H W": (Given(nn.Conv2d(15, 4, 3), lambda x: x), 3, CLIP),
    "N T C H W": (Given(nn.Conv3d(3, 4, 3), lambda x: x.transpose(1, 2)), 3, CLIP),
    "N T H W C": (Given(nn.Conv3d(3, 4, 3), lambda x: x.permute(0, 4, 1, 2, 3)), 3, CLIP),
    "a frame": (Given(nn.Conv2d(3, 4, 3), lambda x: x), 3, (1, 12, 12)),
    "a stack of flow": (Given(nn.Conv2d(20, 4, 3), lambda x: x), 20, (1, 12, 12)),
    "a dictionary": (Given(nn.Conv3d(3, 4, 3), lambda x: x["video"]), 3, CLIP),
    "a list": (Given(nn.Conv3d(3, 4, 3), lambda x: x[0]), 3, CLIP),
    "bytes": (Given(nn.Conv3d(3, 4, 3), bytes_alone), 3, CLIP),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_bare_module_is_searched_whatever_form_it_takes_clips_in(form: str) -> None:
    module, channels, shape = FORMS[form]
    found = maximize_activation(module.eval(), "stem", [0], clip_shape=shape, steps=2)
    assert found.clips.shape == (1, channels, *shape)


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.other, self.head = nn.Conv3d(3, 4, 3), nn.Conv3d(3, 4, 1), nn.Linear(8, 2)

    def forward(self, slow: Tensor, fast: Tensor) -> Tensor:
        maps = self.stem(slow), self.other(fast)
        return self.head(torch.cat([one.relu().mean((2, 3, 4)) for one in maps], 1))


def test_the_advice_of_a_refusal_works_as_it_stands() -> None:
    module = Two().eval()
    with pytest.raises(NetworkError) as refused:
        maximize_activation(module, "stem", [0], clip_shape=(12, 12, 12))
    assert "Network.from_module(module, frames=12, size=(12, 12), adapter=...)" in str(refused.value)
    with pytest.raises(NetworkError) as more:
        Network.from_module(module, frames=12, size=(12, 12))
    said = str(more.value)
    assert "`adapter={'input': 'pathways', 'strides': [4, 1], 'as_arguments': True}`" in said
    adapter = {"input": "pathways", "strides": [4, 1], "as_arguments": True}
    network = Network.from_module(module, frames=12, size=(12, 12), adapter=adapter)
    assert maximize_activation(network, "stem", [0], steps=2).clips.shape == (1, 3, 12, 12, 12)


def test_a_stack_of_flow_may_be_said_to_be_normalised_by_one_number() -> None:
    network = Network.from_module(FORMS["a stack of flow"][0].eval(), mean=0.5, std=0.25, frames=1, size=12)
    assert network.spec is not None
    assert network.spec.mean == (0.5,) * 20
