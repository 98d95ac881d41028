"""Networks that loop over the clips of a call are given one clip a call, and read as others are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation, maximize_over_scales
from reportgen.analyses.common.responses import kernel_responses
from reportgen.networks.core.network import Network, as_network
from reportgen.networks.core.one_by_one import given_one_by_one

SHAPE = (3, 4, 16, 16)


class Whole(nn.Module):
    """A plain network."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv3d(3, 4, 3, padding=1), nn.Conv3d(4, 5, 3, padding=1)

    def of(self, clips: Tensor) -> Tensor:
        return self.second(self.first(clips).relu()).relu().mean((2, 3, 4))

    def forward(self, clips: Tensor) -> Tensor:
        return self.of(clips)


class Looped(Whole):
    """The same, clip by clip."""

    def forward(self, clips: Tensor) -> Tensor:
        return torch.cat([self.of(clip[None]) for clip in clips])


class LoopedInside(Whole):
    """The same, with a loop around a part of the network."""

    def of(self, clips: Tensor) -> Tensor:
        first = self.first(clips).relu()
        return torch.cat([self.second(one[None]) for one in first]).relu().mean((2, 3, 4))


class PerFrame(Whole):
    """A network that runs a layer once a frame, for all clips."""

    def of(self, clips: Tensor) -> Tensor:
        frames = [self.first(clips[:, :, at : at + 1]).relu() for at in range(clips.shape[2])]
        return self.second(torch.cat(frames, 2)).relu().mean((2, 3, 4))


class AskedForValues(Looped):
    """A looped network that cannot run without arithmetic."""

    def forward(self, clips: Tensor) -> Tensor:
        assert float(clips.sum()) >= 0
        return super().forward(clips)


class AboveTheOthers(Whole):
    """A network that takes from each clip what the clips of the batch are in the mean."""

    def of(self, clips: Tensor) -> Tensor:
        first = self.first(clips)
        return self.second((first - first.mean(0)).relu()).relu().mean((2, 3, 4))


class Shared(Whole):
    """A network whose clips share out what they are given between them."""

    def of(self, clips: Tensor) -> Tensor:
        return self.second(self.first(clips).softmax(0)).relu().mean((2, 3, 4))


class Looking(Whole):
    """A network whose clips attend to the other clips of the batch, in frames that are rows of their own."""

    def of(self, clips: Tensor) -> Tensor:
        means = self.first(clips).relu().mean((3, 4)).transpose(1, 2).flatten(0, 1)
        seen = means + (means @ means.mT).softmax(1) @ means
        return seen.unflatten(0, (len(clips), -1)).mean(1)


class Drawing(Whole):
    """A network that draws random numbers, alike for each clip."""

    def of(self, clips: Tensor) -> Tensor:
        return nn.functional.dropout(super().of(clips))


def like(kind: type[Whole], other: nn.Module) -> Whole:
    network = kind()
    network.load_state_dict(other.state_dict())
    return network.eval().requires_grad_(False)


@pytest.mark.parametrize(
    ("kind", "looped"),
    [
        *((Whole, False), (Looped, True), (LoopedInside, True), (PerFrame, False), (AskedForValues, True)),
        *((AboveTheOthers, True), (Shared, True), (Looking, True), (Drawing, False)),
    ],
)
def test_what_mixes_or_loops_over_clips_is_seen(kind: type[Whole], looped: bool) -> None:
    found = given_one_by_one(as_network(kind()), SHAPE)
    assert found.one_by_one == looped
    assert found.at_once(5) == (1 if looped else 5)


@pytest.mark.parametrize("kind", [Looped, LoopedInside])
@pytest.mark.parametrize("layer", [pytest.param("first", marks=pytest.mark.long), "second"])
def test_a_looped_network_has_the_responses_and_maxima_of_a_plain_one(kind: type[Whole], layer: str) -> None:
    torch.manual_seed(0)
    plain = Whole().eval().requires_grad_(False)
    looped = like(kind, plain)
    clips = torch.rand((5, *SHAPE), generator=torch.Generator().manual_seed(1))
    assert torch.allclose(
        kernel_responses(Network(looped), clips, [layer])[layer], kernel_responses(plain, clips, [layer])[layer]
    )
    found, expected = (
        maximize_activation(one, layer, range(3), objective="firing", clip_shape=SHAPE[1:], steps=8)
        for one in (looped, plain)
    )
    assert torch.allclose(found.activations, expected.activations, rtol=1e-4)


@pytest.mark.parametrize("kind", [Looped, LoopedInside])
def test_a_looped_network_has_the_pictures_of_a_plain_one(kind: type[Whole]) -> None:
    torch.manual_seed(0)
    plain = Whole().eval().requires_grad_(False)
    sizes = {"clip_shape": SHAPE[1:], "start": 16, "sizes": 2, "steps": 3}
    found, expected = (
        maximize_over_scales(one, "second", range(3), objective="firing", **sizes)  # type: ignore[arg-type]
        for one in (like(kind, plain), plain)
    )
    assert torch.allclose(found.activations, expected.activations, rtol=1e-4)


@pytest.mark.parametrize("kind", [AboveTheOthers, Shared])
def test_a_clip_is_answered_alike_alone_and_among_others(kind: type[Whole]) -> None:
    torch.manual_seed(0)
    network = kind().eval().requires_grad_(False)
    clips = torch.rand((3, *SHAPE), generator=torch.Generator().manual_seed(1))
    among = kernel_responses(network, clips, ["second"])["second"]
    alone = [kernel_responses(network, one[None], ["second"])["second"] for one in clips]
    assert torch.equal(among, torch.cat(alone))
