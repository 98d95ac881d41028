"""Recurrence over frames: weights that are applied again to what they made of the frames before.

What a unit of a convolutional LSTM sees of a frame grows with the number of frames, so that it is no receptive field of
the network; and of the frames it sees all that came before, however many there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from reportgen.networks.trace.bounds import Bounds
from reportgen.networks.trace.call import TracedCall
from reportgen.networks.trace.constants import memory_of
from reportgen.networks.trace.seen import AXES, Seen


@dataclass(frozen=True, eq=False)
class _Use:
    """What the last use of a weight saw: the first and the last frame, and how many px along H and W.

    The weight is held: its memory tells it from others only while it lives.
    """

    weight: Tensor
    frames: tuple[float, float]
    sizes: tuple[float, ...]


class Recurrence:
    """Remembers what each weight was applied to in a pass."""

    def __init__(self) -> None:
        self._uses: dict[tuple[int, int], _Use] = {}

    def followed(self, call: TracedCall[Seen], found: Seen) -> Seen:
        """Return what the output of a convolution or product sees, told that the use before it is part of its input.

        It is where the frames grow by new ones at one end from use to use, each of which sees single places in time.
        """
        weights = [one for one in call.tensors() if one.ndim > 1 and call.of(one).sourceless]
        frames = found.placed("t")
        if len(weights) != 1 or frames is None or any(map(frames.varies, range(len(frames.shape)))):
            return found
        weight, (first, last) = weights[0], frames.cells.ravel().tolist()
        places = [found.placed(axis) for axis in AXES[2:]]
        key = (memory_of(weight), int(weight.storage_offset()))
        now = _Use(weight, (first, last), tuple(0.0 if one is None else one.extent for one in places))
        before, self._uses[key] = self._uses.get(key), now
        if before is None or not _grown(before.frames, now.frames):
            return found
        grown = [size > earlier for size, earlier in zip(now.sizes, before.sizes, strict=True)]
        beside = (
            (),
            (_everywhere(frames),),
            *((one.unknown(one.shape),) if one and more else () for one, more in zip(places, grown, strict=True)),
        )
        return Seen.union([found, Seen(beside, found.shape)], found.shape)


def _grown(before: tuple[float, float], now: tuple[float, float]) -> bool:
    return (now[0] == before[0] and now[1] > before[1]) or (now[1] == before[1] and now[0] < before[0])


def _everywhere(frames: Bounds) -> Bounds:
    return frames.constant(float("-inf"), float("inf"), frames.shape)
