"""A map lies where the layer's units look: a spark in the clip is shown where it is, whatever strides lie between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from reportgen import maximize_activation, response_maps, weight_gradients
from reportgen.analyses.pyramid.class_pyramid import class_pyramid
from reportgen.analyses.pyramid.tubes import saliency_tubes
from reportgen.analyses.saliency.attribution import attribute
from reportgen.errors import NetworkError
from reportgen.networks.core.network import as_network
from reportgen.networks.kernels.places import output_places

Norm = Callable[[Tensor], Tensor]


def centred(module: nn.Module) -> nn.Module:
    """Let every kernel pass on what lies at its centre, from all channels alike."""
    with torch.no_grad():
        for part in module.modules():
            if isinstance(part, nn.Conv2d | nn.Conv3d):
                part.weight.zero_()
                part.weight[(slice(None), slice(None), *(size // 2 for size in part.kernel_size))] = 1.0
    return module


def scores(features: Tensor) -> Tensor:
    """Two classes: what there is of the feature, and the opposite."""
    return torch.stack([features, -features], dim=1)


class Strided(nn.Module):
    """Layers of kernel 3 and stride 2, with or without a squeeze-excite gate and with skip connections."""

    def __init__(self, depth: int, *, gate: bool = False, skip: bool = False, norm: Norm | None = None) -> None:
        super().__init__()
        self.norm = norm
        self.layers = nn.ModuleList(nn.Conv3d(1, 1, 3, 2, 1, bias=False) for _ in range(depth))
        self.gate, self.skip = gate, skip

    def forward(self, clip: Tensor) -> Tensor:
        maps = clip.mean(1, keepdim=True)
        for layer in self.layers:
            new = layer(maps)
            last = layer is self.layers[-1]  # a normed map has no mean that could be explained
            new = torch.relu(self.norm(new) if self.norm is not None and not last else new)
            maps = new + maps[:, :, ::2, ::2, ::2] if self.skip else new
            maps = maps * torch.sigmoid(maps.mean((2, 3, 4), keepdim=True)) if self.gate else maps
        return scores(maps.mean((1, 2, 3, 4)))


class Segments(nn.Module):
    """Frames folded into the batch, consensus over them (as TSN)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.next = nn.Conv2d(3, 2, 3, 2, 1, bias=False), nn.Conv2d(2, 2, 3, 2, 1, bias=False)

    def forward(self, clip: Tensor) -> Tensor:
        n, _, t, _, _ = clip.shape
        frames = torch.relu(self.next(torch.relu(self.stem(clip.transpose(1, 2).flatten(0, 1)))))
        return scores(frames.mean((1, 2, 3)).view(n, t).mean(1))


class Rows(Segments):
    """Frames folded into the batch, and answered one by one: N*T rows."""

    def forward(self, clip: Tensor) -> Tensor:
        return scores(torch.relu(self.next(torch.relu(self.stem(clip.transpose(1, 2).flatten(0, 1))))).mean((1, 2, 3)))


class Mirrored(Segments):
    """The frames of the clip, and those of its mirror image."""

    def forward(self, clip: Tensor) -> Tensor:
        found = torch.stack([super(Mirrored, self).forward(view) for view in (clip, clip.flip(4))])
        return found.mean(0)


class OneByOne(nn.Module):
    """One module, called once a frame."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.next = nn.Conv2d(3, 2, 3, 2, 1, bias=False), nn.Conv2d(2, 2, 3, 2, 1, bias=False)

    def forward(self, clip: Tensor) -> Tensor:
        frames = [torch.relu(self.next(torch.relu(self.stem(frame)))).mean((1, 2, 3)) for frame in clip.unbind(2)]
        return scores(torch.stack(frames).mean(0))


class Alone(nn.Module):
    """Layers that are given one clip after the other, without an axis of samples."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.next = nn.Conv3d(3, 2, 3, 2, 1, bias=False), nn.Conv3d(2, 2, 3, 2, 1, bias=False)

    def forward(self, clip: Tensor) -> Tensor:
        return scores(torch.stack([torch.relu(self.next(torch.relu(self.stem(one)))).mean() for one in clip]))


