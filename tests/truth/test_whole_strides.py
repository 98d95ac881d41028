"""Views shift by whole strides of layers that do not overlap: free shifts would average over what they see."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen import maximize_activation
from reportgen.analyses.kernels.layer_traits import has_time
from reportgen.analyses.kernels.robustness import Views
from reportgen.networks.core.network import as_network
from reportgen.networks.kernels.clip_form import clip_preactivation
from reportgen.networks.kernels.preactivation import preactivation
from reportgen.networks.kernels.receptive_field import geometry

SHAPE = (8, 32, 32)


class PatchTokens(nn.Module):
    """Patches without a convolution, and attention over them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(3 * 2 * 4 * 4, 8)
        self.attend = nn.MultiheadAttention(8, 2, batch_first=True)
        self.last = nn.Linear(8, 4)

    def forward(self, clips: Tensor) -> Tensor:
        cut = clips.unflatten(2, (-1, 2)).unflatten(4, (-1, 4)).unflatten(6, (-1, 4))
        tokens = self.embed(cut.permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4).flatten(1, 3))
        return self.last(self.attend(tokens, tokens, tokens)[0])


def steps(network: nn.Module, layer: str) -> tuple[int, int, int]:
    return geometry(preactivation(as_network(network.eval()), layer, SHAPE, 3)).steps


def test_the_steps_are_found_in_front_of_any_layer() -> None:
    patches = nn.Sequential(nn.Conv3d(3, 4, (2, 8, 8), stride=(2, 8, 8)), nn.ReLU(), nn.Conv3d(4, 4, 3, padding=1))
    assert steps(patches, "0") == (2, 8, 8)
    assert steps(patches, "2") == (2, 8, 8)
    assert steps(nn.Sequential(nn.Conv3d(3, 4, (1, 2, 2), stride=(1, 2, 2))), "0") == (1, 2, 2)
    assert steps(PatchTokens(), "last") == (2, 4, 4)


def test_layers_that_overlap_or_leave_gaps_are_shifted_freely() -> None:
    overlapping = nn.Sequential(nn.Conv3d(3, 4, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)), nn.Conv3d(4, 4, 2))
    assert steps(overlapping, "1") == (1, 1, 1)
    assert steps(overlapping, "0") == (1, 2, 2)  # seen from the pixels, all of its units read them alike
    assert steps(nn.Sequential(nn.Conv3d(3, 4, 1, stride=2)), "0") == (1, 1, 1)


