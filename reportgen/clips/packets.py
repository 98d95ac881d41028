"""What a video's packets tell before any is decoded: when each frame is shown, and from where the file is damaged."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import pairwise
from statistics import median
from typing import Any, NamedTuple

from reportgen.clips.opening import errors_logged

_STREAMED = ("mpegts", "mpeg")
"""Forms without an index that say nothing of a packet that is lost; their frames come at a fixed rate."""

_WITHOUT_ZEROS = ("vp8", "libvpx", "vp9", "libvpx-vp9")
"""Codecs of which any bits can be decoded, and whose own never hold as many zeros as a part that was not written."""

_UNWRITTEN = bytes(64)
"""Some ten times the longest run of zeros in packets of black, still, moving and noisy clips."""

_GAP = 1.5
"""Steps between two frames of a fixed rate: from here on one is missing."""


class Damage(NamedTuple):
    """Where a file is damaged: the first frame that is not to be trusted, as they are shown, and what tells of it."""

    first: int
    reason: str


class _Found(NamedTuple):
    """The first packet after the damage: its stamp, None behind the last one, and how many lie before it."""

    stamp: int | None
    before: int
    reason: str


class PacketScan(NamedTuple):
    """The presentation times of all frames, ascending (None when packets do not tell them), and the first damage."""

    stamps: list[int] | None
    damage: Damage | None
    headless: bool
    """Whether the file begins with frames that no decoder shows, before its first key frame."""


def watched(items: Iterable[Any], faults: list[str]) -> Iterator[Any]:
    """Yield what FFmpeg yields, and add what it says of errors on the way to `faults`, before each item."""
    iterator = iter(items)
    while True:
        with errors_logged() as logs:
            item = next(iterator, None)
        faults.extend(" ".join(text.split()) for _, _, text in logs)
        if item is None:
            return
        yield item


def scanned(container: Any, stream: Any) -> PacketScan:
    """Read all packets of a stream, without decoding any."""
    stamps: list[int] = []
    streamed = any(form in _STREAMED for form in container.format.name.split(","))
    told, headless = True, False
    first_key: int | None = None
    found: _Found | None = None
    faults: list[str] = []
    for packet in watched(container.demux(stream), faults):
        broken = faults[0] if faults else "a packet is marked as corrupt" if packet.is_corrupt and stamps else None
        if broken is None and stream.codec_context.name in _WITHOUT_ZEROS and _UNWRITTEN in bytes(packet):
            broken = "a part of it is zeros, as if it had not been written"
        if broken is not None and found is None:
            found = _Found(packet.pts, len(stamps), broken)
        if packet.size == 0 or packet.is_discard or _is_hidden(packet, stream):
            continue
        if streamed and packet.is_keyframe and first_key is None:
            # A recording may begin with frames whose references were sent before it: no decoder shows them.
            first_key, headless = packet.pts, bool(stamps)
            stamps.clear()
        told = told and packet.pts is not None
        stamps.append(packet.pts if packet.pts is not None else len(stamps))
    if found is None and faults:
        found = _Found(None, len(stamps) - 1, faults[0])
    stamps = sorted(stamp for stamp in stamps if not told or first_key is None or stamp >= first_key)
    told = told and len(set(stamps)) == len(stamps)
    damage = _first(found, stamps if told else None) or _missing(container, stream, stamps)
    return PacketScan(stamps if told else None, damage, headless)


def _first(found: _Found | None, stamps: list[int] | None) -> Damage | None:
    if found is None:
        return None
    if stamps is not None and found.stamp is not None:
        return Damage(bisect_left(stamps, found.stamp), found.reason)
    return Damage(found.before, found.reason)  # in the order of the file, as the frames are counted then too


def _missing(container: Any, stream: Any, stamps: list[int]) -> Damage | None:
    """Return the damage of packets that are not there: a gap at a fixed rate, or fewer of them than the file says."""
    forms = container.format.name.split(",")
    if any(form in _STREAMED for form in forms) and len(stamps) > 3:
        steps = [after - before for before, after in pairwise(stamps)]
        usual = median(steps)
        gap = next((index for index, step in enumerate(steps) if step > _GAP * usual), None)
        if gap is not None and usual > 0:  # files that were joined may have every time twice
            return Damage(gap + 1, f"{steps[gap] / usual - 1:.0f} frames are missing there")
    if "avi" in forms and 0 < len(stamps) < stream.frames:
        return Damage(0, f"{stream.frames - len(stamps)} of {stream.frames} frames are missing")
    return None


def _is_hidden(packet: Any, stream: Any) -> bool:
    """Return whether a packet holds a frame that is only referred to: VP8 sends these by themselves (RFC 6386, 9.1)."""
    return stream.codec_context.name in ("vp8", "libvpx") and not memoryview(packet)[0] & 0x10