class Pathways(nn.Module):
    """A slow pathway of every fourth frame that sees red, and a fast one of small frames that sees green."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = nn.Sequential(nn.Conv3d(1, 1, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False), nn.ReLU())
        self.fast = nn.Sequential(nn.Conv3d(1, 1, 3, (1, 4, 4), 1, bias=False), nn.ReLU())

    def forward(self, clip: Tensor) -> Tensor:
        slow, fast = self.slow(clip[:, :1, ::4]), self.fast(clip[:, 1:2])
        return scores(slow.sum((1, 2, 3, 4)) + fast.sum((1, 2, 3, 4)))


def spark(place: tuple[int, int, int], channels: tuple[int, ...] = (0, 1, 2)) -> Tensor:
    """Return a black clip of 17x33x33 with one bright pixel, which all strides up to 8 meet."""
    clip = torch.zeros(1, 3, 17, 33, 33)
    for channel in channels:
        clip[(0, channel, *place)] = 1.0
    return clip


def brightest(heat: Tensor) -> tuple[float, ...]:
    """Return the centre of the places where a map T H W is largest."""
    return tuple((heat == heat.max()).nonzero().double().mean(0).tolist())


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "one layer": lambda: Strided(1),
    "three layers": lambda: Strided(3),
    "a gate": lambda: Strided(3, gate=True),
    "instance norms": lambda: Strided(2, norm=functional.instance_norm),
    "group norms": lambda: Strided(2, norm=lambda maps: functional.group_norm(maps, 1)),
    "norms over all": lambda: Strided(2, norm=lambda maps: functional.layer_norm(maps, maps.shape[1:])),
    "skip connections": lambda: Strided(3, skip=True),
    "frames in the batch": Segments,
    "frames of the mirror image, too": Mirrored,
    "a row a frame": Rows,
    "a call a frame": OneByOne,
    "a call a clip": Alone,
}


def shown_at(network: nn.Module, place: tuple[int, int, int]) -> tuple[float, ...]:
    """Return where Grad-CAM shows a spark that is at a place."""
    return brightest(attribute(centred(network), spark(place), 0, "grad_cam").heat[0])


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("place", [(8, 8, 8), (0, 16, 24), (16, 32, 0)])
def test_grad_cam_shows_a_spark_where_it_is(name: str, place: tuple[int, int, int]) -> None:
    assert shown_at(NETWORKS[name](), place) == place


class Recurrent(nn.Module):
    """A state that a convolution carries from frame to frame, weakly, from the first on or from the last."""

    def __init__(self, backwards: bool) -> None:
        super().__init__()
        self.given, self.state = nn.Conv2d(3, 1, 3, padding=1, bias=False), nn.Conv2d(1, 1, 3, padding=1, bias=False)
        self.backwards = backwards

    def forward(self, clip: Tensor) -> Tensor:
        frames = clip.unbind(2)
        states = [torch.zeros_like(clip[:, :1, 0])]
        for frame in reversed(frames) if self.backwards else frames:
            states.append(torch.relu(self.given(frame) + 0.02 * self.state(states[-1])))
        return scores(torch.stack(states, 2).mean((1, 2, 3, 4)))


@pytest.mark.parametrize("backwards", [False, True])
def test_grad_cam_shows_a_spark_at_the_frame_that_a_recurrent_unit_was_given(backwards: bool) -> None:
    network, clip = centred(Recurrent(backwards)).eval(), spark((11, 8, 16))
    for layer in (None, "given", "state"):
        assert brightest(attribute(network, clip, 0, "grad_cam", layer=layer).heat[0]) == (11, 8, 16), layer


class Lipreading(nn.Module):
    """A convolution of three axes, then one of each frame by itself, folded into the batch or called in turn."""

    def __init__(self, folded: bool) -> None:
        super().__init__()
        self.stem = nn.Conv3d(3, 2, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False)
        self.next = nn.Conv2d(2, 2, 3, 2, 1, bias=False)
        self.folded = folded

    def forward(self, clip: Tensor) -> Tensor:
        maps = torch.relu(self.stem(clip))
        if self.folded:
            return scores(torch.relu(self.next(maps.transpose(1, 2).flatten(0, 1))).mean((1, 2, 3)).mean(0, True))
        return scores(torch.stack([torch.relu(self.next(one)) for one in maps.unbind(2)]).mean((0, 2, 3, 4)))


@pytest.mark.parametrize("folded", [True, False])
def test_maps_of_single_frames_are_the_last_behind_maps_that_extend_in_time(folded: bool) -> None:
    network, place = centred(Lipreading(folded)), (11, 8, 16)
    found = attribute(network, spark(place), 0, "grad_cam")
    assert found.layers == ("next",)
    assert brightest(found.heat[0]) == place


class Levelled(nn.Module):
    """Layers with rectifiers of their own, or with one that is used behind each of them."""

    def __init__(self, stride: int, shared: bool, frames: bool) -> None:
        super().__init__()
        torch.manual_seed(0)
        conv = nn.Conv2d if frames else nn.Conv3d
        self.layers = nn.ModuleList(conv(3 if first else 4, 4, 3, stride, 1) for first in (True, False, False))
        one = nn.ReLU(inplace=True)
        self.rectifiers = nn.ModuleList(one if shared else nn.ReLU(inplace=True) for _ in self.layers)
        self.head, self.frames = nn.Linear(4, 2), frames
        self.head.weight.data.abs_()  # so that all maps speak for the classes

    def passed(self, maps: Tensor) -> Tensor:
        for layer, rectifier in zip(self.layers, self.rectifiers, strict=True):
            maps = rectifier(layer(maps))
        return maps.flatten(2).mean(2)

    def forward(self, clip: Tensor) -> Tensor:
        found = torch.stack([self.passed(frame) for frame in clip.unbind(2)]).mean(0) if self.frames else None
        return self.head(self.passed(clip) if found is None else found)


@pytest.mark.parametrize("frames", [False, True])
@pytest.mark.parametrize("stride", [1, 2])
def test_grad_cam_is_of_the_last_maps_of_a_rectifier_that_is_used_at_every_depth(stride: int, frames: bool) -> None:
    clip = torch.rand(1, 3, 9, 12, 12, generator=torch.Generator().manual_seed(1))
    own, shared = (attribute(Levelled(stride, one, frames), clip, 0, "grad_cam") for one in (False, True))
    assert own.layers == ("rectifiers.2",)
    assert shared.layers == ("rectifiers.0",)
    torch.testing.assert_close(shared.attribution, own.attribution)


class Gate(Recurrent):
    """It mixes the state before with a frame, by a gate that a convolution makes of both, and may rectify it."""

    def __init__(self, backwards: bool, rectifier: bool, last: bool) -> None:
        super().__init__(backwards)
        self.gate, self.last = nn.Conv2d(4, 1, 3, padding=1), last
        self.given = nn.Conv2d(4, 1, 3, padding=1)
        self.cell = nn.ReLU() if rectifier else nn.Hardtanh(-9, 9)

    def forward(self, clip: Tensor) -> Tensor:
        frames = clip.unbind(2)
        states = [torch.zeros_like(clip[:, :1, 0])]
        for frame in reversed(frames) if self.backwards else frames:
            both = torch.cat([frame, 0.02 * states[-1]], 1)
            share = torch.sigmoid(self.gate(both))
            states.append(self.cell(share * states[-1] + (1 - share) * self.given(both)))
        return scores((states[-1] if self.last else torch.stack(states, 2)).flatten(1).mean(1))


@pytest.mark.parametrize(("backwards", "rectifier", "last"), [(False, True, False), (True, False, True)])
def test_grad_cam_of_a_recurrent_unit_is_of_all_its_states(backwards: bool, rectifier: bool, last: bool) -> None:
    network, place = centred(Gate(backwards, rectifier, last)).eval(), (3, 8, 16) if backwards else (13, 8, 16)
    found = attribute(network, spark(place), 0, "grad_cam")
    assert found.layers == ("cell",)
    assert brightest(found.heat[0]) == place


class ShiftedWindows(nn.Module):
    """Patches, and attention within windows of 3 of them along each row, shifted by one in a circle.

    With a `mask` the patch that comes round from the other end attends to itself alone, as in Swin transformers.
    """

    def __init__(self, masked: bool) -> None:
        super().__init__()
        self.stem = nn.Conv3d(3, 2, (1, 4, 4), (1, 4, 4), bias=False)
        self.norm, self.masked = nn.BatchNorm3d(2), masked

    def forward(self, clip: Tensor) -> Tensor:
        maps = self.stem(clip).roll(-1, 4)
        windows = maps.permute(0, 2, 3, 4, 1).unflatten(3, (-1, 3))
        apart = torch.tensor([[0, 0, 0], [0, 0, 1]])[:, None]
        mask = apart == apart.mT if self.masked else torch.ones(2, 3, 3, dtype=torch.bool)
        mixed = functional.scaled_dot_product_attention(windows, windows, windows, attn_mask=mask)
        back = mixed.flatten(3, 4).permute(0, 4, 1, 2, 3).roll(1, 4)
        return scores(torch.relu(self.norm(back)).mean((1, 2, 3, 4)))


@pytest.mark.parametrize("masked", [False, True])
def test_units_of_shifted_windows_look_at_their_windows(masked: bool) -> None:
    """Windows of patches 1 to 3, and of 4, 5 and the first one, which comes round."""
    places = output_places(as_network(ShiftedWindows(masked).eval()), (1, 3, 4, 24, 24), ["norm"])["norm"]
    assert places is not None
    centres = places.lines[2].centres
    assert centres[1:4].tolist() == [9.5] * 3
    assert (centres[4:] > 15).all()
    assert centres[4:].max() < 24
    assert (centres[0] == 1.5) == masked


class Gated(nn.Module):
    """A convolutional LSTM: one convolution of the frame and the state, zeros at first, makes all four gates."""

    def __init__(self) -> None:
        super().__init__()
        self.gates = nn.Conv2d(5, 8, 3, padding=1)
        nn.init.constant_(self.gates.bias, 0.0)
        nn.init.constant_(self.gates.weight, 0.0)
        with torch.no_grad():
            self.gates.weight[6:, :3] = 0.5  # what is written is the frame's
            self.gates.weight[6:, 3:, 1, 1] = 0.02  # and of the state a little

    def forward(self, clip: Tensor) -> Tensor:
        state = cell = clip.new_zeros(len(clip), 2, *clip.shape[3:])
        states = []
        for frame in clip.unbind(2):
            into, forget, out, new = self.gates(torch.cat([frame, state], 1)).chunk(4, 1)
            cell = forget.sigmoid() * cell + into.sigmoid() * new.tanh()
            state = out.sigmoid() * cell.tanh()
            states.append(state)
        return scores(torch.stack(states, 2).mean((1, 2, 3, 4)))


def test_grad_cam_of_a_convolution_that_makes_all_gates_shows_a_spark_at_its_frame() -> None:
    network, clip = Gated().eval(), spark((11, 8, 16))
    for layer in (None, "gates"):
        assert brightest(attribute(network, clip, 0, "grad_cam", layer=layer).heat[0]) == (11, 8, 16), layer


def test_grad_cam_of_two_pathways_shows_what_each_of_them_sees() -> None:
    network = centred(Pathways())
    red, green = (8, 8, 24), (5, 20, 4)
    found = attribute(network, spark(red, (0,)) + spark(green, (1,)), 0, "grad_cam")
    assert found.layers == ("slow", "fast")
    heat = found.heat[0]
    assert brightest(heat * (torch.arange(33) > 16)) == red
    assert brightest(heat * (torch.arange(33) < 16)) == green


TUBES = (
    "three layers",
    "frames in the batch",
    "frames of the mirror image, too",
    "a row a frame",
    "a call a frame",
    "a call a clip",
)


@pytest.mark.parametrize("name", TUBES)
def test_tubes_of_a_pyramid_show_a_spark_where_it_is(name: str) -> None:
    network, place = centred(NETWORKS[name]()), (8, 16, 24)
    clip = spark(place)
    tubes = saliency_tubes(network, clip, class_pyramid(network, clip, 0))
    assert tubes
    for tube in tubes.values():
        assert brightest(torch.as_tensor(tube.tube)) == place, tube.layer
        assert brightest(torch.as_tensor(tube.maps[0])) == place, tube.layer


def test_a_map_whose_places_are_not_known_is_refused() -> None:
    class Transformed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Conv3d(3, 2, 3, padding=1)

        def forward(self, clip: Tensor) -> Tensor:
            return scores(torch.relu(self.stem(torch.fft.fft(clip).real)).mean((1, 2, 3, 4)))

    with pytest.raises(Exception, match="Where the positions of stem look in the clip is not known"):
        attribute(Transformed(), spark((8, 8, 8)), 0, "grad_cam")


def test_two_clips_of_rows_have_maps_of_their_own() -> None:
    network, places = centred(Rows()), [(8, 8, 8), (16, 32, 0)]
    found = attribute(network, torch.cat([spark(place) for place in places]), 0, "grad_cam")
    assert [brightest(heat) for heat in found.heat] == places
    one = attribute(network, spark(places[1]), 0, "grad_cam")
    torch.testing.assert_close(found.heat[1:], one.heat)


class Levels(nn.Module):
    """A head that all levels of a feature pyramid share, of which one alone may count."""

    def __init__(self, counted: int | None, *, lateral: bool = False) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv3d(1, 1, 3, (1, 2, 2) if one == 0 else 2, 1, bias=False) for one in range(3))
        self.head, self.counted, self.lateral = nn.Conv3d(1, 1, 3, 1, 1, bias=False), counted, lateral

    def forward(self, clip: Tensor) -> Tensor:
        levels = [clip.mean(1, keepdim=True)]
        for layer in self.layers:
            levels.append(layer(levels[-1]).relu())
        if self.lateral:
            levels[2] = levels[2] + functional.interpolate(levels[3], size=levels[2].shape[2:])
            levels[1] = levels[1] + functional.interpolate(levels[2], size=levels[1].shape[2:])
        answers = [self.head(level).relu().mean((1, 2, 3, 4)) for level in levels[1:]]
        return scores(sum(answers) if self.counted is None else answers[self.counted])  # type: ignore[arg-type]


class Paces(nn.Module):
    """One body, given the clip at two paces and at half its size."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.next = nn.Conv3d(1, 1, 3, (1, 2, 2), 1, bias=False), nn.Conv3d(1, 1, 3, 1, 1, bias=False)

    def forward(self, clip: Tensor) -> Tensor:
        grey = clip.mean(1, keepdim=True)
        ways = [self.next(self.stem(one).relu()).relu() for one in (grey, grey[:, :, ::2], grey[..., ::2, ::2])]
        return scores(torch.stack([way.mean((1, 2, 3, 4)) for way in ways]).sum(0))


