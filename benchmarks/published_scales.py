"""The VGG-16 article's loop, re-implemented from its description (methods, section 6).

One filter at a time: noise of 150 to 180 / 255 at 56 px, the whole network with a hook on the layer, 20 steps of Adam
at 0.1 with weight decay 1e-6 on the mean of the filter's map, pixels normalised by ImageNet's statistics and not
bounded, then 1.2 times the size, bicubic, and a blur of 5 px; twelve sizes; cut off at black and white at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.machine import seconds_spent

SIDES = (56, 67, 80, 96, 115, 138, 165, 198, 237, 284, 340, 408)
STEPS = 20
_BLUR = 5
_MEAN, _STD = (torch.tensor(v).view(1, 3, 1, 1) for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


@dataclass(frozen=True)
class PublishedGrowth:
    """The last picture `1 3 H W` in [0, 1], and the seconds of each step at each size."""

    picture: Tensor
    seconds: tuple[tuple[float, ...], ...]

    def seconds_of(self, steps: int) -> float:
        """Return the seconds of a filter with so many steps at each size, each as quick as the quickest one taken."""
        return sum(steps * min(own) for own in self.seconds)


def published_growth(
    module: nn.Module, layer: str, filter_index: int, *, steps: int = STEPS, seed: int = 0
) -> PublishedGrowth:
    """Return the picture that the loop ends with, by `steps` steps at each size."""
    kept: list[Tensor] = []
    handle = module.get_submodule(layer).register_forward_hook(lambda _module, _args, output: kept.append(output))
    device = next(module.parameters()).device
    mean, std = _MEAN.to(device), _STD.to(device)
    noise = torch.randint(150, 180, (1, 3, SIDES[0], SIDES[0]), generator=torch.Generator().manual_seed(seed))
    picture, seconds = (noise / 255).to(device), []
    try:
        for place, side in enumerate(SIDES):
            if place:
                picture = functional.interpolate(picture, (side, side), mode="bicubic", align_corners=False)
                padded = functional.pad(picture, (_BLUR // 2,) * 4, mode="reflect")
                picture = functional.avg_pool2d(padded, _BLUR, stride=1)
            pixels = ((picture - mean) / std).requires_grad_()
            optimiser = torch.optim.Adam([pixels], lr=0.1, weight_decay=1e-6)
            own = []
            for _ in range(steps):
                began = seconds_spent(device)
                kept.clear()
                optimiser.zero_grad()
                module(pixels)
                (-kept[0][0, filter_index].mean()).backward()
                optimiser.step()
                own.append(seconds_spent(device) - began)
            seconds.append(tuple(own))
            picture = pixels.detach() * std + mean
    finally:
        handle.remove()
    return PublishedGrowth(picture.clamp(0, 1), tuple(seconds))
