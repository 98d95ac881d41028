"""The published stage 1, re-implemented from its description (Li and Li 2025, arXiv 2505.07387; methods, section 1).

One kernel at a time: pixels drawn from N(0, 0.01^2) at 16x128x128, decorrelated colours, a sigmoid, one random shift
and scale per step, ImageNet statistics for every network, trilinear resize to 32x224x224, the whole network forward
and back with gradients for its weights too, and 1500 steps of Adam at 0.05 on the mean of the channel's map.
"""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.machine import clock
from reportgen.analyses.kernels.parametrization import colour_matrix
from reportgen.networks.core.call import to_call
from reportgen.networks.core.network import Network
from reportgen.networks.core.taps import Taps, replaced
from reportgen.networks.speed.folding import folded_stems
from reportgen.networks.speed.layout import channels_last, channels_last_pays

STEPS = 1500
PIXELS = (16, 128, 128)
SEEN = (32, 224, 224)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_JITTER, _SCALE = 8, (0.95, 1.05)


_LOOKS = 16


@dataclass(frozen=True)
class Published:
    """The pixels `1 3 T H W` before the first step and after each, float16; the seconds of each step."""

    pixels: tuple[Tensor, ...]
    seconds: tuple[float, ...]
    shown_at: tuple[int, int, int]

    @property
    def looked_at(self) -> tuple[int, ...]:
        """Return the numbers of steps after which to look, some sixteen, the last among them."""
        taken = len(self.seconds)
        return tuple(sorted({-(-taken * look // _LOOKS) for look in range(1, _LOOKS + 1)}))

    def seen(self, steps: int) -> Tensor:
        """Return what the network was shown after so many steps, `1 3 T H W`, without shift and scale."""
        pixels = self.pixels[steps].float()
        clip = torch.sigmoid((colour_matrix(3) @ pixels.flatten(2)).reshape(pixels.shape))
        return functional.interpolate(clip, self.shown_at, mode="trilinear", align_corners=False)


def published_loop(
    network: Network,
    layer: str,
    kernel: int,
    *,
    steps: int = STEPS,
    seed: int = 0,
    shortened: bool = False,
    budget: float = math.inf,
) -> Published:
    """Return the course of the published procedure over `steps` steps, or `budget` seconds where that is sooner.

    `shortened` is for what it reaches, not for how long it takes. It leaves out what the clip does not depend on, the
    layers behind the target, the target's other kernels and the gradients of weights, and takes an eighth of the
    canvas: the objective is a mean over positions, and Adam's steps do not depend on its scale, so that every part of
    a canvas develops alike.
    """
    part = 2 if shortened else 1
    canvas, seen_at = (tuple(side // part for side in sizes) for sizes in (PIXELS, SEEN))
    generator = torch.Generator().manual_seed(seed)
    device = network.device
    pixels = (0.01 * torch.randn(1, 3, *canvas, generator=generator)).to(device).requires_grad_()
    optimiser = torch.optim.Adam([pixels], lr=0.05)
    colours = colour_matrix(3).to(device)
    mean, std = (torch.tensor(values, device=device).view(1, 3, 1, 1, 1) for values in (_MEAN, _STD))
    parameters = list(network.module.parameters())
    seconds: list[float] = []
    course = [pixels.detach().half().cpu()]
    network.module.requires_grad_(not shortened)
    with ExitStack() as stack:
        stack.callback(_freeze, network)
        if shortened:
            kernel = _alone(stack, network, layer, kernel)
        while len(seconds) < steps and sum(seconds) < budget:
            began = clock(device)
            clip = torch.sigmoid((colours @ pixels.flatten(2)).reshape(pixels.shape))
            seen = functional.interpolate(_one_sided(clip, generator), seen_at, mode="trilinear", align_corners=False)
            maps = _layer_output(network, (seen - mean) / std, layer, shortened=shortened)
            optimiser.zero_grad()
            for parameter in parameters:
                parameter.grad = None
            (-maps[:, kernel].mean()).backward()
            optimiser.step()
            seconds.append(clock(device) - began)
            course.append(pixels.detach().half().cpu())
    return Published(tuple(course), tuple(seconds), (seen_at[0], seen_at[1], seen_at[2]))


def native_part(seen: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Return a clip of `shape` (T, H, W) cut from what the network was shown, which is tiled where it is smaller."""
    tiles = [-(-size // given) for size, given in zip(shape, seen.shape[2:], strict=True)]
    tiled = seen.repeat(1, 1, *tiles)
    frames, height, width = shape
    return tiled[:, :, :frames, :height, :width]


def _alone(stack: ExitStack, network: Network, layer: str, kernel: int) -> int:
    """Let the layer compute this one kernel, and other layers the same maps faster; return its new index."""
    name = network.layer_name(layer)
    target = network.module.get_submodule(name)
    if not isinstance(target, nn.Conv3d) or target.groups != 1:
        return kernel
    if channels_last_pays(network):
        stack.enter_context(channels_last(network))
    geometry: dict[str, Any] = {
        part: getattr(target, part) for part in ("kernel_size", "stride", "padding", "dilation")
    }
    single = nn.Conv3d(target.in_channels, 1, bias=False, **geometry).requires_grad_(False)
    single.weight.copy_(target.weight[kernel : kernel + 1])
    stack.enter_context(replaced(network.module, name, single.to(network.device)))
    stack.enter_context(folded_stems(network))
    return 0


def _freeze(network: Network) -> None:
    network.module.requires_grad_(False)
    for parameter in network.module.parameters():
        parameter.grad = None


def _one_sided(clip: Tensor, generator: torch.Generator) -> Tensor:
    """Return the clip scaled about its corner and shifted one way, filled with black."""
    low, high = _SCALE
    scale = low + (high - low) * float(torch.rand((), generator=generator))
    frames, height, width = clip.shape[2:]
    scaled = functional.interpolate(
        clip, (frames, round(height * scale), round(width * scale)), mode="trilinear", align_corners=False
    )
    down, right = torch.randint(0, _JITTER + 1, (2,), generator=generator).tolist()
    shifted = functional.pad(scaled, (right, 0, down, 0))[..., :height, :width]
    return functional.pad(shifted, (0, width - shifted.shape[-1], 0, height - shifted.shape[-2]))


def _layer_output(network: Network, argument: Tensor, layer: str, *, shortened: bool) -> Tensor:
    """Return the layer's output in a forward pass through the whole network, or up to the layer if `shortened`."""
    name = network.layer_name(layer)
    with Taps(network.module, [name], stop_at=name if shortened else None) as taps:
        try:
            to_call(argument, network.adapter).of(network.module)
        except Exception:
            # A classifier made for the native size refuses this one; the published code goes as far as it can, too.
            if not taps.all[name]:
                raise
        return taps[name]
