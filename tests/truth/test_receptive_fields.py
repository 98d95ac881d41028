"""Receptive fields are those that autograd finds, whatever a network does with the places of its maps."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen.networks.kernels.layers import describe_layers

Up = nn.ConvTranspose3d


class Way(nn.Module):
    """Some layers and a way through them; the last layer is `probe`."""

    def __init__(self, way: Callable[[Way, Tensor], Tensor], *layers: nn.Module, channels: int = 1) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.probe = nn.Conv3d(channels, 1, 1)
        self.way = way
        for parameter in self.parameters():
            nn.init.constant_(parameter, 0.5)

    def forward(self, clip: Tensor) -> Tensor:
        maps: Tensor = self.probe(self.way(self, clip))
        return maps


def seen(network: Way, clip: Tensor) -> tuple[int, ...]:
    """Return the largest extent of the clip that units about the middle of the map depend on."""
    clip = clip.double().requires_grad_()
    maps = network.double()(clip)
    extents = [0, 0, 0]
    for shift in range(-4, 4):  # units of every phase of transposed convolutions
        place = [max(0, size // 2 + shift) for size in maps.shape[2:]]
        (gradient,) = torch.autograd.grad(maps[(0, 0, *place)], clip, retain_graph=True)
        for axis in range(3):
            touched = gradient.abs().sum(dim=[dim for dim in range(5) if dim != axis + 2]).nonzero()
            extents[axis] = max(extents[axis], int(touched.max() - touched.min()) + 1 if len(touched) else 0)
    return tuple(extents)


def chain(network: Way, clip: Tensor) -> Tensor:
    for layer in network.layers:
        clip = layer(clip)
    return clip


def conv(size: int, stride: int = 1, padding: int = 0, into: int = 1, out: int = 1) -> nn.Conv3d:
    return nn.Conv3d(into, out, size, stride, padding)


def shift_by_slices(network: Way, clip: Tensor) -> Tensor:
    """As temporal shift modules do: frames folded into the batch, channels written into a tensor of zeros."""
    maps = network.layers[0](clip)
    n, c, t, h, w = maps.shape
    frames = maps.transpose(1, 2).reshape(n * t, c, h, w).view(n, t, c, h, w)
    shifted = torch.zeros_like(frames)
    shifted[:, :-1, :1] = frames[:, 1:, :1]
    shifted[:, 1:, 1:2] = frames[:, :-1, 1:2]
    shifted[:, :, 2:] = frames[:, :, 2:]
    return network.layers[1](shifted.view(n * t, c, h, w)).view(n, t, 1, h, w).transpose(1, 2)


def shift_by_rolling(network: Way, clip: Tensor) -> Tensor:
    maps = network.layers[0](clip)
    return torch.cat([maps[:, :1].roll(2, 2), maps[:, 1:2].roll(-1, 2), maps[:, 2:]], 1)


def shift_by_padding(network: Way, clip: Tensor) -> Tensor:
    maps = network.layers[0](clip)
    early = functional.pad(maps[:, :1, 1:], (0, 0, 0, 0, 0, 1))
    return torch.cat([early, maps[:, 1:].clone()], 1)


def shift_by_index(network: Way, clip: Tensor) -> Tensor:
    """As shift modules do, into zeros, but by lists of frames and by scattering."""
    maps = network.layers[0](clip)
    early = torch.zeros_like(maps[:, :1])
    early[:, :, list(range(31))] = maps[:, :1, 1:]
    late = torch.zeros_like(early).index_copy(2, torch.arange(2, 32), maps[:, 1:2, :-2])
    return torch.cat([torch.slice_scatter(torch.zeros_like(maps[:, :2]), early, 1, 1), late, maps[:, 3:]], 1)


def turned(network: Way, clip: Tensor) -> Tensor:
    """A quarter turn and the rest of the circle, each followed by a kernel that is wider than high."""
    return network.layers[1](torch.rot90(network.layers[0](torch.rot90(clip, 1, (3, 4))), 3, (3, 4)))


def patches(network: Way, clip: Tensor) -> Tensor:
    """A linear layer over patches of 2x4x5."""
    tokens = clip.reshape(1, 1, 16, 2, 10, 4, 8, 5).permute(0, 2, 4, 6, 1, 3, 5, 7).flatten(4)
    return network.layers[0](tokens).permute(0, 4, 1, 2, 3)


def unfolded(network: Way, clip: Tensor) -> Tensor:
    """Overlapping patches of every frame, with gaps, as columns for a linear layer."""
    columns = functional.unfold(clip.transpose(1, 2).flatten(0, 1), 3, dilation=2, padding=2, stride=(2, 1))
    return network.layers[0](columns.mT).mT.reshape(1, 32, 1, 20, 40).transpose(1, 2)


def folded(network: Way, clip: Tensor) -> Tensor:
    """Means of overlapping patches of every frame, put together again, and scattered two frames later."""
    maps = chain(network, clip)
    frames = maps.transpose(1, 2).flatten(0, 1)
    patches = functional.unfold(frames, (3, 4), padding=(1, 2), stride=(2, 4)).unflatten(1, (3, 4))
    patches = patches.mean(1, keepdim=True).expand_as(patches).flatten(1, 2)
    joined = functional.fold(patches, frames.shape[2:], (3, 4), padding=(1, 2), stride=(2, 4))
    later = torch.arange(2, len(frames)).view(-1, 1, 1, 1).expand(-1, *joined.shape[1:])
    return torch.zeros_like(joined).scatter(0, later, joined[:-2])[None].transpose(1, 2)


def shift_by_gathering(network: Way, clip: Tensor) -> Tensor:
    """Channels of which the first comes from the frame before, as they are gathered and added."""
    maps = network.layers[0](clip)
    before = (torch.arange(32) - 1).clamp(min=0).view(-1, 1, 1).expand(1, 1, 32, *maps.shape[3:])
    return maps.index_add(1, torch.tensor([2]), maps[:, :1].gather(2, before))


def windows_in_time(network: Way, clip: Tensor) -> Tensor:
    return network.layers[0](clip).unfold(2, 5, 2).mean(-1)


def windowed_attention(network: Way, clip: Tensor) -> Tensor:
    """Attention within windows of 4x5x5, shifted by 2 frames."""
    maps = network.layers[0](clip).roll(-2, 2)
    windows = maps.reshape(1, 2, 8, 4, 8, 5, 8, 5).permute(0, 2, 4, 6, 3, 5, 7, 1).reshape(-1, 100, 2)
    mixed = functional.scaled_dot_product_attention(windows, windows, windows)
    back = mixed.reshape(1, 8, 8, 8, 4, 5, 5, 2).permute(0, 7, 1, 4, 2, 5, 3, 6).reshape(1, 2, 32, 40, 40)
    return back.roll(2, 2)


def pooled_attention(network: Way, clip: Tensor) -> Tensor:
    """Tokens and a class token; keys and values are pooled; what comes before the product sees little of the clip."""
    maps = network.layers[0](clip)
    tokens = torch.cat([torch.ones(1, 1, 1, dtype=clip.dtype), maps.flatten(2).transpose(1, 2)], 1)
    keys = network.layers[1](tokens[:, 1:].transpose(1, 2).reshape(maps.shape))
    if keys.shape[2] == 8:
        mixed = (tokens @ keys.flatten(2)).softmax(-1) @ keys.flatten(2).transpose(1, 2)
        return mixed[:, 1:].transpose(1, 2).reshape(maps.shape)
    return keys


def circle(size: int, stride: int = 1, into: int = 1) -> nn.Conv3d:
    return nn.Conv3d(into, 1, size, stride, (size - 1) // 2, padding_mode="circular")


def circle_by_slices(network: Way, clip: Tensor) -> Tensor:
    maps = network.layers[0](clip)
    return network.layers[1](torch.cat([maps[..., -1:], maps, maps[..., :1]], -1))


def shift_in_a_circle(network: Way, clip: Tensor) -> Tensor:
    """As `roll`, but put together and written from slices."""
    maps = network.layers[0](clip)
    late = torch.cat([maps[:, :1, -1:], maps[:, :1, :-1]], 2)
    early = torch.empty_like(maps[:, 1:2])
    early[:, :, :-1], early[:, :, -1] = maps[:, 1:2, 1:], maps[:, 1:2, 0]
    return torch.cat([late, early, maps[:, 2:]], 1)


CASES: dict[str, Way] = {
    "circular padding": Way(chain, circle(3), circle(5)),
    "circular, strided, then transposed": Way(chain, circle(3, 2), Up(1, 1, 4, 2, 1), circle(3)),
    "circular by slices": Way(circle_by_slices, conv(3, padding=1), conv(3)),
    "shift in a circle": Way(shift_in_a_circle, conv(3, padding=1, out=4), channels=4),
    "three transposed convolutions": Way(chain, conv(3, 8, 1), Up(1, 1, 4, 2, 1), Up(1, 1, 4, 2, 1), Up(1, 1, 4, 2, 1)),
    "transposed, odd kernels": Way(chain, conv(3, 4, 1), Up(1, 1, 3, 2, 1, 1), Up(1, 1, 3, 2, 1, 1), conv(3)),
    "transposed 5/3, then 2/2": Way(chain, conv(4, 4), Up(1, 1, 5, 3, 1), Up(1, 1, 2, 2)),
    "transposed, then strided": Way(chain, conv(3, 2, 1), Up(1, 1, 3, 2, 1), conv(3, 2, 1), conv(3)),
    "transposed, kernel below its stride": Way(chain, conv(3, 2, 1), Up(1, 1, 2, 3), conv(3)),
    "linear enlargement": Way(chain, conv(4, 2, 1), nn.Upsample(scale_factor=2, mode="trilinear")),
    "nearest by 1.5": Way(chain, conv(4, 2, 1), nn.Upsample(scale_factor=1.5), conv(3)),
    "shift by slices": Way(shift_by_slices, conv(1, out=4), nn.Conv2d(4, 1, 3, padding=1)),
    "shift by rolling": Way(shift_by_rolling, conv(1, out=4), channels=4),
    "shift by padding": Way(shift_by_padding, conv(1, out=4), channels=4),
    "shift by an index": Way(shift_by_index, conv(1, out=4), channels=4),
    "quarter turns": Way(turned, nn.Conv3d(1, 1, (1, 3, 7), padding="same"), nn.Conv3d(1, 1, (3, 1, 5))),
    "linear over patches": Way(patches, nn.Linear(40, 1)),
    "linear over unfolded patches": Way(unfolded, nn.Linear(9, 1)),
    "patches that are put together": Way(folded, conv(3, padding=1)),
    "shift by gathering": Way(shift_by_gathering, conv(1, out=4), channels=4),
    "windows in time": Way(windows_in_time, conv(3, padding=1)),
    "attention in shifted windows": Way(windowed_attention, conv(3, padding=1, out=2), channels=2),
    "pooled keys": Way(pooled_attention, conv(3, padding=1), conv(3, 2, 1)),
}


def added_to_itself(axis: int, shift: int, sliced: bool) -> Callable[[Way, Tensor], Tensor]:
    """Return a way that adds maps to themselves, `shift` places round the clip's axis."""

    def way(network: Way, clip: Tensor) -> Tensor:
        maps = network.layers[0](clip)
        if not sliced:
            return maps + maps.roll(shift, axis)
        kept = maps.shape[axis] - shift
        return maps + torch.cat([maps.narrow(axis, kept, shift), maps.narrow(axis, 0, kept)], axis)

    return way


