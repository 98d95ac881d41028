"""Quick pools compute what torch's own do, in the order in which the maps came."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from reportgen.networks.speed.pooling import pools_channels_last, quicken_pools

POOLS = [
    nn.MaxPool3d(3, 1, 1),
    nn.MaxPool3d((2, 1, 1)),
    nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1)),
    nn.MaxPool3d(2),
    nn.MaxPool3d(3, 2, 1),
]


@pytest.mark.parametrize("pool", POOLS, ids=str)
def test_values_and_gradients_are_those_of_the_pool_itself(pool: nn.Module) -> None:
    clip = torch.rand(2, 5, 6, 9, 8, generator=torch.Generator().manual_seed(0)).round(decimals=1)  # with ties
    quick = quicken_pools(copy.deepcopy(pool))
    found = []
    for module in (pool, quick):
        given = clip.clone().requires_grad_()
        output = module(given)
        (gradient,) = torch.autograd.grad((output * output).sum(), given)
        found.append((output, gradient))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert found[1][0].is_contiguous()


def test_a_pool_takes_a_clip_without_a_batch_as_well() -> None:
    clip = torch.rand(5, 4, 6, 6)
    assert torch.equal(quicken_pools(nn.MaxPool3d(2))(clip), nn.MaxPool3d(2)(clip))


def test_a_pool_that_returns_indices_is_left_alone() -> None:
    pool = quicken_pools(nn.Sequential(nn.MaxPool3d(2, return_indices=True)))[0]
    assert "forward" not in vars(pool)


@pytest.mark.parametrize("frames", [4, 5])
def test_pairs_of_frames_share_a_gradient_as_torch_shares_it(frames: int) -> None:
    pool, own = nn.MaxPool3d((2, 1, 1)), nn.Sequential(nn.MaxPool3d((2, 1, 1)))
    pools_channels_last(own)
    maps = torch.randint(0, 3, (2, 3, frames, 4, 4), generator=torch.Generator().manual_seed(0)).float()  # with ties
    maps.requires_grad_()
    wanted, found = pool(maps), own(maps)
    assert found.equal(wanted)
    slope = torch.rand(wanted.shape)
    back = [torch.autograd.grad(one, maps, slope)[0] for one in (found, wanted)]
    assert back[0].equal(back[1])


def test_a_pool_that_somebody_hooks_stays_as_it_is_in_a_copy() -> None:
    own = quicken_pools(nn.Sequential(nn.MaxPool3d(2), nn.MaxPool3d(2)))
    own[0].register_forward_hook(lambda _module, _args, output: output)
    pools_channels_last(own)
    assert "forward" not in vars(own[0])
    assert not own[1](torch.rand(1, 3, 4, 8, 8)).is_contiguous()


@pytest.mark.parametrize("pool", POOLS, ids=str)
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_a_pool_that_keeps_its_maps_channels_last_picks_the_same(pool: nn.MaxPool3d, kind: torch.dtype) -> None:
    maps = torch.randn(2, 5, 4, 8, 8, generator=torch.Generator().manual_seed(0)).to(kind).requires_grad_()
    wanted = nn.functional.max_pool3d(maps, pool.kernel_size, pool.stride, pool.padding)
    own = nn.Sequential(copy.deepcopy(pool))
    pools_channels_last(own)
    with torch.autocast("cpu", torch.bfloat16):
        found = own(maps)
    assert found.dtype == kind
    assert found.equal(wanted)
    back = [torch.autograd.grad(one.float().square().sum(), maps)[0] for one in (found, wanted)]
    assert back[0].equal(back[1])
