"""What reaches a network's first weights, and whether the colours and frames of a clip arrive there apart.

A network takes many a wrong input without complaint: `reshape(-1, 3, H, W)` turns frames before channels and
channels before frames into pictures alike. So one colour, or one frame, is changed at a time, and it is looked up
which channels of the first weighted operation's input change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from reportgen.networks.core.observing import Observer

#: Where the input stands among the arguments of the operations that have weights.
_WEIGHTED: Mapping[str, int] = {"convolution": 0, "addmm": 1, "mm": 0, "bmm": 0, "baddbmm": 1}
#: Weighted operations that may run, on constants such as positions, before the first one that sees the clip.
_MOST = 16


@dataclass(frozen=True)
class Arrival:
    """The input of the first weighted operation that depends on the clip.

    `axis` is where its channels (a convolution's) or features (a product's) lie; `wanted` is how many the weights
    take; `dims` is 1 to 3 for a convolution over so many axes, 0 for a product; `place` is the operation's number
    among the weighted ones of a pass.
    """

    values: Tensor
    axis: int
    wanted: int
    dims: int
    place: int = 0


class _Stop(Exception):  # noqa: N818 (a signal, not an error)
    """Raised where the operation that was looked for is reached."""


class _Watch(Observer):
    """Keeps the input of weighted operation number `place`, and ends the pass there."""

    def __init__(self, place: int) -> None:
        super().__init__()
        self.place = place
        self.arrival: Arrival | None = None
        self._seen = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Execute the operation, unless it is the one that was looked for."""
        name = func.overloadpacket.__name__
        if name in _WEIGHTED:
            if self._seen == self.place:
                self.arrival = replace(_arrival(name, args), place=self.place)
                raise _Stop
            self._seen += 1
        return func(*args, **(kwargs or {}))


def _arrival(name: str, args: Sequence[Any]) -> Arrival:
    given, weight = args[_WEIGHTED[name]], args[_WEIGHTED[name] + 1]
    if name != "convolution":
        return Arrival(given.detach().clone(), given.ndim - 1, int(weight.shape[-2]), 0)
    transposed, groups = args[6], args[8]
    wanted = int(weight.shape[0]) if transposed else int(weight.shape[1]) * groups
    return Arrival(given.detach().clone(), 1, wanted, weight.ndim - 2)


ForwardPass = Callable[[Tensor], object]
"""Runs a network on clips `N C T H W`."""


def first_arrival(run: ForwardPass, clips: Tensor, *, place: int = 0) -> Arrival | None:
    """Return what weighted operation number `place` of a pass is given; None when there are not so many.

    Works on the meta device, and whatever the number of channels: the operation itself is not executed.
    """
    watch = _Watch(place)
    with torch.no_grad(), suppress(_Stop), watch:
        run(clips)
    return watch.arrival


Reading = Literal["apart", "mixed", "unseen"]


def colours_and_frames(run: ForwardPass, clips: Tensor) -> tuple[Reading, Arrival | None]:
    """Return whether each colour and each frame of `clips` arrives at channels, or places, of its own.

    "apart" is what a right pairing of clip and network looks like: each colour has channels of its own, and a frame
    changes the channels of every colour. "mixed": a colour changes channels that another one changes too, or none.
    "unseen": no weighted operation depends on the clip, or only through something that is no rearrangement of it.
    """
    for place in range(_MOST):
        before = first_arrival(run, clips, place=place)
        if before is None:
            return "unseen", None
        colours = _touched(run, clips, before, axis=1)
        if colours is not None and any(colours):
            return _judged(run, clips, before, colours), before
    return "unseen", None


def scale_and_offset(run: ForwardPass, shape: Sequence[int], arrival: Arrival) -> tuple[float, float]:
    """Return how pixels arrive: the largest gain of a channel from black to white, and the largest value of black.

    (1, 0) is a network that takes pixels as they are. `shape` is the clips' `N C T H W`.
    """
    device = arrival.values.device
    black = first_arrival(run, torch.zeros(*shape, device=device), place=arrival.place)
    white = first_arrival(run, torch.ones(*shape, device=device), place=arrival.place)
    if black is None or white is None or black.values.shape != white.values.shape:
        return 1.0, 0.0
    low, high = (_per_channel(one) for one in (black, white))
    gains = high - low
    return float(gains[gains.abs().argmax()]), float(low[low.abs().argmax()])


def _per_channel(arrival: Arrival) -> Tensor:
    """Return the median of each channel: what a border is padded with does not count."""
    return arrival.values.float().movedim(arrival.axis, 0).flatten(1).median(1).values


def _judged(run: ForwardPass, clips: Tensor, before: Arrival, colours: list[frozenset[int]]) -> Reading:
    frames = _touched(run, clips, before, axis=2)
    if frames is None:
        return "unseen"
    if not all(colours) or not _disjoint(colours):
        return "mixed"
    return "apart" if all(seen & colour for seen in frames if seen for colour in colours) else "mixed"


def _touched(run: ForwardPass, clips: Tensor, before: Arrival, *, axis: int) -> list[frozenset[int]] | None:
    """Return the channels that change with each index along an axis of the clips (the first and last of frames)."""
    size = clips.shape[axis]
    found = []
    for index in range(size) if axis == 1 else sorted({0, size - 1}):
        changed = clips.clone()
        changed.select(axis, index).copy_(clips.select(axis, index).flip(-1, -2).mul(0.7).add(0.2 * clips.amax()))
        after = first_arrival(run, changed, place=before.place)
        if after is None or after.values.shape != before.values.shape:
            return None
        differs = (after.values.float() - before.values.float()).abs().movedim(before.axis, 0).flatten(1).amax(1)
        found.append(frozenset(torch.nonzero(differs > 1e-6).flatten().tolist()))
    return found


def _disjoint(sets: Sequence[frozenset[int]]) -> bool:
    return sum(map(len, sets)) == len(frozenset().union(*sets))