@pytest.mark.parametrize("sliced", [False, True])
@pytest.mark.parametrize("axis", [2, 4])
@pytest.mark.parametrize(
    ("shift", "extent"),
    [
        *((1, 4), (3, 6), (6, 9)),  # up to a quarter of the clip's 24 positions: what comes round is the border's
        *((21, 6), (23, 4)),  # and no less the shorter way round
        *((7, 20), (8, 19), (11, 16), (12, 15), (13, 16), (17, 20)),  # the farthest apart that a unit reads
    ],
)
def test_what_comes_round_from_the_other_end_counts_unless_it_is_the_borders(
    shift: int, extent: int, axis: int, sliced: bool
) -> None:
    network = Way(added_to_itself(axis, shift, sliced), conv(3, padding=1)).double()
    field = describe_layers(network, clip_shape=(1, 24, 24, 24))[-1].receptive_field
    assert field is not None
    assert field[axis - 2] == extent
    clip = torch.rand(1, 1, 24, 24, 24, dtype=torch.float64, requires_grad=True)
    maps, extents = network(clip), []
    for place in range(24):
        unit = maps.movedim(axis, -1)[0, 0, 12, 12, place]
        touched = torch.autograd.grad(unit, clip, retain_graph=True)[0].movedim(axis, 0).flatten(1).any(1).nonzero()
        extents.append(int(touched.max() - touched.min()) + 1)
    around = min(shift, 24 - shift)
    ends = max(extents) if around > 6 else max(extents[around + 1 : -around - 1])
    assert ends == extent


