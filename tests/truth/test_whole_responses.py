"""A kernel's response is over everything that its layer does for a clip: folded frames, every call, every token."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_activation, response_maps
from reportgen.analyses.common.responses import kernel_responses
from reportgen.analyses.pyramid.ablation import ablate
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.pyramid.measure import measure_relevance
from reportgen.networks.core.network import as_network
from reportgen.networks.kernels.preactivation import preactivation
from reportgen.networks.trace.build import connection_graph

FRAMES, SIDE, KERNELS = 4, 8, 4
SHAPE = (FRAMES, SIDE, SIDE)


class Framewise(nn.Module):
    """A 2D convolution of a video's frames, which reach it as the ways below say; the answer is the mean over them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.head = nn.Conv2d(3, KERNELS, 3, padding=1), nn.Linear(KERNELS, 2)

    def frames(self, clips: Tensor) -> Tensor:
        """Return the stem's maps `N T K H W`."""
        raise NotImplementedError

    def forward(self, clips: Tensor) -> Tensor:
        return self.head(torch.relu(self.frames(clips)).mean((1, 3, 4)))


class ClipsFirst(Framewise):
    def frames(self, clips: Tensor) -> Tensor:
        return self.stem(clips.transpose(1, 2).flatten(0, 1)).unflatten(0, (len(clips), -1))


class FramesFirst(Framewise):
    def frames(self, clips: Tensor) -> Tensor:
        return self.stem(torch.cat(clips.unbind(2))).unflatten(0, (-1, len(clips))).transpose(0, 1)


class HalvesThenClips(Framewise):
    """The two halves of each clip one behind the other, and in each half clip by clip."""

    def frames(self, clips: Tensor) -> Tensor:
        n = len(clips)
        rows = clips.unflatten(2, (2, -1)).permute(2, 0, 3, 1, 4, 5).flatten(0, 2)
        return self.stem(rows).unflatten(0, (2, n, -1)).transpose(0, 1).flatten(1, 2)


class OneByOne(Framewise):
    def frames(self, clips: Tensor) -> Tensor:
        return torch.stack([self.stem(frame) for frame in clips.unbind(2)], 1)


class HalfByHalf(Framewise):
    """Two calls, each of folded frames."""

    def frames(self, clips: Tensor) -> Tensor:
        calls = [self.stem(half.transpose(1, 2).flatten(0, 1)) for half in clips.chunk(2, 2)]
        return torch.cat([call.unflatten(0, (len(clips), -1)) for call in calls], 1)


class Differences(Framewise):
    """Frames less those before them, filled up by zeros: the last rows of all clips see nothing."""

    def frames(self, clips: Tensor) -> Tensor:
        filled = torch.cat([clips[:, :, 1:] - clips[:, :, :-1], torch.zeros_like(clips[:, :, :1])], 2)
        return self.stem(filled.transpose(1, 2).flatten(0, 1)).unflatten(0, (len(clips), -1))


class Untraceable(ClipsFirst):
    """It looks at values, so that it has to be run for real."""

    def frames(self, clips: Tensor) -> Tensor:
        assert float(clips.sum()) == float(clips.sum())
        return super().frames(clips)


WAYS = [ClipsFirst, FramesFirst, HalvesThenClips, OneByOne, HalfByHalf, Differences, Untraceable]


def network(way: type[Framewise]) -> Framewise:
    return way().eval().requires_grad_(False)


