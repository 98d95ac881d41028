"""The sizes through which a kernel's picture grows; needs no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from reportgen.errors import NetworkError

FIRST_SIZE, GROWTH, SIZES = 56, 1.2, 12
"""The published schedule: 12 sizes, the first of 56 px, each the integer part of 1.2 times the last."""

MOST_SIZES = 64

PUBLISHED_CLIP = 224
"""Side of the clip, in px, of the network that the schedule was published for."""

ClipShape = tuple[int, int, int]
TakesClips = Callable[[ClipShape], bool]
"""Whether a network can be run up to the layer on clips of a shape (T, H, W)."""


@dataclass(frozen=True)
class ScaleSchedule:
    """Shapes (T, H, W) from the first to the last; `notes` say what they are otherwise than asked for."""

    shapes: tuple[ClipShape, ...]
    notes: tuple[str, ...] = ()


def scale_sizes(start: int = FIRST_SIZE, growth: float = GROWTH, count: int = SIZES) -> tuple[int, ...]:
    """Return `count` sizes in px, each the integer part of `growth` times the last, and larger by 1 px at least."""
    found = [start]
    exact = Decimal(str(growth))  # 1.15 times 20 is 23, and not 22.999...
    while len(found) < count:
        found.append(max(int(exact * found[-1]), found[-1] + 1))
    return tuple(found)


def sizes_for(
    native: ClipShape, growth: float = GROWTH, start: int | None = None, count: int | None = None
) -> tuple[int, ...]:
    """Return the sizes in px for a network with clips of `native` shape; None leaves the choice to the clip.

    The first is the published one, or a quarter of the clip's shorter side where that is less, as the published one
    is. There are the published 12 for still pictures; for clips, which grow in time as well, and for what is smaller
    than the published pictures as many as reach the network's own size.
    """
    side = min(native[1:])
    first = start if start is not None else max(1, min(FIRST_SIZE, side // 4))
    if count is not None or (native[0] == 1 and side >= PUBLISHED_CLIP):
        return scale_sizes(first, growth, SIZES if count is None else count)
    found = scale_sizes(first, growth, 1)
    while found[-1] < side:
        found = scale_sizes(first, growth, len(found) + 1)
    return found


def sizes_within_work(native: ClipShape, wanted: Sequence[int], steps: int, work_of_step: float, most: float) -> int:
    """Return how many of the sizes fit into `most` work, at least one; a step on a native clip is `work_of_step`.

    The work of a step is that of its pixels, times their frames.
    """
    spent, volume = 0.0, math.prod(native)
    for place, size in enumerate(wanted):
        spent += steps * work_of_step * math.prod(scaled_shape(native, size)) / volume
        if spent > most:
            return max(place, 1)
    return len(wanted)


def scaled_shape(native: ClipShape, size: int) -> ClipShape:
    """Return the native shape with a shorter side of `size` px, and as many times longer or shorter in time.

    What moves keeps its speed in px/frame so. A still picture stays one frame.
    """
    frames, height, width = native
    side = min(height, width)
    long = max(size, round(size * max(height, width) / side))
    longer = max(1, round(frames * size / side)) if frames > 1 else 1
    return (longer, long, size) if height > width else (longer, size, long)


def reachable_schedule(native: ClipShape, wanted: Sequence[int], takes: TakesClips, layer: str) -> ScaleSchedule:
    """Return the shapes of the sizes that the network can be run on up to the layer.

    Where the first ones are too small, it begins with the least that is not; where the network takes no other number
    of frames than its own, the frames stay. Raises NetworkError when it takes none of the sizes and not its own clip.
    """
    found = list(_taken(native, wanted, takes))
    if not found:
        if not takes(native):
            raise NetworkError(f"{layer} cannot be reached on a clip of {native} (T, H, W): choose another clip_shape.")
        return ScaleSchedule((native,), ("Grown at the network's own size alone: it takes no clips of another.",))
    notes = []
    first = found[0][0]
    if first > wanted[0]:
        below = max(size for size in wanted if size < first)
        first, shape = _least(native, below, found[0], takes)
        found = [(first, shape), *(one for one in found if one[0] > first)]
        notes.append(f"Begins at {first} px, not at {wanted[0]}: the layer cannot be reached on less.")
    missing = [size for size in wanted if size > first and size not in dict(found)]
    if missing:
        notes.append(f"Without {_listed(missing)} px, which the network does not take.")
    if native[0] > 1 and any(shape[0] == native[0] != scaled_shape(native, size)[0] for size, shape in found):
        notes.append(f"Frames stay {native[0]} where the network takes no other number.")
    return ScaleSchedule(tuple(shape for _, shape in found), tuple(notes))


def _taken(native: ClipShape, wanted: Sequence[int], takes: TakesClips) -> Iterator[tuple[int, ClipShape]]:
    """Yield the sizes that the network takes, each with its shape; time never shrinks from one to the next."""
    frames = 1
    for size in wanted:
        shape = _shape(native, size, frames, takes)
        if shape is not None:
            frames = shape[0]
            yield size, shape


def _shape(native: ClipShape, size: int, frames: int, takes: TakesClips) -> ClipShape | None:
    longer, height, width = scaled_shape(native, size)
    choices = dict.fromkeys([(max(longer, frames), height, width), (native[0], height, width)])
    return next((shape for shape in choices if takes(shape)), None)


def _least(native: ClipShape, below: int, found: tuple[int, ClipShape], takes: TakesClips) -> tuple[int, ClipShape]:
    """Return the least size above `below`, which is too small, that the network takes, up to the `found` one."""
    size, shape = found
    while size - below > 1:
        middle = (size + below) // 2
        candidate = _shape(native, middle, 1, takes)
        if candidate is None or candidate[0] > shape[0]:
            below = middle
        else:
            size, shape = middle, candidate
    return size, shape


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
