"""The pixels that grow: the noise that they begin as, their enlargement and their blur."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from reportgen.analyses.multiscale.schedule import ClipShape

_NOISE = (150, 180)


def noise_clip(channels: int, shape: ClipShape, generator: torch.Generator) -> Tensor:
    """Return the published noise `C T H W` in [0, 1]: 8-bit pixels, uniform from 150 to 179."""
    return torch.randint(*_NOISE, (channels, *shape), generator=generator).double() / 255


def enlarged(clips: Tensor, shape: Sequence[int], blur: int = 0) -> Tensor:
    """Return clips `N C T H W` at another `shape` (T, H, W): frames bicubic, linear in time, then box-blurred.

    `blur` is the side of the box in px, odd; 0 is none.
    """
    count, _, frames = clips.shape[:3]
    if tuple(clips.shape[-2:]) != tuple(shape[1:]):
        stills = clips.transpose(1, 2).flatten(0, 1)
        stills = functional.interpolate(stills, tuple(shape[1:]), mode="bicubic", align_corners=False)
        clips = stills.unflatten(0, (count, frames)).transpose(1, 2)  # type: ignore[no-untyped-call, unused-ignore]
    if frames != shape[0]:
        clips = functional.interpolate(clips, tuple(shape), mode="trilinear", align_corners=False)
    return box_blurred(clips, blur) if blur > 1 else clips


def box_blurred(clips: Tensor, side: int) -> Tensor:
    """Return clips `N C T H W`, each pixel the mean of the `side` by `side` px around it in its frame.

    What the box lacks beyond the border is mirrored.
    """
    stills, edge = clips.flatten(1, 2), side // 2
    mode = "reflect" if edge < min(stills.shape[-2:]) else "replicate"
    blurred = functional.avg_pool2d(functional.pad(stills, (edge,) * 4, mode=mode), side, stride=1)
    return blurred.reshape(clips.shape)