class Unequal(nn.Module):
    """One layer, given the first twelve frames and then the others."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv3d(3, 2, 3, padding=1, bias=False)

    def forward(self, clip: Tensor) -> Tensor:
        parts = self.stem(clip[:, :, :12]), self.stem(clip[:, :, 12:])
        return scores(torch.relu(torch.cat(parts, 2)).mean((1, 2, 3, 4)))


class GateShift(Segments):
    """Frames in the batch, between whose layers a convolution over time says what of the maps is shifted (GSM)."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Conv3d(2, 2, 3, 1, 1, groups=2, bias=False)

    def gated(self, maps: Tensor) -> Tensor:
        part = torch.tanh(self.gate(maps)) * maps
        rest = maps - part
        return torch.cat([functional.pad(part[:, :1, 1:], (0, 0, 0, 0, 0, 1)), part[:, 1:]], 1) + rest

    def forward(self, clip: Tensor) -> Tensor:
        n, _, t, _, _ = clip.shape
        maps = torch.relu(self.stem(clip.transpose(1, 2).flatten(0, 1))).unflatten(0, (n, t)).transpose(1, 2)
        frames = torch.relu(self.next(self.gated(maps).transpose(1, 2).flatten(0, 1)))
        return scores(frames.mean((1, 2, 3)).view(n, t).mean(1))