def beside(maps: Tensor, mirrored: Tensor) -> Tensor:
    return torch.cat([maps, mirrored], 1)


@pytest.mark.parametrize("join", [torch.add, torch.mul, beside])
@pytest.mark.parametrize(("size", "stride"), [(3, 1), (7, 1), (3, 2)])
@pytest.mark.parametrize("axis", [2, 4])
def test_units_that_see_a_place_and_its_mirror_image_see_no_more_than_the_clip(
    axis: int, size: int, stride: int, join: Callable[[Tensor, Tensor], Tensor]
) -> None:
    def mirrored(network: Way, clip: Tensor) -> Tensor:
        maps = network.layers[0](clip)
        return join(maps, maps.flip(axis))

    layer = nn.Conv3d(1, 1, size, stride, size // 2)
    network = Way(mirrored, layer, channels=2 if join is beside else 1).double()
    clip = torch.rand(1, 1, 12, 12, 12, dtype=torch.float64, requires_grad=True)
    units, extents = network(clip).movedim(axis, -1), []
    for place in range(units.shape[-1]):
        (gradient,) = torch.autograd.grad(units[0, 0, 2, 2, place], clip, retain_graph=True)
        touched = gradient.movedim(axis, 0).flatten(1).any(1).nonzero()
        extents.append(int(touched.max() - touched.min()) + 1)
    field = describe_layers(network, clip_shape=(1, 12, 12, 12))[-1].receptive_field
    assert field is not None
    assert field[axis - 2] == max(extents)
    assert {n for place, n in enumerate(field) if place != axis - 2} == {size}


@pytest.mark.parametrize("case", CASES)
def test_the_receptive_field_is_that_of_the_gradient(case: str) -> None:
    network = CASES[case].double()
    shape = (1, 32, 40, 40)
    generator = torch.Generator().manual_seed(0)
    layers = describe_layers(network, clip_shape=shape)
    assert layers[-1].name == "probe"
    assert layers[-1].receptive_field == seen(network, torch.rand(1, *shape, generator=generator))


@pytest.mark.slow
def test_attention_over_pooled_keys_sees_what_the_keys_and_the_query_see() -> None:
    network = Way(pooled_attention, conv(3, padding=1), nn.AvgPool3d((4, 10, 10)))
    assert describe_layers(network, clip_shape=(1, 32, 40, 40))[-1].receptive_field == (None, None, None)


class Recurrent(nn.Module):
    """A state of convolutions over frames, or of a product for each pixel by itself; all of them, or the last one."""

    def __init__(self, size: int, last: bool) -> None:
        super().__init__()
        self.given, self.state = (nn.Conv2d(1, 1, size, padding="same") for _ in range(2))
        self.probe, self.last = nn.Conv2d(1, 1, 1), last

    def forward(self, clip: Tensor) -> Tensor:
        states = [clip.new_zeros(clip[:, :, 0].shape)]
        for frame in clip.unbind(2):
            states.append(torch.tanh(self.given(frame) + self.state(states[-1])))
        return self.probe(states[-1] if self.last else torch.cat(states[1:]))


@pytest.mark.parametrize("last", [False, True])
def test_what_grows_with_the_number_of_frames_is_no_receptive_field(last: bool) -> None:
    fields = {one.name: one.receptive_field for one in describe_layers(Recurrent(3, last), clip_shape=(1, 12, 20, 20))}
    assert fields == {"given": (1, 3, 3), "state": None, "probe": None}
    fields = {one.name: one.receptive_field for one in describe_layers(Recurrent(1, last), clip_shape=(1, 12, 20, 20))}
    assert fields == {"given": (1, 1, 1), "state": (None, 1, 1), "probe": (None, 1, 1)}


def test_a_sum_over_frames_sees_all_of_them_however_many() -> None:
    network = Way(lambda one, clip: one.layers[0](sum(clip.unbind(2))[:, :, None]), conv(1))
    assert describe_layers(network, clip_shape=(1, 12, 8, 8))[0].receptive_field == (None, 1, 1)


class Shared(nn.Module):
    """One layer for a clip pooled by each of some `sizes`, and for zeros where a size is 0."""

    def __init__(self, sizes: tuple[int, ...]) -> None:
        super().__init__()
        self.probe, self.sizes = nn.Conv3d(1, 1, 3, padding=1), sizes

    def forward(self, clip: Tensor) -> Tensor:
        views = (functional.avg_pool3d(clip, (1, n, n)) if n else torch.zeros_like(clip) for n in self.sizes)
        return torch.stack([self.probe(view).mean() for view in views])


@pytest.mark.parametrize("sizes", [(1, 2), (2, 1), (2, 1, 0)])
def test_a_layer_of_several_calls_has_the_field_of_the_one_that_sees_most(sizes: tuple[int, ...]) -> None:
    assert describe_layers(Shared(sizes), clip_shape=(1, 8, 16, 16))[0].receptive_field == (3, 6, 6)
