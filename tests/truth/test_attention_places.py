"""Where maps lie that attention pools, and where units stand that attend to a window beside a skip connection."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from test_map_places import brightest, centred, scores, spark
from torch import Tensor, nn
from torch.nn import functional

from reportgen.analyses.saliency.attribution import attribute
from reportgen.networks.core.network import as_network
from reportgen.networks.kernels.places import output_places


class Pooled(nn.Module):
    """Maps, and a convolution of them that says in some `way` what of them a head is given."""

    def __init__(self, way: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.stem, self.relu = nn.Conv3d(3, 4, 3, 2, 1, bias=False), nn.ReLU()
        self.ask, self.way = nn.Conv3d(4, 4, 1, bias=False), way

    def forward(self, clip: Tensor) -> Tensor:
        maps = self.relu(self.stem(clip))
        pooled = self.way(maps, self.ask(maps))
        return scores(pooled.flatten(1).mean(1))


def by_query(maps: Tensor, keys: Tensor) -> Tensor:
    """Return what a constant query finds among keys that are made of the maps themselves."""
    query = torch.full((len(maps), 1, keys.shape[1]), 0.1)
    return (query @ keys.flatten(2)).softmax(-1) @ maps.flatten(2).mT


def by_one_operation(maps: Tensor, keys: Tensor) -> Tensor:
    query = torch.full((len(maps), 1, keys.shape[1]), 0.1)
    return functional.scaled_dot_product_attention(query, keys.flatten(2).mT, maps.flatten(2).mT)


def by_clusters(maps: Tensor, asked: Tensor) -> Tensor:
    """Return what lies in each cluster, less its centre as often as there is something in it (NetVLAD)."""
    shares = asked.flatten(2).softmax(1)
    return shares @ maps.flatten(2).mT - 0.1 * shares.sum(2, keepdim=True)


def at_places(maps: Tensor, moved: Tensor) -> Tensor:
    """Return maps that are read at places which a convolution of them shifts, by nothing here."""
    still = functional.affine_grid(torch.eye(3, 4)[None], list(maps.shape), align_corners=False)
    return functional.grid_sample(maps, still + 0.0 * moved[:, :3].movedim(1, -1), align_corners=False)


WAYS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], str]] = {
    "a softmax over places": (lambda maps, asked: maps * asked.flatten(2).softmax(-1).view_as(asked), "relu"),
    "a gate at each place": (lambda maps, asked: maps + maps * asked.sigmoid(), "relu"),
    "a query": (by_query, "relu"),
    "a query in one operation": (by_one_operation, "relu"),
    "clusters": (by_clusters, "relu"),
    "places to read at": (at_places, "relu"),
    "a sum": (lambda maps, new: maps + new, "ask"),
    "values that the maps gate": (lambda maps, new: new * maps.sigmoid(), "ask"),
}


@pytest.mark.parametrize("name", WAYS)
def test_grad_cam_is_of_the_maps_that_are_pooled_and_not_of_their_weights(name: str) -> None:
    way, layer = WAYS[name]
    found = attribute(centred(Pooled(way)).eval(), spark((4, 16, 24)), 0, "grad_cam")
    assert found.layers == (layer,)
    assert brightest(found.heat[0]) == (4, 16, 24)


class Windows(nn.Module):
    """Patches that attend within windows of 3 along each row, shifted in a circle, beside a skip connection."""

    def __init__(self, shifts: tuple[int, ...], mask: Tensor | None, skip: bool = True) -> None:
        super().__init__()
        self.stem = nn.Conv3d(3, 2, (1, 4, 4), (1, 4, 4), bias=False)
        self.norm = nn.BatchNorm3d(2)
        self.shifts, self.mask, self.skip = shifts, mask, skip

    def forward(self, clip: Tensor) -> Tensor:
        maps = self.stem(clip)
        for shift in self.shifts:
            windows = maps.roll(-shift, 4).permute(0, 2, 3, 4, 1).unflatten(3, (-1, 3))
            mixed = functional.scaled_dot_product_attention(windows, windows, windows, attn_mask=self.mask)
            new = mixed.flatten(3, 4).permute(0, 4, 1, 2, 3).roll(shift, 4)
            maps = maps + new if self.skip else new
        return scores(torch.relu(self.norm(maps)).mean((1, 2, 3, 4)))


CAUSAL = torch.ones(3, 3, dtype=torch.bool).tril()


@pytest.mark.parametrize(("shifts", "mask"), [((0,), None), ((0, 1, 0, 1), None), ((0, 0), CAUSAL), ((1,), CAUSAL)])
def test_units_beside_attention_to_a_window_stand_at_their_own_patch(
    shifts: tuple[int, ...], mask: Tensor | None
) -> None:
    network = Windows(shifts, mask).eval()
    places = output_places(as_network(network), (1, 3, 4, 24, 24), ["norm"])["norm"]
    assert places is not None
    assert places.lines[2].centres.tolist() == [4 * patch + 1.5 for patch in range(6)]
    own = torch.rand((1, 3, 4, 24, 24), generator=torch.Generator().manual_seed(0)).requires_grad_()
    maps = network.norm.register_forward_hook(lambda _module, _args, output: setattr(network, "seen", output))
    network(own)
    maps.remove()
    (slope,) = torch.autograd.grad(network.seen[0, :, 0, 0, 4].sum(), own)
    assert int(slope.abs().sum((0, 1, 2, 3)).unflatten(0, (6, 4)).sum(1).argmax()) == 4


def test_places_of_units_that_see_windows_of_windows_are_not_known() -> None:
    """Some of them see all of the clip, and others do not."""
    network = as_network(Windows((0, 1), None, skip=False).eval())
    assert output_places(network, (1, 3, 4, 24, 24), ["norm"])["norm"] is None
