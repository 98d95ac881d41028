"""Known answers for multi-scale filters: the published sizes, planted waves, and kernels that grow side by side."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from reportgen import maximize_over_scales
from reportgen.analyses.multiscale.schedule import scale_sizes
from reportgen.networks.core.network import Network
from reportgen.networks.kernels.preactivation import preactivation
from reportgen.records.card import Adapter, ClipSpec, ModelCard

ANGLES = (0.3, 1.7)
"""Of the planted waves to the vertical, one for each kernel."""


def test_the_published_schedule_has_twelve_sizes_of_which_the_last_is_408_px() -> None:
    assert scale_sizes() == (56, 67, 80, 96, 115, 138, 165, 198, 237, 284, 340, 408)


def wave(angle: float, shape: tuple[int, int, int], period: float, speed: float = 0.0, by: float = 0.0) -> Tensor:
    """Return a wave T H W about 0 that moves across its crests by `speed` px/frame, `by` px ahead."""
    t, y, x = torch.meshgrid(*(torch.arange(size, dtype=torch.float64) for size in shape), indexing="ij")
    return torch.cos(2 * math.pi * (x * math.cos(angle) + y * math.sin(angle) - speed * t - by) / period)


def wave_network(period: int, frames: int, side: int, speed: float = 0.0) -> Network:
    """Return a network whose kernel k of layer 2 sums four rectified Gabors of a wave at ANGLES[k]."""
    still = frames == 1
    convolution = nn.Conv2d if still else nn.Conv3d
    depth, size = min(frames, 3), period + 1
    y, x = torch.meshgrid(*(torch.arange(size) - period / 2,) * 2, indexing="ij")
    envelope = torch.exp(-(x**2 + y**2) / (2 * (period / 4) ** 2))
    phases = [period * quarter / 4 for quarter in range(4)]
    gabors = torch.stack([wave(a, (depth, size, size), period, speed, by) * envelope for a in ANGLES for by in phases])
    gabors = gabors - gabors.mean((1, 2, 3), keepdim=True)
    first = convolution(3, len(gabors), gabors.shape[2 if still else 1 :], bias=False)
    weight = gabors.unsqueeze(1).expand(-1, 3, -1, -1, -1).clone()
    first.weight.data = weight.squeeze(2) if still else weight
    summed = convolution(len(gabors), len(ANGLES), 1, bias=False)
    summed.weight.data = torch.eye(len(ANGLES)).repeat_interleave(4, 1).reshape(summed.weight.shape)
    spec = ClipSpec(frames=frames, height=side, width=side, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.25))
    card = ModelCard(name="waves", title="Waves", clip=spec, adapter=Adapter(input="frame" if still else "clip"))
    return Network(nn.Sequential(first, nn.ReLU(), summed).double().eval().requires_grad_(False), card)


def best_grating(network: Network, kernel: int, period: int, speed: float = 0.0) -> float:
    """Return the kernel's mean response to the best of all gratings in black and white about the planted wave."""
    assert network.card is not None
    shape = network.card.clip.shape[1:]
    target = preactivation(network, "2", shape, 3)
    gratings = [
        (1 + wave(ANGLES[kernel], shape, period * stretched, speed * stretched, by).sign()) / 2
        for stretched in (0.8, 0.9, 1.0, 1.1, 1.2)
        for by in range(0, period, max(1, period // 8))
    ]
    responses = [target.maps(grating.expand(1, 3, *shape))[0, kernel].mean() for grating in gratings]
    return float(max(responses))


@pytest.mark.slow
def test_a_planted_grating_is_reached() -> None:
    network = wave_network(32, frames=1, side=64)
    found = maximize_over_scales(network, "2", [0, 1], start=16, sizes=10)
    assert found.clips.shape == (2, 3, 1, 74, 74)
    for kernel in (0, 1):
        assert float(found.activations[kernel]) >= 0.95 * best_grating(network, kernel, 32)


@pytest.mark.parametrize("period", [pytest.param(one, marks=pytest.mark.long) for one in (4, 5, 6, 8, 12)])
def test_a_fine_grating_is_no_patchwork(period: int) -> None:
    network = wave_network(period, frames=1, side=64)
    # Of one size less the last has 62 px: enlarged to the network's 64, a fine grating is blurred.
    found = maximize_over_scales(network, "2", [0, 1], start=16, sizes=10)
    for kernel in (0, 1):
        assert float(found.activations[kernel]) >= 0.95 * best_grating(network, kernel, period)


@pytest.mark.long
def test_a_planted_drifting_wave_is_reached_with_its_direction() -> None:
    network = wave_network(16, frames=8, side=32, speed=2.0)
    found = maximize_over_scales(network, "2", [0, 1], start=17, sizes=5)
    shapes = found.pictures[0].shapes
    assert [shape[0] for shape in shapes] == sorted(shape[0] for shape in shapes)
    assert shapes[0][0] < shapes[-1][0]
    backwards = found.native_clips.flip(2)
    target = preactivation(network, "2", (8, 32, 32), 3)
    for kernel in (0, 1):
        best = best_grating(network, kernel, 16, 2.0)
        assert float(found.activations[kernel]) >= 0.9 * best
        assert float(target.maps(backwards.double())[kernel, kernel].mean()) < 0.5 * best


def test_the_centre_unit_of_a_planted_kernel_ends_in_its_sign() -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 2, 9, bias=False).double().requires_grad_(False)
    spec = ClipSpec(frames=1, height=32, width=32, mean=(0.0,) * 3, std=(1.0,) * 3)
    card = ModelCard(name="one", title="One layer", clip=spec, adapter=Adapter(input="frame"))
    found = maximize_over_scales(
        Network(nn.Sequential(layer), card), "0", [0, 1], objective="neuron", start=16, sizes=3
    )
    best = layer.weight.clamp_min(0).flatten(1).sum(1)
    reached = torch.tensor([one.activations[-1] for one in found.pictures])
    assert reached == pytest.approx(best.float(), rel=1e-6)


@pytest.mark.parametrize("objective", ["channel", "firing", "neuron"])
def test_kernels_that_grow_together_are_what_each_is_alone(objective: str) -> None:
    network = wave_network(6, frames=1, side=24)
    options = {"objective": objective, "start": 10, "sizes": 4, "blur": 3}
    together = maximize_over_scales(network, "2", [1, 0], batch_size=2, **options)
    for kernel in (0, 1):
        alone = maximize_over_scales(network, "2", [kernel], batch_size=1, **options)
        assert torch.allclose(together.clips[1 - kernel], alone.clips[0], atol=1e-6)
        assert float(together.activations[1 - kernel]) == pytest.approx(float(alone.activations[0]), rel=1e-9)