class Excited(GateShift):
    """Frames in the batch, of which a convolution over time excites places (ACTION-Net)."""

    def gated(self, maps: Tensor) -> Tensor:
        return maps + maps * torch.sigmoid(self.gate(maps).mean(1, keepdim=True))


@pytest.mark.parametrize("network", [GateShift, Excited])
@pytest.mark.parametrize("place", [(8, 8, 8), (4, 16, 24)])
def test_grad_cam_reads_frames_and_not_what_gates_them_over_time(
    network: type[nn.Module], place: tuple[int, int, int]
) -> None:
    found = attribute(centred(network()), spark(place), 0, "grad_cam")
    assert found.layers == ("next",)
    assert brightest(found.heat[0]) == place


SIZES: dict[str, Callable[[], nn.Module]] = {
    "a shared head": lambda: Levels(None),
    "a shared head behind lateral sums": lambda: Levels(None, lateral=True),
    **{f"level {one} of a shared head": (lambda one=one: Levels(one)) for one in range(3)},  # type: ignore[misc]
    "several paces": Paces,
    "parts of the clip": Unequal,
}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("place", [(8, 8, 8), (0, 16, 24), (16, 32, 0)])
def test_grad_cam_lays_each_size_of_map_where_its_units_look(name: str, place: tuple[int, int, int]) -> None:
    assert shown_at(SIZES[name](), place) == place


