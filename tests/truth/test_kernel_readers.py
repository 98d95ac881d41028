"""Which norm reads a kernel, whatever the modules are: a negative gain turns the best clip round."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from reportgen import maximize_activation
from reportgen.networks.core.network import as_network
from reportgen.networks.kernels.preactivation import Preactivation, preactivation

KERNELS, SHAPE = 4, (2, 6, 6)


class NormActivation(nn.BatchNorm3d):
    """A norm that holds its activation, as timm's BatchNormAct2d does."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.act = nn.ReLU()

    def forward(self, maps: Tensor) -> Tensor:
        return self.act(super().forward(maps))


class FrozenNorm(nn.Module):
    """A batch norm spelt out over buffers, as torchvision's FrozenBatchNorm2d."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name in ("weight", "bias", "running_mean", "running_var"):
            self.register_buffer(name, torch.ones(channels))

    def forward(self, maps: Tensor) -> Tensor:
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        return maps * scale.view(-1, 1, 1, 1) + (self.bias - self.running_mean * scale).view(-1, 1, 1, 1)


class Body(nn.Module):
    """A convolution of red alone, and the `way` on from there."""

    def __init__(self, way: Callable[[Body, Tensor], Tensor], norm: type[nn.Module] = nn.BatchNorm3d) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem, self.norm, self.way = nn.Conv3d(3, KERNELS, 1), norm(KERNELS), way
        self.other, self.wide = nn.Conv3d(3, 2, 1), nn.BatchNorm3d(KERNELS + 2)
        self.frames = nn.BatchNorm2d(KERNELS)
        for part in (self.norm, self.wide, self.frames):
            for name, values in [*part.named_parameters(), *part.named_buffers()]:
                if values.is_floating_point():
                    values.data.uniform_(0.5, 2.0)
                if name == "weight":
                    values.data.neg_()

    def forward(self, clips: Tensor) -> Tensor:
        return self.way(self, self.stem(clips)).flatten(2).mean(2)


def joined(body: Body, maps: Tensor) -> Tensor:
    other = torch.ones_like(maps[:, :2])
    return body.wide(torch.cat([other, maps], 1)).relu()


def apart(body: Body, maps: Tensor) -> Tensor:
    rows = maps.transpose(1, 2).flatten(0, 1)
    return body.frames(rows).relu().unflatten(0, (len(maps), -1)).transpose(1, 2)


def read_twice(body: Body, maps: Tensor) -> Tensor:
    return torch.cat([body.norm(maps), body.wide(torch.cat([maps, maps[:, :2]], 1))], 1)


NORMED: dict[str, tuple[Callable[[Body, Tensor], Tensor], type[nn.Module], bool]] = {
    "norm and ReLU": (lambda body, maps: body.norm(maps).relu(), nn.BatchNorm3d, True),
    "a norm that holds its activation": (lambda body, maps: body.norm(maps), NormActivation, True),
    "a norm that is spelt out": (lambda body, maps: body.norm(maps).clamp(min=0), FrozenNorm, True),
    "an in-place ReLU behind the norm": (lambda body, maps: body.norm(maps).relu_(), nn.BatchNorm3d, True),
    "another activation": (lambda body, maps: functional.silu(body.norm(maps)), nn.BatchNorm3d, False),
    "a sum before the activation": (lambda body, maps: (body.norm(maps) + 1.5 * maps).relu(), nn.BatchNorm3d, False),
    "moved memory": (lambda body, maps: body.norm(maps.clone().contiguous()).relu(), nn.BatchNorm3d, True),
}
ORDER = [2, 0, 3, 1]


def by_formula(body: Body, maps: Tensor) -> Tensor:
    """Return the norm as one operation of constants."""
    norm = body.norm
    gain = norm.weight / (norm.running_var + 1e-5).sqrt()  # type: ignore[operator]
    offset = norm.bias - norm.running_mean * gain  # type: ignore[operator]
    return torch.addcmul(offset.view(-1, 1, 1, 1), maps, gain.view(-1, 1, 1, 1)).relu()


def in_two_parts(body: Body, maps: Tensor) -> Tensor:
    """Return the norm of one kernel, and that of the others."""
    numbers = [getattr(body.norm, name) for name in ("running_mean", "running_var", "weight", "bias")]
    parts = (slice(1), slice(1, None))
    return torch.cat(
        [functional.batch_norm(maps[:, part], *(own[part] for own in numbers)) for part in parts], 1
    ).relu()


NORMED |= {
    "one operation": (by_formula, nn.BatchNorm3d, True),
    "two norms, of one kernel and of the others": (in_two_parts, nn.BatchNorm3d, True),
    "positions as one axis": (lambda body, maps: body.norm(maps.flatten(3)[..., None]).relu(), nn.BatchNorm3d, True),
}


def shifted(maps: Tensor) -> Tensor:
    """Return maps after a temporal shift, as its modules write it: into zeros, channel group by channel group."""
    found = torch.zeros_like(maps)
    found[:, :1, :-1], found[:, 1:2, 1:], found[:, 2:] = maps[:, :1, 1:], maps[:, 1:2, :-1], maps[:, 2:]
    return found


def late(maps: Tensor) -> Tensor:
    """Return maps of which some channels come a frame earlier, padded with zeros."""
    return torch.cat([functional.pad(maps[:, :2, 1:], (0, 0, 0, 0, 0, 1)), maps[:, 2:]], 1)


NORMED |= {
    "a temporal shift in front of the norm": (lambda body, maps: body.norm(shifted(maps)).relu(), nn.BatchNorm3d, True),
    "a shift by padding in front of the norm": (lambda body, maps: body.norm(late(maps)).relu(), nn.BatchNorm3d, True),
    "a shift, and a gain in front of the norm": (
        lambda body, maps: body.norm(0.5 * shifted(2 * maps)).relu(),
        nn.BatchNorm3d,
        True,
    ),
}
NORMED |= {
    "average pooling in front of the norm": (
        lambda body, maps: body.norm(functional.avg_pool3d(maps, 2)).relu(),
        nn.BatchNorm3d,
        False,
    ),
    "max pooling of each frame in front of the norm": (
        lambda body, maps: body.norm(functional.max_pool3d(maps, (1, 2, 2))).relu(),
        nn.BatchNorm3d,
        False,
    ),
    "the mean of all positions in front of the norm": (
        lambda body, maps: body.norm(maps.mean((2, 3, 4), keepdim=True)).relu(),
        nn.BatchNorm3d,
        False,
    ),
}


NORMED |= {
    "the nearest pixel, twice as large, in front of the norm": (
        lambda body, maps: body.norm(functional.interpolate(maps, scale_factor=2)).relu(),
        nn.BatchNorm3d,
        True,
    ),
    "linear enlargement in front of the norm": (
        lambda body, maps: body.norm(functional.interpolate(maps, scale_factor=2, mode="trilinear")).relu(),
        nn.BatchNorm3d,
        False,
    ),
    "a mirrored border in front of the norm": (
        lambda body, maps: body.norm(functional.pad(maps, (1,) * 6, mode="reflect")).relu(),
        nn.BatchNorm3d,
        True,
    ),
    "the largest over time in front of the norm": (
        lambda body, maps: body.norm(maps.max(2, keepdim=True).values).relu(),
        nn.BatchNorm3d,
        False,
    ),
}


def put(maps: Tensor) -> Tensor:
    """Return maps that are written into zeros by lists of channels."""
    found = torch.zeros_like(maps)
    found[:, [0, 2]], found[:, [3, 1]] = maps[:, [0, 2]], maps[:, [3, 1]]
    return found


def unmasked(maps: Tensor) -> Tensor:
    """Return maps with some places of each frame set to zero by a mask."""
    found = maps.clone()
    found[:, :, torch.tensor([True, False]), 0] = 0
    found[torch.eye(6, dtype=torch.bool).expand_as(found)] = 0
    return found.masked_fill(torch.eye(6, dtype=torch.bool).flip(1), 0)


WRITTEN: dict[str, Callable[[Tensor], Tensor]] = {
    "index_copy": lambda maps: torch.zeros_like(maps).index_copy(1, torch.arange(KERNELS), maps),
    "index_copy in place": lambda maps: torch.zeros_like(maps).index_copy_(1, torch.arange(KERNELS), maps),
    "index_put": put,
    "index_fill": lambda maps: maps.index_fill(2, torch.tensor([0]), 0.0),
    "slice_scatter": lambda maps: torch.slice_scatter(torch.zeros_like(maps), maps[:, :, :-1], 2, 1),
    "select_scatter": lambda maps: torch.select_scatter(maps, torch.zeros_like(maps[:, :, 0]), 2, 0),
    "masks": unmasked,
    "a quarter turn": lambda maps: torch.rot90(maps, 1, (3, 4)),
    "chunks": lambda maps: torch.cat([maps[:, :1], *maps[:, 1:].chunk(3, 1)], 1),
    "frames": lambda maps: torch.cat([frame[:, :, None] for frame in maps.unbind(2)], 2),
    "windows": lambda maps: maps.unfold(3, 3, 1),
}
NORMED |= {
    f"{name} in front of the norm": (
        lambda body, maps, written=written: body.norm(written(maps).flatten(4)).relu(),  # type: ignore[misc]
        nn.BatchNorm3d,
        True,
    )
    for name, written in WRITTEN.items()
}


def folded(maps: Tensor) -> Tensor:
    """Return maps that are cut into patches of each frame, and put together again."""
    frames = maps.transpose(1, 2).flatten(0, 1)
    patches = functional.unfold(frames, (2, 3), padding=(0, 3), stride=(2, 3))
    joined = functional.fold(patches, frames.shape[2:], (2, 3), padding=(0, 3), stride=(2, 3))
    return joined.unflatten(0, (len(maps), -1)).transpose(1, 2)


BACKWARDS = torch.arange(SHAPE[0] - 1, -1, -1).view(-1, 1, 1)
APART: dict[str, tuple[Callable[[Tensor], Tensor], bool]] = {
    "gathered frames": (lambda maps: maps.gather(2, BACKWARDS.expand_as(maps)), True),
    "scattered frames": (lambda maps: torch.zeros_like(maps).scatter(2, BACKWARDS.expand_as(maps), maps), True),
    "frames that are added to zeros": (
        lambda maps: torch.zeros_like(maps).index_add(2, BACKWARDS[:, 0, 0], maps),
        False,
    ),
    "patches that are put together": (folded, False),
    "a mask of places": (lambda maps: maps * torch.eye(SHAPE[1]), True),
    "a window": (lambda maps: maps * torch.linspace(0.5, 1.5, SHAPE[2]), False),
    "positions": (lambda maps: maps + torch.linspace(-1, 1, SHAPE[2]), False),
    "whole numbers": (lambda maps: torch.fake_quantize_per_tensor_affine(maps, 1 / 64, 128, 0, 255), False),
    "blurring": (lambda maps: functional.conv3d(maps, torch.full((KERNELS, 1, 1, 2, 2), 0.25), groups=KERNELS), False),
}
NORMED |= {
    f"{name} in front of the norm": (
        lambda body, maps, kept=kept: body.norm(kept(maps)).relu(),  # type: ignore[misc]
        nn.BatchNorm3d,
        passed_on,
    )
    for name, (kept, passed_on) in APART.items()
}
NORMED["means of windows in front of the norm"] = (
    lambda body, maps: body.norm(maps.unfold(3, 2, 2).unfold(4, 3, 1).mean((-1, -2))).relu(),
    nn.BatchNorm3d,
    False,
)


MIXED = torch.eye(KERNELS)[ORDER]
SET_APART: dict[str, Callable[[Tensor], Tensor]] = {
    "less the mean of all places": lambda maps: maps - maps.mean((2, 3, 4), keepdim=True),
    "less the mean of all kernels": lambda maps: maps - maps.mean(1, keepdim=True),
    "over their spread": lambda maps: (maps - maps.mean(1, keepdim=True)) / maps.std((2, 3, 4), keepdim=True),
    "over their squares": lambda maps: maps * maps.square().mean(1, keepdim=True).add(1e-5).rsqrt(),
    "normed by their own statistics": functional.instance_norm,
    "gated": lambda maps: maps * maps.mean((2, 3, 4)).sigmoid().view(-1, KERNELS, 1, 1, 1),
}


@pytest.mark.parametrize("name", SET_APART)
def test_a_norm_behind_what_sets_kernels_against_others_gives_them_its_sign(name: str) -> None:
    """What they are taken above and divided by depends on the clip, and is not told; the sign is."""
    body, found = target(lambda body, maps: body.norm(SET_APART[name](maps)).relu())
    assert torch.allclose(found.maps(clips()), wanted(body.norm, body.stem(clips())), atol=1e-4)
    assert not found.passed_on


def turned(*taps: float) -> Tensor:
    """Return the weights of a convolution that gives each kernel back so many times, and a little of the others."""
    return (torch.diag(torch.tensor(taps)) + 0.1 * (1 - torch.eye(KERNELS))).view(KERNELS, KERNELS, 1, 1, 1)


def other(maps: Tensor) -> Tensor:
    return functional.conv3d(maps, torch.full((KERNELS, KERNELS, 1, 3, 3), 0.05), padding=(0, 1, 1))


SUMS: dict[str, tuple[Callable[[Tensor], Tensor], tuple[float, ...]]] = {
    "a convolution's": (lambda maps: maps + other(maps), (1, 1, 1, 1)),
    "less a convolution's": (lambda maps: maps - other(maps), (1, 1, 1, 1)),
    "taken from a convolution's": (lambda maps: other(maps) - maps, (-1, -1, -1, -1)),
    "taken away in part": (lambda maps: other(maps).relu() - 0.5 * maps, (-1, -1, -1, -1)),
    "with others' weights": (lambda maps: torch.add(maps, other(maps), alpha=-0.3), (1, 1, 1, 1)),
    "a gain's": (lambda maps: -2 * maps + torch.tensor(0.1) * other(maps), (-1, -1, -1, -1)),
    "its own, turned round": (lambda maps: maps - functional.conv3d(maps, turned(2, 0, 3, 0.5)), (-1, 1, -1, 1)),
    "its own, weighed": (lambda maps: -3 * functional.conv3d(maps, turned(1, 0, 0.2, 2)) + maps, (-1, 1, 1, -1)),
    "its own, from less of it": (
        lambda maps: 0.5 * maps - functional.conv3d(maps, turned(1, 0, 0.2, 2)),
        (-1, 1, 1, -1),
    ),
    "less the mean about": (lambda maps: maps - functional.avg_pool3d(maps, 3, 1, 1), (1, 1, 1, 1)),
    "tokens'": (
        lambda maps: (
            maps.movedim(1, -1) - functional.linear(maps.movedim(1, -1), turned(2, 0, 3, 0.5).flatten(1))
        ).movedim(-1, 1),
        (-1, 1, -1, 1),
    ),
    "gated by others": (lambda maps: maps * other(maps).sigmoid(), (1, 1, 1, 1)),
    "a second sum's": (lambda maps: (joint := maps + other(maps)) - other(other(joint).sin()), (1, 1, 1, 1)),
}


@pytest.mark.parametrize("name", SUMS)
def test_a_norm_of_a_sum_gives_its_sign_to_the_kernels_that_are_a_term_of_it(name: str) -> None:
    """What else is added depends on the clip: gain and offset of the norm are of the sum, and only the sign is told."""
    way, signs = SUMS[name]
    body, found = target(lambda body, maps: body.norm(way(maps)).relu())
    gain = torch.ones(KERNELS) if found.gain is None else found.gain
    assert gain.sign().tolist() == [-sign for sign in signs]
    assert torch.allclose(found.maps(clips()), gain.view(-1, 1, 1, 1) * body.stem(clips()))
    assert not found.passed_on


SIGNS = torch.tensor([1.0, -2.0, -0.5, 3.0])
OWN_NORMS: dict[str, Callable[[Tensor], Tensor]] = {
    "of groups": lambda maps: functional.group_norm(maps, 2, SIGNS),
    "of kernels": lambda maps: functional.layer_norm(maps.movedim(1, -1), (KERNELS,), SIGNS).movedim(-1, 1),
    "of places": lambda maps: functional.instance_norm(maps, weight=SIGNS),
    "of the batch": lambda maps: functional.batch_norm(maps, None, None, SIGNS, training=True),
}


@pytest.mark.parametrize("name", OWN_NORMS)
def test_a_negative_weight_of_a_norm_by_its_own_statistics_turns_a_kernel_round(name: str) -> None:
    body, found = target(lambda _, maps: OWN_NORMS[name](maps).relu())
    assert torch.allclose(found.maps(clips()), SIGNS.sign().view(-1, 1, 1, 1) * body.stem(clips()), atol=1e-5)
    body, found = target(lambda _, maps: (OWN_NORMS[name](maps) + maps).relu())
    assert torch.allclose(found.maps(clips()), body.stem(clips()), atol=1e-5), "a skip connection reads it too"


ORDERED: dict[str, Callable[[Tensor], Tensor]] = {
    "a product": lambda maps: (MIXED @ maps.flatten(2)).view_as(maps),
    "a sum over indices": lambda maps: torch.einsum("kc,ncthw->nkthw", MIXED, maps),
    "a linear layer": lambda maps: functional.linear(maps.movedim(1, -1), MIXED).movedim(-1, 1),
    "a convolution": lambda maps: functional.conv3d(maps, MIXED.view(KERNELS, KERNELS, 1, 1, 1)),
}


@pytest.mark.parametrize("name", ORDERED)
def test_norms_are_followed_through_matrices_that_put_kernels_in_another_order(name: str) -> None:
    body, found = target(lambda body, maps: body.norm(ORDERED[name](maps)).relu())
    back = [ORDER.index(kernel) for kernel in range(KERNELS)]
    assert torch.allclose(found.maps(clips()), wanted(body.norm, body.stem(clips())[:, ORDER])[:, back], atol=1e-4)
    assert found.passed_on
    _, found = target(lambda body, maps: body.norm((MIXED + 0.1) @ maps.flatten(2)).relu())
    assert found.gain is None


def rectified_by_a_mask(body: Body, maps: Tensor) -> Tensor:
    found = maps.clone()
    found[found < 0] = 0
    return body.norm(found)


def both_signs(body: Body, maps: Tensor) -> Tensor:
    return torch.cat([body.norm(maps), body.norm(-maps)], 1).relu()


def gated(body: Body, maps: Tensor) -> Tensor:
    """Return maps that are passed on by a ReLU, weighed by what a norm makes of their means."""
    return maps.relu() * body.norm(maps.mean((2, 3, 4), keepdim=True)).sigmoid()


def pooled_twice(body: Body, maps: Tensor) -> Tensor:
    both = [body.norm(functional.avg_pool3d(maps, 2)), -body.norm(functional.max_pool3d(maps, 2))]
    return torch.cat(both, 1).relu()


UNNORMED: dict[str, tuple[Callable[[Body, Tensor], Tensor], bool]] = {
    "an in-place ReLU in front of the norm": (lambda body, maps: body.norm(functional.relu(maps, inplace=True)), True),
    "an activation in place by method": (lambda body, maps: body.norm(maps.relu_()), True),
    "a ReLU in front of the norm": (lambda body, maps: body.norm(maps.relu()), True),
    "a swish that is spelt out": (lambda _, maps: maps * functional.relu6(maps + 3) / 6, False),
    "two norms": (read_twice, False),
    "norms of both signs": (both_signs, False),
    "a ReLU of the other sign": (lambda body, maps: torch.cat([body.norm(maps), -maps], 1).relu(), False),
    "a factor of both signs": (lambda body, maps: body.norm(maps * torch.linspace(-1, 2, SHAPE[2])).relu(), False),
    "a ReLU beside the norm": (lambda body, maps: torch.cat([maps.relu(), body.norm(maps).relu()], 1), False),
    "a ReLU that is written as a mask": (rectified_by_a_mask, False),
    "a mask of what is filled": (lambda body, maps: body.norm(maps.masked_fill(maps < 0, 0.0)), False),
    "a gate's norm of the means": (gated, False),
    "two pools, each with a norm": (pooled_twice, False),
    "the mean over kernels": (lambda body, maps: body.norm(maps.mean(1, keepdim=True).expand_as(maps)).relu(), False),
}


def target(way: Callable[[Body, Tensor], Tensor], norm: type[nn.Module] = nn.BatchNorm3d) -> tuple[Body, Preactivation]:
    body = Body(way, norm).eval().requires_grad_(False)
    return body, preactivation(as_network(body), "stem", SHAPE, 3)


def clips() -> Tensor:
    return torch.rand((2, 3, *SHAPE), generator=torch.Generator().manual_seed(1))


def wanted(norm: nn.Module, maps: Tensor, first: int = 0) -> Tensor:
    """Return the norm of maps by its own numbers."""
    weight, bias, mean, variance = (
        getattr(norm, name)[first : first + KERNELS].view(-1, 1, 1, 1)
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    return (maps - mean) / (variance + 1e-5).sqrt() * weight + bias


@pytest.mark.parametrize("name", NORMED)
def test_the_norm_that_reads_a_kernel_belongs_to_its_response(name: str) -> None:
    way, norm, passed_on = NORMED[name]
    body, found = target(way, norm)
    assert torch.allclose(found.maps(clips()), wanted(body.norm, body.stem(clips())), atol=1e-4)
    assert found.passed_on == passed_on


def shuffled_by_torch(maps: Tensor) -> Tensor:
    return functional.pixel_shuffle(maps.transpose(1, 2), 2).transpose(1, 2)


def shuffled_by_hand(maps: Tensor) -> Tensor:
    return maps.unflatten(1, (-1, 2, 2)).permute(0, 1, 4, 5, 2, 6, 3).flatten(5).flatten(3, 4)


@pytest.mark.parametrize("shuffled", [shuffled_by_torch, shuffled_by_hand])
def test_a_norm_reads_all_kernels_that_a_shuffle_of_pixels_puts_into_its_channel(
    shuffled: Callable[[Tensor], Tensor],
) -> None:
    """The four kernels are the phases of one channel, and its gain is that of all four."""
    numbers = ("running_mean", "running_var", "weight", "bias")
    body, found = target(
        lambda body, maps: functional.batch_norm(
            shuffled(maps), *(getattr(body.norm, name)[2:3] for name in numbers)
        ).relu()
    )
    maps = body.stem(clips())
    normed = [wanted(body.norm, maps[:, [place] * KERNELS])[:, 2] for place in range(KERNELS)]
    assert torch.allclose(found.maps(clips()), torch.stack(normed, 1), atol=1e-4)
    assert found.passed_on


def test_maps_over_which_a_norm_reads_the_sum_are_as_large_as_it() -> None:
    body, found = target(lambda body, maps: body.norm(maps.sum((2, 3, 4), keepdim=True)).relu())
    sums = body.stem(clips()).sum((2, 3, 4), keepdim=True)
    assert torch.allclose(found.maps(clips()).mean((2, 3, 4), keepdim=True), wanted(body.norm, sums), atol=1e-3)


@pytest.mark.parametrize("before", [False, True])
def test_what_a_hook_makes_of_a_layer_is_the_layers(before: bool) -> None:
    body = Body(lambda _, maps: maps.relu()).eval().requires_grad_(False)
    if before:
        body.stem.register_forward_pre_hook(lambda _, given: (1 - given[0],))
    else:
        body.stem.register_forward_hook(lambda _, __, maps: body.norm(maps))
    found, every = preactivation(as_network(body), "stem", SHAPE, 3), torch.tensor([3, 1])
    own = found.own_maps(clips(), every)
    assert torch.allclose(own, body.stem(clips())[[0, 1], every], atol=1e-5)


@pytest.mark.parametrize("name", UNNORMED)
def test_what_reads_something_else_does_not(name: str) -> None:
    way, passed_on = UNNORMED[name]
    body, found = target(way)
    assert found.gain is None
    assert torch.allclose(found.maps(clips()), body.stem(clips()), atol=1e-5)
    assert found.passed_on == passed_on


def shuffled_by_chunks(body: Body, maps: Tensor) -> Tensor:
    """Return the norm of kernels in another order, as a channel shuffle of two groups spelt out by chunks."""
    first, second = (half.split(1, 1) for half in maps.chunk(2, 1))
    return body.norm(torch.cat([first[0], second[0], first[1], second[1]], 1)).relu()


def beside_ones(_: Body, maps: Tensor) -> Tensor:
    return torch.cat([maps, maps.new_ones(len(maps), 2, *SHAPE)], 1).relu()


def test_kernels_in_another_order_are_still_what_the_next_layer_is_given() -> None:
    body, found = target(shuffled_by_chunks)
    order = [0, 2, 1, 3]
    assert torch.allclose(found.maps(clips()), wanted(body.norm, body.stem(clips())[:, order])[:, order], atol=1e-4)
    assert found.passed_on
    assert not target(beside_ones)[1].passed_on, "other maps lie beside it"
    assert not target(lambda body, maps: torch.cat([maps, body.norm.bias.view(1, -1, 1, 1, 1) - maps], 1).relu())[
        1
    ].passed_on, "both signs are passed on"


def by_index(body: Body, maps: Tensor) -> Tensor:
    """Return the norm of kernels in another order, its numbers picked by an index that is made anew."""
    own = (getattr(body.norm, name) for name in ("running_mean", "running_var", "weight", "bias"))
    index = torch.tensor(ORDER)
    return functional.batch_norm(maps[:, index], *(numbers[index] for numbers in own)).relu()


def by_counting(body: Body, maps: Tensor) -> Tensor:
    own = (getattr(body.norm, name) for name in ("running_mean", "running_var", "weight", "bias"))
    index = torch.arange(KERNELS - 1, -1, -1, device=maps.device)
    return functional.batch_norm(maps.flip(1), *(numbers[index] for numbers in own)).relu()


class FrameByFrame(Body):
    """The convolution is called for each frame, and what becomes of it is computed for each anew."""

    def forward(self, given: Tensor) -> Tensor:
        frames = [self.way(self, self.stem(frame[:, :, None])) for frame in given.unbind(2)]
        return torch.cat(frames, 2).flatten(2).mean(2)


@pytest.mark.parametrize("kind", [Body, FrameByFrame])
@pytest.mark.parametrize("way", [by_index, by_counting, by_formula])
def test_constants_are_followed_however_often_they_are_made(
    kind: type[Body], way: Callable[[Body, Tensor], Tensor]
) -> None:
    body = kind(way).eval().requires_grad_(False)
    found = preactivation(as_network(body), "stem", SHAPE, 3)
    maps = found.maps(clips()).reshape(2, KERNELS, *SHAPE)
    assert torch.allclose(maps, wanted(body.norm, body.stem(clips())), atol=1e-4)


@pytest.mark.parametrize("moved", [Tensor.to, lambda numbers, maps: numbers.to(maps.device)])
def test_numbers_that_a_pass_puts_where_its_maps_are_have_values(moved: Callable[[Tensor, Tensor], Tensor]) -> None:
    numbers = torch.tensor([-2.0, 1.0, 3.0, -1.0]).view(-1, 1, 1, 1)
    body, found = target(lambda _, maps: (maps * moved(torch.tensor(numbers.tolist()), maps)).relu())
    assert torch.allclose(found.maps(clips()), body.stem(clips()) * numbers, atol=1e-5)
    assert found.passed_on


def test_norms_are_followed_through_joined_maps_and_folded_frames() -> None:
    body, found = target(joined)
    assert torch.allclose(found.maps(clips()), wanted(body.wide, body.stem(clips()), first=2), atol=1e-4)
    assert not found.passed_on, "the next layer is given other maps beside it"
    body, found = target(apart)
    assert torch.allclose(found.maps(clips()), wanted(body.frames, body.stem(clips())), atol=1e-4)
    assert found.passed_on


@pytest.mark.parametrize(("norm", "best"), [(NormActivation, 0.0), (FrozenNorm, 0.0), (nn.Identity, 1.0)])
def test_a_negative_gain_shows_the_clip_that_raises_what_others_are_given(norm: type[nn.Module], best: float) -> None:
    body = Body(lambda body, maps: body.norm(maps).relu(), nn.Identity if norm is nn.Identity else norm)
    body = body.eval().requires_grad_(False)
    body.stem.weight.zero_()[:, 0] = 1.0
    body.stem.bias.zero_()
    found = maximize_activation(body, "stem", [1], clip_shape=SHAPE, steps=48, learning_rate=0.2)
    assert found.clips[0, 0].mean() == pytest.approx(best, abs=0.15)


def test_norms_are_followed_through_kernels_in_another_order_and_through_a_change_of_sign() -> None:
    body, found = target(lambda body, maps: body.norm(maps[:, ORDER]).relu())
    back = [ORDER.index(kernel) for kernel in range(KERNELS)]
    assert torch.allclose(found.maps(clips()), wanted(body.norm, body.stem(clips())[:, ORDER])[:, back], atol=1e-4)
    body, found = target(lambda _, maps: (-maps).relu())
    assert torch.allclose(found.maps(clips()), -body.stem(clips()), atol=1e-5)
    body, found = target(lambda _, maps: torch.cat([maps, -maps], 1).relu())
    assert torch.allclose(found.maps(clips()), body.stem(clips()), atol=1e-5), "both signs are passed on"


def test_constants_that_are_made_of_each_other_are_remembered_once() -> None:
    """As the states of a recurrent head are: spelt out, the way to each is three times as long as to the one before."""

    def way(body: Body, maps: Tensor) -> Tensor:
        gain = body.norm.weight
        for _ in range(60):
            gain = torch.tanh(gain + gain * gain)
        return functional.relu(maps * gain.view(1, -1, 1, 1, 1))

    body = Body(way).eval()
    gain = body.norm.weight.detach().double()
    for _ in range(60):
        gain = torch.tanh(gain + gain * gain)
    found = preactivation(as_network(body), "stem", SHAPE, 3)
    assert found.gain is not None
    assert torch.allclose(found.gain.double(), gain, rtol=1e-4)
