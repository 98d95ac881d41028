"""What of a result is seen: clips, maps over their clips, motion in colours, kernels' maps side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from reportgen.analyses.decomposition.decompose import Decomposition
from reportgen.analyses.faithfulness.evaluation import Probes
from reportgen.analyses.kernels.maximize import Maximization
from reportgen.analyses.kernels.maximum import Maximum
from reportgen.analyses.multiscale.maximize import GrownPicture, MultiscaleMaximization
from reportgen.analyses.responses.maps import ResponseMaps
from reportgen.analyses.saliency.attribution import Attribution
from reportgen.clips import Clip
from reportgen.media.colours import magma
from reportgen.media.encode import Frames, to_uint8
from reportgen.media.overlays import coloured_heat, coloured_motion, heat_over_clip
from reportgen.result import ShownResult, as_array
from reportgen.showing.coloured import full_colour, strong

_GAP, _GREY = 2, 128
_MOST_MAPS = 64


@dataclass(frozen=True)
class ShownPicture:
    """One picture of a result: `count` frames T H W 3 uint8, 1 where it stands still; `wide` holds many."""

    title: str
    count: int
    make: Callable[[], Frames]
    wide: bool = False

    @property
    def frames(self) -> Frames:
        """The frames, made when they are asked for: of many pictures only some are shown."""
        return self.make()


@singledispatch
def pictures_of(result: ShownResult) -> list[ShownPicture]:  # noqa: ARG001
    """Return the pictures of a result; none where it has figures alone."""
    return []


@pictures_of.register
def _clip(result: Clip) -> list[ShownPicture]:
    return [_moving(result.title or result.name, result.pixels[0])]


@pictures_of.register
def _maximum(result: Maximum) -> list[ShownPicture]:
    return [_moving(f"kernel {result.kernel}: activation {result.activation:.3g}", result.clip)]


@pictures_of.register
def _maximization(result: Maximization) -> list[ShownPicture]:
    told = zip(result.kernels, result.activations.tolist(), result.clips, strict=True)
    return [_moving(f"kernel {kernel}: activation {value:.3g}", clip) for kernel, value, clip in told]


@pictures_of.register
def _grown(result: GrownPicture) -> list[ShownPicture]:
    return [_moving(f"kernel {result.kernel}: activation {result.native_activation:.3g}", result.clip)]


@pictures_of.register
def _multiscale(result: MultiscaleMaximization) -> list[ShownPicture]:
    return [shown for picture in result.pictures for shown in _grown(picture)]


@pictures_of.register
def _decomposition(result: Decomposition) -> list[ShownPicture]:
    found = []
    for place, clip in enumerate(result.reconstruction):
        motion, evidence = result.motion[place].numpy(), result.evidence[place].numpy() > 0
        scale = full_colour(motion, evidence)
        name = f"clip {place}: " if len(result.reconstruction) > 1 else ""
        found += [
            _moving(f"{name}texture", result.texture[place][:, None]),
            ShownPicture(
                f"{name}motion, full colour at {scale:.2g} px/frame",
                len(motion),
                partial(coloured_motion, motion, evidence, scale),
            ),
            _moving(f"{name}texture moved, {float(result.psnr[place]):.1f} dB", clip),
        ]
    return found


@pictures_of.register
def _attribution(result: Attribution) -> list[ShownPicture]:
    found = []
    for place, heat in enumerate(result.heat.numpy()):
        scale = strong(heat)
        name = f"clip {place}: " if len(result.heat) > 1 else ""
        title = f"{name}{result.method} of class {result.class_index}"
        clip = None if result.clip is None else result.clip[place]
        if clip is None:
            colours = partial(coloured_heat, heat, scale, signed=result.signed)
            found.append(ShownPicture(title, len(heat), colours))
            continue
        volume = clip if clip.ndim == 4 else clip[:, None]
        found += [
            _moving(f"{name}clip", volume),
            ShownPicture(title, len(heat), partial(_overlaid, heat, volume, scale, signed=result.signed)),
        ]
    return found


@pictures_of.register
def _probes(result: Probes) -> list[ShownPicture]:
    return [_moving("clip", result.clip[0]), _moving("baseline", result.baseline[0])]


@pictures_of.register
def _responses(result: ResponseMaps) -> list[ShownPicture]:
    maps = result.maps[:_MOST_MAPS]
    low, high = float(maps.min()), float(maps.max())
    title = f"{result.layer}: {len(maps)} of {len(result.maps)} kernels, {low:.3g} to {high:.3g}"
    coloured = magma((maps - low) / ((high - low) or 1.0))
    tiles = [ShownPicture("", len(own), partial(np.asarray, own)) for own in coloured]
    return [ShownPicture(title, maps.shape[1], partial(in_tiles, tiles), wide=True)]


def _overlaid(heat: NDArray[Any], clip: Any, scale: float, *, signed: bool) -> Frames:
    return heat_over_clip(heat, _frames(clip), scale, signed=signed)


def _moving(title: str, clip: Any) -> ShownPicture:
    return ShownPicture(title, clip.shape[1], partial(_frames, clip))


def _frames(clip: Any) -> Frames:
    """Return a clip `C T H W` as frames; other channels than one or three as their mean, other values spread over 0..1.

    A clip in [0, 1] is shown as it is.
    """
    values = as_array(clip)
    assert values is not None
    frames = values.transpose(1, 2, 3, 0).astype(np.float32)
    if frames.shape[-1] not in (1, 3):
        frames = frames.mean(-1, keepdims=True)
    low, high = float(frames.min()), float(frames.max())
    if low < -1e-3 or high > 1 + 1e-3:
        frames = (frames - low) / ((high - low) or 1.0)
    return to_uint8(frames)


def in_tiles(pictures: Sequence[ShownPicture], columns: int | None = None) -> Frames:
    """Return pictures side by side as one, `T H W 3`, each as large as the largest and as long as the longest."""
    columns = columns or math.ceil(math.sqrt(len(pictures)))
    each = [one.frames for one in pictures]
    frames, height, width = (max(one.shape[axis] for one in each) for axis in range(3))
    rows = math.ceil(len(each) / columns)
    shape = (frames, rows * (height + _GAP) - _GAP, columns * (width + _GAP) - _GAP, 3)
    whole: NDArray[np.uint8] = np.full(shape, _GREY, np.uint8)
    for place, own in enumerate(each):
        top, left = (place // columns) * (height + _GAP), (place % columns) * (width + _GAP)
        large = frames_resized(own, height, width)
        whole[:, top : top + height, left : left + width] = large[np.minimum(np.arange(frames), len(own) - 1)]
    return whole


def frames_resized(frames: Frames, height: int, width: int) -> Frames:
    """Return frames `T H W 3` of another size."""
    if frames.shape[1:3] == (height, width):
        return frames
    return np.stack(
        [np.asarray(Image.fromarray(one).resize((width, height), Image.Resampling.BILINEAR)) for one in frames]
    )
