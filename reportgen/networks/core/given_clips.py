"""The one way in for clips: whatever a caller of the Python functions has, as the network takes it.

What is one clip's or many clips', in which order of axes, in which numbers and in which range is checked here and
nowhere else; whatever is in doubt is refused with the likely cause, for a network answers anything.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from reportgen.clips import Clip
from reportgen.errors import ClipError, NetworkError, a_type, speaking
from reportgen.networks.core.arrival import colours_and_frames
from reportgen.networks.core.network import Network
from reportgen.networks.core.passes import REFUSALS
from reportgen.networks.core.said import say_once
from reportgen.wording import CALLS

ClipLike: TypeAlias = Tensor | NDArray[Any] | Clip | str | Path
"""A clip, or several of one size: a tensor or array, a `Clip`, or the path of a video, animation or folder."""

Clips: TypeAlias = ClipLike | Sequence[ClipLike]
"""One clip or more, in one piece or in a list."""

ROUNDING = 1e-3
"""A quarter of a grey level beyond [0, 1] is rounding."""

_BYTES = 255
_NOT_FINITE = "The clip holds NaN or infinity: check where it comes from."
_NO_PIXELS = "A clip holds floats in [0, 1] or uint8, and this one holds {}: convert it."


def given_clips(network: Network | None, clips: Clips, *, colours: Sequence[int] = (1, 3)) -> Tensor:
    """Return clips in any form as `N C T H W` in [0, 1] RGB, on the network's device and in its precision.

    `clips` is a tensor or array, a `Clip`, a path, or a list of them, all of one size. The axes may be `N C T H W`,
    `N T C H W` or `N T H W C`, or those of one clip without `N`; the axis of colours is the one that has as many as the
    network takes. Of five axes, `N C T H W` comes first; of four, more than one reading is refused. uint8 is divided by
    255, which is said once, on the logger `reportgen`. A bare module takes any finite values and any axes, as they are;
    only what has four axes becomes a batch of one where its first convolution is 3D. Without a network the clips stay
    where they are, in float32, with as many channels as `colours` says.

    Raises ClipError for everything else: another type, values that are not finite, beyond [0, 1] (0 to 255, or
    normalised already), an order of axes that is in doubt or other than a bare module's, clips of several sizes in one
    list, none at all.
    """
    if isinstance(clips, list | tuple):
        if not clips:
            raise ClipError("There is no clip in the list: give one or more.")
        parts = [given_clips(network, one, colours=colours) for one in clips]
        sizes = list(dict.fromkeys(tuple(part.shape[1:]) for part in parts))
        if len(sizes) > 1:
            raise ClipError(f"The clips of one call must be of one size, and these are of {sizes[0]} and {sizes[1]}.")
        return torch.cat(parts)
    values = _floats(_values(network, clips))
    if network is None or network.card is not None:
        _check_range(values)
    elif not values.isfinite().all():
        raise ClipError(_NOT_FINITE)
    return _in_order(_placed(values, network), network, colours)


def given_clip(network: Network | None, clip: Clips) -> Tensor:
    """Return one clip as `given_clips` does, `1 C T H W`; raises ClipError for several too."""
    found = given_clips(network, clip)
    if len(found) != 1:
        raise ClipError(f"Give one clip a call, 1 C T H W, and not {len(found)}: pass them one by one.")
    return found


def _values(network: Network | None, clip: Any) -> Tensor:
    """Return the numbers of one clip, whatever it is given as."""
    if isinstance(clip, str | os.PathLike):
        if network is None or network.spec is None:
            raise ClipError(
                f"How {Path(clip).name} is to be sampled is not known without a network's card: give "
                "`reportgen.read_clip(path, spec)`."
            )
        from reportgen.clips import read_clip

        with speaking(CALLS):
            clip = read_clip(Path(clip) if not isinstance(clip, str) else clip, network.spec)
    if isinstance(clip, Clip):
        clip = clip.pixels
    if isinstance(clip, np.ndarray):
        if isinstance(clip, np.ma.MaskedArray) and np.ma.is_masked(clip):
            raise ClipError("The clip has masked values, which no network can see: fill them first.")
        if clip.dtype.kind not in "fui" or clip.dtype.itemsize > 8:
            raise ClipError(_NO_PIXELS.format(clip.dtype))
        clip = torch.from_numpy(np.array(clip, clip.dtype.newbyteorder("="), order="C"))
    if not isinstance(clip, Tensor):
        raise ClipError(f"A clip is a tensor, a NumPy array, a Clip, a path or a list of them, and not {a_type(clip)}.")
    dense: Tensor = clip if clip.layout is torch.strided else clip.to_dense()
    return dense.clone() if dense.is_inference() else dense.detach()


def _floats(values: Tensor) -> Tensor:
    """Return the values as floats, uint8 as shares of 255; raises ClipError for what is not one of both, or empty."""
    if 0 in values.shape or values.is_meta:
        raise ClipError(f"The clip of shape {tuple(values.shape)} holds no values: give N C T H W with one at least.")
    if values.dtype == torch.uint8:
        say_once("Clips of uint8 are divided by 255, so that black is 0 and white is 1.")
        return values.float() / _BYTES
    if not values.is_floating_point():
        raise ClipError(_NO_PIXELS.format(str(values.dtype).removeprefix("torch.")))
    return values


def _placed(values: Tensor, network: Network | None) -> Tensor:
    """Return the values where the network is, in its precision; one in half precision is computed in float32."""
    if network is None:
        return values.float()
    weights = next((one for one in network.module.parameters() if one.is_floating_point()), None)
    if weights is None:
        return values.to(network.device)
    if weights.is_meta:
        raise NetworkError(f"{network.name} has no weights in memory: load it without meta=True.")
    return values.to(weights.device, torch.float64 if weights.dtype == torch.float64 else torch.float32)


def _check_range(values: Tensor) -> None:
    """Raise ClipError for values that are not finite or beyond [0, 1]."""
    least, most = (float(one) for one in torch.aminmax(values))
    if not (np.isfinite(least) and np.isfinite(most)):
        raise ClipError(_NOT_FINITE)
    if least >= -ROUNDING and most <= 1 + ROUNDING:
        return
    held = f"The clip holds values from {least:.3g} to {most:.3g}, and not in [0, 1]"
    if least < -ROUNDING:
        raise ClipError(f"{held}: it looks normalised already; undo the mean and standard deviation first.")
    if most <= _BYTES + 1:
        raise ClipError(f"{held}: it looks like grey levels from 0 to 255; divide by 255.")
    raise ClipError(f"{held}: scale it so that black is 0 and white is 1.")


def _in_order(values: Tensor, network: Network | None, colours: Sequence[int]) -> Tensor:
    """Return the values as `N C T H W`, by the axis that has as many entries as there are colours."""
    if network is not None and network.card is None:
        first = next((m for m in network.module.modules() if isinstance(m, nn.Conv2d | nn.Conv3d)), None)
        if first is not None and values.ndim == 5:
            _require_colours_first(values, network, first.in_channels)
        if not isinstance(first, nn.Conv3d) or values.ndim != 4:
            return values
        colours = (first.in_channels,)
    elif network is not None and network.spec is not None:
        colours = (network.spec.channels,)
    wanted = f"N {'C' if len(colours) > 1 else colours[0]} T H W"
    if values.ndim not in (4, 5):
        raise ClipError(f"Clips have the axes {wanted}, and these have the shape {tuple(values.shape)}.")
    start = values.ndim - 4
    fits = [axis for axis in (0, 1, 3) if values.shape[start + axis] in colours]
    if start == 1 and fits[:1] == [0] and 3 not in fits:
        fits = [0]
    if fits == [0, 1] and values.shape[:2] == (1, 1):
        fits = [0]  # one channel, one frame: both readings are the same
    if network is None and start and not fits:
        return values  # no network says how many channels there are
    if len(fits) != 1:
        reason = "could be read in more than one way" if fits else "have no axis of colours"
        raise ClipError(f"Clips of the shape {tuple(values.shape)} {reason}: give {wanted}.")
    ordered = values.movedim(start + fits[0], start)
    return ordered if start else ordered[None]


def _require_colours_first(values: Tensor, network: Network, wanted: int) -> None:
    """Raise ClipError for clips of a bare module that arrive at its first weights as `N T C H W`.

    It would answer them, and frames be told as colours: in sums over colours, in frozen frames, in maps.
    """
    if values.shape[1] == wanted or values.shape[2] != wanted:
        return
    try:
        given, _ = colours_and_frames(network.run, values[:1])
        turned, _ = colours_and_frames(lambda clips: network.run(clips.transpose(1, 2)), values[:1].transpose(1, 2))
    except REFUSALS:  # whatever asks it next says why
        return
    if turned == "apart" and given != "apart":
        raise ClipError(
            f"{network.name} takes clips of shape {tuple(values.shape)} as N T C H W, where frames would be told as "
            "colours: load_network(network, adapter={'layout': 'N T C H W'}) tells them apart."
        )
