"""Which frames of a source make the clip."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from reportgen.clips.source import Source
from reportgen.errors import ClipError
from reportgen.records.card import ClipSpec
from reportgen.wording import option

Range = tuple[int | None, int | None]


@dataclass(frozen=True)
class Sample:
    """The source frames of a clip, in order (a repeat where the source has fewer frames/s than the card asks for)."""

    indices: tuple[int, ...]
    frame_rate: float | None
    first_frame: int
    frame_step: int


def sample_frames(source: Source, spec: ClipSpec, *, frames: Range | None, frame_step: int | None) -> Sample:
    """Return the frames to take from `source`: `spec.frames` of them, every `frame_step`-th, in the range `frames`.

    They begin at the range's first frame when it is given, and are centred otherwise; one frame is the middle one.
    A card with a frame rate has the source resampled to it first: at each instant, the frame that is then shown.
    Raises ClipError when there are too few, saying how many there are and how many are needed.
    """
    step = spec.frame_step if frame_step is None else frame_step
    if step < 1:
        raise ClipError(f"The frame step must be at least 1, not {step}.")
    first, stop = _checked_range(source, frames)
    candidates, rate = _candidates(source, spec.frame_rate)
    inside = [index for index in candidates if first <= index < stop]
    span = (spec.frames - 1) * step + 1
    if len(inside) < span:
        at = f" at {rate:g} frames/s" if spec.frame_rate is not None and rate else ""
        where = f"the range {_printed(frames)} of {source.file_name}" if frames else source.file_name
        raise ClipError(_too_short(f"{where}{at}", spec.frames, step, len(inside), ranged=frames is not None))
    begins = frames is not None and frames[0] is not None
    start = 0 if begins else (len(inside) - span) // 2
    taken = tuple(inside[start : start + span : step])
    return Sample(taken, rate, first_frame=taken[0], frame_step=step)


def repeated_frame(spec: ClipSpec) -> Sample:
    """Return a source's only frame as often as the clip has frames: nothing moves in it."""
    return Sample((0,) * spec.frames, None, first_frame=0, frame_step=1)


def _checked_range(source: Source, frames: Range | None) -> tuple[int, int]:
    first, stop = frames or (None, None)
    begin = 0 if first is None else first
    end = source.count if stop is None else stop
    if begin < 0 or end < 0:
        raise ClipError(f"The frame range {_printed(frames)} counts from the end: give frame numbers from 0 up.")
    if begin >= source.count:
        raise ClipError(
            f"{source.file_name} has {source.count} frames (0 to {source.count - 1}), "
            f"so nothing is in the range {_printed(frames)}: give an earlier one."
        )
    if end <= begin:
        raise ClipError(f"The frame range {_printed(frames)} is empty: its end must lie after its beginning.")
    return begin, min(end, source.count)


def _candidates(source: Source, frame_rate: float | None) -> tuple[Sequence[int], float | None]:
    """Return the source's frames in order, at `frame_rate` where that is asked for and the source has times."""
    times = source.times() if frame_rate is not None else None
    if frame_rate is None or times is None:
        return range(source.count), source.frame_rate
    last = times[-1] + (1 / source.frame_rate if source.frame_rate else 0.0)
    instants = max(1, round(last * frame_rate))
    # Half of a millisecond covers the rounding of times in containers that count in ms.
    return [max(0, bisect_right(times, k / frame_rate + 5e-4) - 1) for k in range(instants)], frame_rate


def _too_short(where: str, wanted: int, step: int, available: int, *, ranged: bool) -> str:
    span = (wanted - 1) * step + 1
    need = f"{span} ({wanted} frames, {step} apart)" if step > 1 else f"{span}"
    fits = (available - 1) // (wanted - 1) if wanted > 1 else 1
    if fits >= 1:
        less = " or less" if fits > 1 else ""
        advice = f"use a frame step of {fits}{less} ({option('--clip-spec', {'frame_step': fits})})"
    else:
        fewer = option("--clip-spec", {"frames": available, "frame_step": 1})
        longer = f"range by {option('--frames')}" if ranged else "clip"
        advice = f"give a longer {longer}, or, if the network takes fewer frames, {fewer}"
    there_are = "There is 1 frame" if available == 1 else f"There are {available} frames"
    return f"{there_are} in {where}, but {need} are needed: {advice}."


def _printed(frames: Range | None) -> str:
    first, stop = frames or (None, None)
    return f"{'' if first is None else first}:{'' if stop is None else stop}"