def clips(count: int = 3) -> Tensor:
    return torch.rand((count, 3, *SHAPE), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("way", WAYS)
def test_the_maps_of_a_clip_are_those_of_all_its_frames(way: type[Framewise]) -> None:
    module = network(way)
    target = preactivation(as_network(module), "stem", SHAPE, 3)
    wanted = module.frames(clips()).transpose(1, 2)
    assert target.map_shape in [(KERNELS, FRAMES, SIDE, SIDE), (KERNELS, 2, FRAMES // 2, SIDE, SIDE)]
    assert torch.allclose(target.maps(clips()).reshape(wanted.shape), wanted, atol=1e-5)
    kernels = torch.tensor([3, 0, 2])
    own = target.own_maps(clips(), kernels)
    assert torch.allclose(own.reshape(wanted[:, 0].shape), wanted[[0, 1, 2], kernels], atol=1e-5)


@pytest.mark.parametrize("objective", ["firing", "channel", "neuron"])
@pytest.mark.parametrize("way", WAYS)
def test_references_answer_as_the_search_scores(way: type[Framewise], objective: str) -> None:
    module = network(way)
    found = kernel_responses(module, clips(), ["stem"], objective=objective)["stem"]  # type: ignore[arg-type]
    maps = module.frames(clips()).transpose(1, 2)
    if objective == "neuron":
        frame = FRAMES // 2 if way is not HalfByHalf else 3 * FRAMES // 4  # the middle of the second call
        wanted = maps[:, :, frame, SIDE // 2, SIDE // 2]
    else:
        wanted = (maps.relu() if objective == "firing" else maps).flatten(2).mean(2)
    assert torch.allclose(found, wanted, atol=1e-5)
    target = preactivation(as_network(module), "stem", SHAPE, 3)
    for kernel in range(KERNELS):
        own = target.activations(clips(), torch.tensor([kernel] * 3), objective)  # type: ignore[arg-type]
        assert torch.allclose(own, found[:, kernel], atol=1e-5)


@pytest.mark.parametrize("way", [ClipsFirst, FramesFirst, OneByOne])
def test_kernels_that_are_searched_together_reach_their_own_optimum(way: type[Framewise]) -> None:
    module = network(way)
    with torch.no_grad():  # each kernel asks for colours of its own, in all frames
        module.stem.weight.zero_()
        module.stem.bias.zero_()
        colours = torch.tensor([[1.0, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, -1]])
        module.stem.weight[:, :, 1, 1] = colours
    options = {"clip_shape": SHAPE, "steps": 64, "learning_rate": 0.2, "power": 0.0, "decorrelated": False}
    found = maximize_activation(module, "stem", range(KERNELS), objective="firing", **options)  # type: ignore[arg-type]
    assert found.activations.tolist() == pytest.approx(colours.clamp_min(0).sum(1).tolist(), rel=0.1)


@pytest.mark.parametrize("way", [ClipsFirst, FramesFirst, HalvesThenClips, OneByOne, HalfByHalf])
def test_a_silenced_kernel_is_silent_in_all_frames_of_its_own_condition_alone(way: type[Framewise]) -> None:
    module, clip = network(way), clips(1)
    graph = connection_graph(module, clip.shape)
    pyramid = class_pyramid(module, clip, 0, graph=graph, top=2, depth=1)
    kept = torch.tensor(list(pyramid.kept()["stem"]))
    contributions = module.head.weight[0] * module.frames(clip).relu().mean((0, 1, 3, 4))
    found = ablate(module, clip, 0, pyramid, draws=6, batch=3)
    assert found.together.drop == pytest.approx(float(contributions[kept].sum()), abs=1e-5)
    pairs = [float(pair.sum()) for pair in torch.combinations(contributions, len(kept))]
    for drop in found.together.random_drops:
        assert min(abs(drop - pair) for pair in pairs) < 1e-5


@pytest.mark.parametrize("way", [ClipsFirst, OneByOne, HalfByHalf])
def test_a_pyramids_activations_are_means_over_all_calls(way: type[Framewise]) -> None:
    module, clip = network(way), clips(1)
    graph = connection_graph(module, clip.shape)
    found = measure_relevance(as_network(module), clip, 0, graph, backward=["stem"]).layers["stem"]
    maps = module.frames(clip)
    assert found.activation is not None
    assert found.relevance is not None
    assert torch.allclose(found.activation, maps.mean((0, 1, 3, 4)), atol=1e-5)
    assert torch.allclose(found.relevance, module.head.weight[0] * maps.relu().mean((0, 1, 3, 4)), atol=1e-5)


class Siamese(nn.Module):
    """One stem for a clip and for the same at half the size."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.head = nn.Conv3d(3, KERNELS, 3, padding=1), nn.Linear(2 * KERNELS, 2)

    def forward(self, clips: Tensor) -> Tensor:
        both = [self.stem(one).relu().mean((2, 3, 4)) for one in (clips, clips[..., ::2, ::2])]
        return self.head(torch.cat(both, 1))


def test_every_call_counts_by_its_positions() -> None:
    module = Siamese().eval().requires_grad_(False)
    large, small = (module.stem(one).relu().flatten(2) for one in (clips(), clips()[..., ::2, ::2]))
    found = kernel_responses(module, clips(), ["stem"], objective="firing")["stem"]
    assert torch.allclose(found, torch.cat([large, small], 2).mean(2), atol=1e-5)
    target = preactivation(as_network(module), "stem", SHAPE, 3)
    own = target.activations(clips(), torch.tensor([1, 2, 3]), "firing")
    assert torch.allclose(own, found[[0, 1, 2], [1, 2, 3]], atol=1e-5)


class Tokens(nn.Module):
    """Linear layers over tokens: clips first, tokens first, and flattened."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed, self.mix = nn.Conv3d(3, 6, 4, stride=4), nn.Linear(6, KERNELS)
        self.flat, self.turned = nn.Linear(KERNELS, KERNELS), nn.Linear(KERNELS, KERNELS)
        self.head = nn.Linear(KERNELS, 2)

    def tokens(self, clips: Tensor) -> dict[str, Tensor]:
        """Return each layer's output as `N S K`."""
        mixed = self.mix(self.embed(clips).flatten(2).transpose(1, 2))
        flat = self.flat(mixed.relu().flatten(0, 1)).unflatten(0, (len(clips), -1))
        return {"mix": mixed, "flat": flat, "turned": self.turned(flat.relu().transpose(0, 1)).transpose(0, 1)}

    def forward(self, clips: Tensor) -> Tensor:
        return self.head(self.tokens(clips)["turned"].mean(1))


def test_a_linear_layers_kernels_are_its_features_and_not_its_tokens() -> None:
    module = Tokens().eval().requires_grad_(False)
    layers = ["mix", "flat", "turned", "head"]
    found = kernel_responses(module, clips(), layers, objective="firing")
    wanted = {name: maps.relu().mean(1) for name, maps in module.tokens(clips()).items()}
    for layer, responses in wanted.items():
        assert torch.allclose(found[layer], responses, atol=1e-5), layer
    assert torch.allclose(found["head"], module(clips()).relu(), atol=1e-5)
    best = maximize_activation(module, "turned", [2], clip_shape=SHAPE, steps=4)
    assert best.activations[0] == pytest.approx(float(module.tokens(best.clips)["turned"][..., 2].mean()), rel=1e-4)


class Recurrent(nn.Module):
    """A layer of its own state, which is a parameter at first: that call says nothing of the clip."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.given, self.state = nn.Conv2d(3, KERNELS, 1), nn.Conv2d(KERNELS, KERNELS, 3, padding=1)
        self.first, self.head = nn.Parameter(torch.rand(1, KERNELS, SIDE, SIDE)), nn.Linear(KERNELS, 2)

    def calls(self, clips: Tensor) -> Tensor:
        """Return what the calls of `state` return, `N K T H W`."""
        state, found = self.first.expand(len(clips), -1, -1, -1), []
        for frame in clips.unbind(2):
            found.append(self.state(state))
            state = torch.relu(found[-1] + self.given(frame))
        return torch.stack(found, 2)

    def forward(self, clips: Tensor) -> Tensor:
        last = self.calls(clips)[:, :, -1] + self.given(clips[:, :, -1])
        return self.head(last.relu().mean((2, 3)))


def test_a_call_that_the_clip_cannot_change_is_no_response() -> None:
    module = Recurrent().eval().requires_grad_(False)
    wanted = module.calls(clips())[:, :, 1:]
    found = kernel_responses(module, clips(), ["state"], objective="channel")["state"]
    assert torch.allclose(found, wanted.flatten(2).mean(2), atol=1e-6)
    target = preactivation(as_network(module), "state", SHAPE, 3)
    own = target.activations(clips(), torch.tensor([2, 0, 3]), "channel")
    assert torch.allclose(own, found[[0, 1, 2], [2, 0, 3]], atol=1e-6)
    assert response_maps(module, clips(1), "state")["state"].maps.shape == (KERNELS, FRAMES - 1, SIDE, SIDE)
    pyramid = class_pyramid(module, clips(1), 0, depth=None)
    mean = wanted[:1].flatten(2).mean(2)[0].numpy()
    assert pyramid.layer("state").activation == pytest.approx(mean, abs=1e-6)
