"""Video files through PyAV (FFmpeg): counted without decoding, then only the frames that are kept are decoded.

Decoders hide damage: they leave lost packets out, and fill in what they cannot read. What the container, its time
stamps, the decoder or a checksum tell of it is listened for, and such frames are not shown.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import av

from reportgen.clips.opening import opened_video
from reportgen.clips.packets import PacketScan, scanned, watched
from reportgen.clips.shown import shown
from reportgen.clips.source import Frame, check_dimensions
from reportgen.errors import ClipError
from reportgen.wording import option

_COVER = av.stream.Disposition.attached_pic | av.stream.Disposition.timed_thumbnails
"""Still pictures that decorate a sound file, or stand for its chapters."""

_TOLD = 0.02
"""Share by which the rate that a file states may be off its frames' own times; these are rounded to ms by some."""


class VideoSource:
    """The frames of a video's main moving-picture stream, in the order and as they are shown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file_name = path.name
        self.title = path.stem
        with self._opened() as (container, stream):
            context = stream.codec_context
            check_dimensions(path.name, context.width, context.height)
            self._aspect = float(stream.sample_aspect_ratio or 1)
            rate = stream.average_rate or stream.guessed_rate
            stated = float(rate) if rate else None
            self._time_base = float(stream.time_base) if stream.time_base else None
            self._scan: PacketScan = scanned(container, stream)
        self._stamps = self._scan.stamps
        self.count = len(self._stamps) if self._stamps is not None else self._decoded_count()
        if not self.count:
            raise ClipError(f"{path.name} holds no frames: copy or export it again.")
        self.frame_rate = self._rate(stated)

    def _rate(self, stated: float | None) -> float | None:
        """Return the frames/s: those that the file states, unless the times of its frames tell others."""
        if self._stamps is None or self._time_base is None or self.count < 2:
            return stated
        seconds = (self._stamps[-1] - self._stamps[0]) * self._time_base
        told = (self.count - 1) / seconds
        return stated if stated and abs(told / stated - 1) < _TOLD else told

    def times(self) -> Sequence[float] | None:
        """Return when each frame is shown, in s from the first one; None when the file says nothing of time."""
        if self._stamps is not None and self._time_base is not None:
            return [(stamp - self._stamps[0]) * self._time_base for stamp in self._stamps]
        return [index / self.frame_rate for index in range(self.count)] if self.frame_rate else None

    def read(self, indices: Sequence[int]) -> Iterator[Frame]:
        """Yield the frames of `indices`; raises ClipError when the video is damaged up to there or ends before."""
        damage = self._scan.damage
        if damage is not None and damage.first <= indices[-1]:
            raise self._damaged(damage.first, damage.reason)
        done = 0
        if self._stamps is not None:
            for frame in self._read_by_stamp(self._stamps, indices):
                yield frame
                done += 1
        if done < len(indices):
            yield from self._read_by_count(indices[done:])

    def _read_by_stamp(self, stamps: list[int], indices: Sequence[int]) -> Iterator[Frame]:
        """Yield the frames from a seek to the first of them, and end early where stamps and decoded frames disagree.

        Every frame between the first and the last must come with the stamp that its packet had: a container whose
        seek is inexact, or whose packets are not one frame each, is then read from its start instead.
        """
        wanted = set(indices)
        expected = indices[0]
        with self._opened() as (container, stream), suppress(av.FFmpegError):
            container.seek(stamps[expected], stream=stream, backward=True)
            faults: list[str] = []
            for frame in watched(container.decode(stream), faults):
                if frame.pts is None or faults:
                    return
                index = bisect_left(stamps, frame.pts)
                if index < expected:
                    continue
                if index != expected or stamps[index] != frame.pts or frame.is_corrupt:
                    return
                if index in wanted:
                    yield shown(frame, self._aspect, self.file_name)
                if index == indices[-1]:
                    return
                expected += 1

    def _read_by_count(self, indices: Sequence[int]) -> Iterator[Frame]:
        wanted = set(indices)
        with self._opened() as (container, stream):
            number = -1
            faults: list[str] = []
            for number, frame in enumerate(watched(container.decode(stream), faults)):
                if number == 0 and self._scan.headless:
                    faults.clear()  # about the frames that are not shown
                if faults:
                    raise self._damaged(number, faults[0])
                if number in wanted:
                    if frame.is_corrupt:
                        raise self._damaged(number, "the decoder says so")
                    yield shown(frame, self._aspect, self.file_name)
                if number == indices[-1]:
                    return
        raise ClipError(
            f"{self.file_name} ends after {number + 1} frames, before frame {indices[-1]} that it should have: "
            "it is damaged; copy or export it again."
        )

    def _damaged(self, frame: int, reason: str) -> ClipError:
        return ClipError(
            f"{self.file_name} is damaged about frame {frame} ({reason}): copy or export it again"
            + (f", or name earlier frames by {option('--frames', [0, frame])}." if frame else ".")
        )

    def _decoded_count(self) -> int:
        with self._opened() as (container, stream):
            return sum(1 for _ in container.decode(stream))

    @contextmanager
    def _opened(self) -> Iterator[tuple[Any, Any]]:
        try:
            with opened_video(self._path) as container:
                stream = _main_stream(container)
                if stream is None:
                    raise ClipError(f"{self.file_name} has no video stream: name a file that has moving pictures.")
                if stream.codec_context is None:
                    raise ClipError(f"{self.file_name} has a video codec that is not known: convert it to H.264 mp4.")
                stream.codec_context.thread_count = 1  # only what is decoded in this thread can be listened to
                yield container, stream
        except av.FFmpegError as error:
            reason = (error.strerror or type(error).__name__).rstrip(".")
            raise ClipError(
                f"{self.file_name} cannot be decoded ({reason}): it is damaged or no video; "
                "name a video, an image or a folder of images."
            ) from error


def _main_stream(container: Any) -> Any | None:
    """Return the stream that players show: the first that is marked as default, or else the first; covers are none."""
    streams = [s for s in container.streams.video if not s.disposition & _COVER]
    return next((s for s in streams if s.disposition & av.stream.Disposition.default), streams[0] if streams else None)