class Bytes(Strided):
    """A network that makes whole numbers of its clip, through which no gradient comes."""

    def forward(self, clip: Tensor) -> Tensor:
        return super().forward((clip * 255).to(torch.uint8).float() / 255)


def test_maps_behind_a_cut_are_not_said_to_be_none() -> None:
    network = centred(Bytes(1)).eval().requires_grad_(False)
    with pytest.raises(NetworkError, match=r"cut off by .*Name a layer behind that"):
        attribute(network, spark((8, 8, 8)), 0, "grad_cam")
    found = attribute(network, spark((8, 8, 8)), 0, "grad_cam", layer="layers.0")
    assert brightest(found.heat[0]) == (8, 8, 8)


class InVmap(nn.Module):
    """A network that is mapped over its frames, layers and all."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 3)

    def forward(self, clip: Tensor) -> Tensor:
        found: Tensor = self.head(torch.vmap(self.stem, in_dims=2, out_dims=2)(clip).relu().mean((2, 3, 4)))
        return found


def test_maps_that_cannot_be_read_are_not_said_to_be_cut_off() -> None:
    with pytest.raises(NetworkError, match=r"stem runs within torch\.vmap"):
        attribute(InVmap().eval(), torch.rand(1, 3, 4, 16, 16), 0, "grad_cam")


class Forgetful(nn.Module):
    """A network that may forget all of its parts, to compute them anew on the way back."""

    def __init__(self, how: dict[str, bool] | None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.next, self.how = nn.Conv3d(3, 4, 3, padding=1), nn.Conv3d(4, 4, 3, 2, 1), how

    def part(self, layer: nn.Module, maps: Tensor) -> Tensor:
        found: Tensor = layer(maps).relu() if self.how is None else checkpoint(self.plain, layer, maps, **self.how)
        return found

    def plain(self, layer: nn.Module, maps: Tensor) -> Tensor:
        found: Tensor = layer(maps).relu()
        return found

    def forward(self, clip: Tensor) -> Tensor:
        return scores(self.part(self.next, self.part(self.stem, clip)).mean((1, 2, 3, 4)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("reentrant", [False, True])
def test_what_a_network_would_compute_anew_is_told_as_what_it_keeps(reentrant: bool) -> None:
    clip = torch.rand(1, 3, 6, 12, 12, generator=torch.Generator().manual_seed(0))
    own, plain = (Forgetful(how).eval() for how in ({"use_reentrant": reentrant}, None))
    for method in ("gradients", "guided_backprop", "grad_cam"):
        found, expected = (attribute(one, clip, 0, method).attribution for one in (own, plain))
        torch.testing.assert_close(found, expected)
    pyramid, expected_pyramid = (class_pyramid(one, clip, 0, depth=None) for one in (own, plain))
    for layer in expected_pyramid.layers:
        assert pyramid.layer(layer.name).relevance == pytest.approx(layer.relevance)
        assert layer.relevance.any()
    options = {"objective": "firing", "clip_shape": (6, 12, 12), "steps": 8}
    best = [maximize_activation(one, "next", [1], **options).activations for one in (own, plain)]  # type: ignore[arg-type]
    torch.testing.assert_close(*best)


class Part(nn.Module):
    """A layer that is given only some frames and pixels of the clip."""

    def __init__(self, frames: slice, pixels: slice) -> None:
        super().__init__()
        self.frames, self.pixels = frames, pixels
        self.layer = nn.Conv3d(1, 1, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False)
        centred(self)

    def forward(self, clip: Tensor) -> Tensor:
        part = clip.mean(1, keepdim=True)[:, :, self.frames, self.pixels, self.pixels]
        return scores(torch.relu(self.layer(part)).mean((1, 2, 3, 4)))


@pytest.mark.parametrize(
    ("frames", "shown"),
    [(slice(4, 12), range(4, 12)), (slice(3, None, 4), range(1, 16)), (slice(0, 9, 8), range(13)), (slice(5, 6), [5])],
    ids=["the middle", "from the fourth on, every fourth", "two", "one"],
)
def test_what_a_network_does_not_look_at_has_no_heat(frames: slice, shown: Sequence[int]) -> None:
    """Frames between two that it looks at, and half a step on, are theirs."""
    clip = torch.ones(1, 3, 16, 20, 20)
    heat = attribute(Part(frames, slice(4, 16)), clip, 0, "grad_cam", layer="layer").attribution[0, 0]
    assert heat.flatten(1).any(1).nonzero().flatten().tolist() == list(shown)
    assert heat.sum((0, 1)).nonzero().flatten().tolist() == list(range(3, 16))  # the first unit sees column 3, too


def test_a_clip_that_does_not_fit_is_one_sentence_for_every_call(capfd: pytest.CaptureFixture[str]) -> None:
    class Flat(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.head = nn.Conv3d(3, 2, 3, padding=1), nn.Linear(2 * 4 * 8 * 8, 3)

        def forward(self, clip: Tensor) -> Tensor:
            scored: Tensor = self.head(self.layer(clip).flatten(1))
            return scored

    larger = torch.rand(1, 3, 4, 10, 10)
    calls: list[Callable[[], object]] = [
        lambda: attribute(Flat(), larger, 1, "grad_cam", layer="layer"),
        lambda: response_maps(Flat(), larger, "layer"),
        lambda: class_pyramid(Flat(), larger, 1),
        lambda: weight_gradients(Flat(), larger, 1),
    ]
    for call in calls:
        with pytest.raises(NetworkError, match=r"Flat cannot take clips of the shape \(1, 3, 4, 10, 10\) \(mat1"):
            call()
    assert capfd.readouterr() == ("", "")