class Streams(nn.Module):
    """A stream of patches, one of the differences of frames with a layer behind it, and one of every other frame."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.patches = nn.Conv3d(3, 4, (1, 4, 4), stride=(1, 4, 4))
        self.moving, self.behind = nn.Conv3d(3, 4, 3, stride=(1, 2, 2), padding=1), nn.Conv3d(4, 4, 3)
        self.slow = nn.Conv3d(3, 4, (1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1))

    def forward(self, clips: Tensor) -> Tensor:
        streams = [
            self.patches(clips),
            self.behind(self.moving(clips[:, :, 1:] - clips[:, :, :-1]).relu()),
            self.slow(clips[:, :, ::2]),
        ]
        return sum(stream.mean((2, 3, 4)) for stream in streams)  # type: ignore[return-value]


def test_each_stream_has_a_first_layer_and_the_strides_of_its_own_layers() -> None:
    network = as_network(Streams().eval())
    placed = {
        name: geometry(preactivation(network, name, SHAPE, 3)) for name in ("patches", "moving", "behind", "slow")
    }
    assert {name: one.first for name, one in placed.items()} == {
        "patches": True,
        "moving": True,
        "behind": False,
        "slow": True,
    }
    assert placed["patches"].steps == (1, 4, 4)
    assert placed["moving"].steps == (1, 2, 2)
    assert placed["behind"].steps == (1, 1, 1)
    assert placed["slow"].steps == (1, 2, 2)


@pytest.mark.slow
@pytest.mark.parametrize("stream", ["moving", "slow"])
def test_the_first_layer_of_a_second_stream_reaches_what_it_reaches_alone(stream: str) -> None:
    class Alone(Streams):
        def forward(self, clips: Tensor) -> Tensor:
            given = clips[:, :, 1:] - clips[:, :, :-1] if stream == "moving" else clips[:, :, ::2]
            maps: Tensor = getattr(self, stream)(given)
            return maps.mean((2, 3, 4))

    reached = [
        maximize_activation(kind().eval(), stream, range(4), objective="channel", clip_shape=SHAPE, steps=32)
        for kind in (Streams, Alone)
    ]
    assert (reached[0].activations / reached[1].activations).min() >= 0.95


@pytest.mark.parametrize("jitter", [None, (2, 8)])
def test_shifts_are_whole_steps(jitter: tuple[int, int] | None) -> None:
    draws = torch.rand((200, 8), generator=torch.Generator().manual_seed(0))
    draws[:, 5:] = (draws[:, 5:] * 8).floor()
    shifts = Views(jitter, steps=(2, 4, 4)).shifts(draws, SHAPE)
    assert not torch.remainder(shifts, torch.tensor([2.0, 4.0, 4.0])).any()
    assert all(len(column.unique()) > 2 for column in shifts.T)


@pytest.mark.long
@pytest.mark.parametrize("size", [(2, 4, 4), (2, 8, 8)])
def test_tubelets_find_the_signs_of_their_kernels(size: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    layer = nn.Conv3d(3, 4, size, stride=size, bias=False)
    network = nn.Sequential(layer).requires_grad_(False)
    white = {"power": 0.0, "decorrelated": False, "learning_rate": 0.2}
    found = maximize_activation(network, "0", range(4), objective="channel", clip_shape=SHAPE, steps=96, **white)  # type: ignore[arg-type]
    best = layer.weight.clamp_min(0).flatten(1).sum(1)
    assert (found.activations / best).min() >= 0.9


@pytest.mark.parametrize("size", [(1, 2, 2), (2, 8, 8)])
def test_tubelets_find_the_signs_of_their_kernels_by_default_too(size: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    layer = nn.Conv3d(3, 4, size, stride=size, bias=False)
    network = nn.Sequential(layer).requires_grad_(False)
    found = maximize_activation(network, "0", range(4), objective="channel", clip_shape=SHAPE, steps=48)
    best = layer.weight.clamp_min(0).flatten(1).sum(1)
    assert (found.activations / best).min() >= 0.98


class Framewise(nn.Module):
    """Patches of single frames, which reach their layer as samples or one after another."""

    def __init__(self, looped: bool) -> None:
        super().__init__()
        self.looped, self.stem, self.head = looped, nn.Conv2d(3, 4, 4, 4, bias=False), nn.Linear(4, 2)

    def maps(self, clips: Tensor) -> Tensor:
        if self.looped:
            return torch.stack([self.stem(frame) for frame in clips.unbind(2)], 1)
        return self.stem(clips.transpose(1, 2).flatten(0, 1)).unflatten(0, (len(clips), -1))

    def forward(self, clips: Tensor) -> Tensor:
        scores: Tensor = self.head(self.maps(clips).relu().mean((1, 3, 4)))
        return scores


@pytest.mark.parametrize("looped", [False, True])
def test_patches_of_single_frames_find_the_signs_of_their_kernels(looped: bool) -> None:
    """They ended at 0.80 to 0.97 of the optimum, where those of a convolution over time reach 0.99."""
    torch.manual_seed(0)
    network = Framewise(looped).requires_grad_(False)
    found = maximize_activation(network, "stem", range(4), objective="firing", clip_shape=SHAPE, steps=32)
    best = network.stem.weight.clamp_min(0).flatten(1).sum(1)
    assert (found.activations / best).min() >= 0.98


class Rearranged(nn.Module):
    """A first layer that is given patches which were put together without a convolution, or the means of pixels."""

    def __init__(self, way: Callable[[Tensor], Tensor], layer: nn.Module) -> None:
        super().__init__()
        self.way, self.layer = way, layer

    def forward(self, clips: Tensor) -> Tensor:
        found: Tensor = self.layer(self.way(clips))
        return found


def space_to_depth(clips: Tensor) -> Tensor:
    cut = clips.unflatten(2, (-1, 2)).unflatten(4, (-1, 4)).unflatten(6, (-1, 4))
    return cut.permute(0, 1, 3, 5, 7, 2, 4, 6).flatten(1, 4)


def unfolded(clips: Tensor) -> Tensor:
    return nn.functional.unfold(clips.transpose(1, 2).flatten(0, 1), 4, stride=4).mT


REARRANGED: dict[str, Callable[[], Rearranged]] = {
    "space to depth": lambda: Rearranged(space_to_depth, nn.Conv3d(96, 3, 1)),
    "patches in rows": lambda: Rearranged(lambda clips: space_to_depth(clips).flatten(2).mT, nn.Linear(96, 3)),
    "unfolded frames": lambda: Rearranged(unfolded, nn.Linear(48, 3)),
    "means of pixels": lambda: Rearranged(nn.AvgPool3d((1, 2, 2)), nn.Conv3d(3, 3, 2, 2)),
}


@pytest.mark.parametrize("kind", REARRANGED)
def test_first_layers_behind_rearranged_pixels_find_the_signs_of_their_kernels(kind: str) -> None:
    torch.manual_seed(0)
    network = REARRANGED[kind]().requires_grad_(False)
    clips = torch.full((3, 3, *SHAPE), 0.5, requires_grad=True)
    own = network(clips)
    classes = own.movedim(1 if own.ndim == 5 else -1, -1).reshape(3, -1, 3)  # rows of a clip lie side by side
    (slopes,) = torch.autograd.grad(classes.mean(1).diagonal().sum(), clips)
    best = maximize_activation(network, "layer", range(3), objective="channel", clip_shape=SHAPE, steps=96)
    reached = (best.clips - 0.5).mul(slopes).flatten(1).sum(1)
    assert (reached / (slopes.abs() / 2).flatten(1).sum(1)).min() >= 0.9


def test_tokens_of_frames_that_are_samples_have_time_and_frames_that_are_channels_have_none() -> None:
    tokens = as_network(REARRANGED["unfolded frames"]().eval())
    assert has_time(tokens, clip_preactivation(tokens, "layer", SHAPE))
    stacked = as_network(Rearranged(lambda clips: clips.flatten(1, 2), nn.Conv2d(24, 3, 3)).eval())
    assert not has_time(stacked, clip_preactivation(stacked, "layer", SHAPE))


def gratings(size: int) -> Tensor:
    """Return four Gabor kernels `4 3 1 K K` of four directions."""
    places = torch.arange(size) - (size - 1) / 2
    y, x = torch.meshgrid(places, places, indexing="ij")
    made = []
    for number in range(4):
        angle, frequency = math.pi * number / 4, 0.5 / max(size / 3, 1.2)
        wave = torch.cos(2 * math.pi * frequency * (x * math.cos(angle) + y * math.sin(angle)) + 0.7 * number)
        kernel = wave * torch.exp(-(x.square() + y.square()) / (2 * (size / 3) ** 2))
        made.append((kernel - kernel.mean()).expand(3, 1, size, size))
    return torch.stack(made) / size


@pytest.mark.parametrize("kind", ["white noise", "Gabor"])
@pytest.mark.parametrize(
    ("stride", "size"),
    [(2, 3), (2, 5), *(pytest.param(*pair, marks=pytest.mark.long) for pair in ((2, 4), (2, 7), (3, 4), (4, 8)))],
)
def test_first_layers_whose_windows_overlap_reach_their_optimum_in_one_phase(stride: int, size: int, kind: str) -> None:
    """Views of all phases ended at 0.03 to 0.6 of it, which is known: the mean over a map is linear in the pixels."""
    layer = nn.Conv3d(3, 4, (1, size, size), (1, stride, stride), bias=False)
    noise = torch.randn(4, 3, 1, size, size, generator=torch.Generator().manual_seed(size)) / size
    layer.weight.data.copy_(gratings(size) if kind == "Gabor" else noise)
    units = (SHAPE[1] - size) // stride + 1
    ones = torch.eye(4).view(4, 4, 1, 1, 1).expand(4, 4, 2, units, units).contiguous()
    whole = functional.conv_transpose3d(ones, layer.weight.detach(), stride=(1, stride, stride))
    best = whole.clamp_min(0).flatten(1).sum(1) / (2 * units**2)
    free = {"power": 0.0, "decorrelated": False, "learning_rate": 0.2}
    network = nn.Sequential(layer).requires_grad_(False)
    shape = (2, *SHAPE[1:])
    found = maximize_activation(network, "0", range(4), objective="channel", clip_shape=shape, steps=96, **free)  # type: ignore[arg-type]
    assert (found.activations / best).mean() >= 0.8


@pytest.mark.slow
def test_behind_strides_a_clip_serves_all_places_of_a_stride() -> None:
    """At one place alone a clip of stride patterns does more, of which a shift by a pixel leaves a third."""
    torch.manual_seed(0)
    stem = nn.Conv3d(3, 8, (1, 7, 7), (1, 2, 2), (0, 3, 3)), nn.BatchNorm3d(8), nn.ReLU()
    pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))
    network = nn.Sequential(*stem, pool, nn.Conv3d(8, 4, 3, padding=1)).eval().requires_grad_(False)
    asked = preactivation(as_network(network), "4", (2, 32, 32), 3)

    def at_all_places(jitter: tuple[int, int] | None) -> tuple[Tensor, Tensor]:
        found = maximize_activation(network, "4", range(4), clip_shape=(2, 32, 32), steps=48, jitter=jitter)
        shifts = [(y, x) for y in range(4) for x in range(4)]
        each = [asked.activations(found.clips.roll(shift, (3, 4)), torch.arange(4), "firing") for shift in shifts]
        return found.activations, torch.stack(each).mean(0)

    (own, everywhere), (locked, elsewhere) = at_all_places(None), at_all_places((0, 0))
    assert (everywhere / own).min() >= 0.85
    assert (elsewhere / locked).max() <= 0.5
    assert locked.sum() >= 1.3 * own.sum()
    assert everywhere.sum() >= 1.2 * elsewhere.sum()


def best_tile(network: nn.Module, kernel: int) -> Tensor:
    """Return the best of 64 tubelets `3 2 4 4` that rise each by themselves, in the steps of plain Adam."""
    free = (torch.randn(64, 3, 2, 4, 4, generator=torch.Generator().manual_seed(0)) / 2).requires_grad_()
    optimiser = torch.optim.Adam([free], lr=0.15)
    for _ in range(150):
        optimiser.zero_grad()
        (-network(torch.sigmoid(free))[:, kernel].sum()).backward()
        optimiser.step()
    tiles = torch.sigmoid(free).detach()
    return tiles[network(tiles)[:, kernel].flatten().argmax()]


class Tokens(nn.Module):
    """Tubelets as tokens, and linear layers over them."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.next, self.last = nn.Conv3d(3, 8, (2, 4, 4), (2, 4, 4)), nn.Linear(8, 6), nn.Linear(6, 2)

    def forward(self, clips: Tensor) -> Tensor:
        tokens = torch.relu(self.next(torch.relu(self.embed(clips).flatten(2).transpose(1, 2))))
        found: Tensor = self.last(tokens).transpose(1, 2)
        return found


def behind_tubelets() -> nn.Module:
    return nn.Sequential(nn.Conv3d(3, 8, (2, 4, 4), (2, 4, 4)), nn.ReLU(), nn.Conv3d(8, 2, 1))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("made", "layer"), [(behind_tubelets, "2"), (Tokens, "last")])
def test_behind_tubelets_every_piece_is_as_good_as_the_best(
    made: Callable[[], nn.Module], layer: str, seed: int
) -> None:
    """Each piece alone would rise too slowly, and most would end far below: 0.3 to 0.9 of the optimum were shown."""
    torch.manual_seed(seed)
    network = made().eval().requires_grad_(False)
    found = maximize_activation(network, layer, [0, 1], objective="firing", clip_shape=(8, 24, 24))
    for kernel in (0, 1):
        clip = best_tile(network, kernel).repeat(1, 4, 6, 6)[None]
        best, own = (float(network(one)[:, kernel].relu().mean()) for one in (clip, found.clips[kernel : kernel + 1]))
        assert own == pytest.approx(float(found.activations[kernel]), rel=1e-3, abs=1e-5)
        assert own >= 0.85 * best
