"""From a path to the frames that a network is shown."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray

from reportgen.clips.animation import AnimationSource
from reportgen.clips.clip import Clip
from reportgen.clips.containers import check_complete
from reportgen.clips.database import DatabaseSource, find_database, is_database
from reportgen.clips.folder import FolderSource
from reportgen.clips.framing import fit
from reportgen.clips.sampling import repeated_frame, sample_frames
from reportgen.clips.source import MAX_FILE, Source
from reportgen.clips.video import VideoSource
from reportgen.errors import ClipError, OptionError, a_type, printable, speaking
from reportgen.given import given_path
from reportgen.pictures import is_picture
from reportgen.records.card import ClipSpec
from reportgen.records.identities import slug
from reportgen.wording import READING
from reportgen.zoo.overrides import merged

SELECTOR = "::"
_ADDRESS = "file://"
_STREAMS = frozenset({".mjpeg", ".mjpg"})
"""Pictures one behind the other without a container: they begin as one picture does, and only their name tells."""


@speaking(READING)
def read_clip(
    path: str | os.PathLike[str],
    spec: ClipSpec | Mapping[str, Any],
    *,
    frames: tuple[int | None, int | None] | None = None,
    frame_step: int | None = None,
    still: bool = False,
) -> Clip:
    """Return the clip at `path`, sampled, resized and cropped as `spec` says.

    `path` is a video, an animation (gif, webp), an image, a folder of images, or an SQLite file of frames (or the
    folder that holds one); where a file of frames holds several videos, `frames.db::name` says which, and where a
    folder holds several series of images, `folder::img_*.jpg`. `frames` is the range [first, stop) of the source's
    frames to take the clip from: it begins at `first` when that is given and is centred otherwise. `frame_step`
    overrides the card's. `spec` may be a plain dict with `frames`, `height` and `width` at least. With `still` a
    picture will do for a clip of several frames: it is shown in all of them.

    Only the frames that are kept are ever in memory. Raises ClipError, in one sentence that says what to do, for
    everything that is wrong with the path, the file or the range, and OptionError for a dict that is no such card.
    """
    spec = _as_spec(spec)
    if spec.channels not in (1, 3):
        raise ClipError(
            f"The network takes clips of {spec.channels} channels, and files give three (RGB): use another network."
        )
    source = open_source(path if isinstance(path, str) else given_path(path))
    if still and source.count == 1:
        sample = repeated_frame(spec)
    else:
        sample = sample_frames(source, spec, frames=frames, frame_step=frame_step)
    pixels = _read_frames(source, sample.indices, spec)
    return Clip(
        name=slug(source.title),
        pixels=np.ascontiguousarray(pixels.transpose(3, 0, 1, 2)[None]).astype(np.float32) / np.float32(255),
        title=printable(source.title.replace("_", " ").strip() or source.title),
        source=printable(source.file_name),
        frame_rate=sample.frame_rate,
        first_frame=sample.first_frame,
        frame_step=sample.frame_step,
    )


def _as_spec(given: ClipSpec | Mapping[str, Any]) -> ClipSpec:
    """Return the card's part for clips; normalisation, which reading does not need, may be left out of a dict."""
    if isinstance(given, ClipSpec):
        return given
    if not isinstance(given, Mapping):
        raise OptionError(f"A clip is read by a ClipSpec or a dict of its fields, and not by {a_type(given)}.")
    channels = given.get("channels", 3)
    count = channels if channels in (1, 3) else 3
    return merged(ClipSpec, {"mean": (0.0,) * count, "std": (1.0,) * count}, given, "--clip-spec")


def open_source(path: str | Path) -> Source:
    """Return the source of frames at `path`, recognised by its content; raises ClipError when there is none."""
    place, video = _split_selector(path)
    try:
        if place.is_dir():
            database = find_database(place)
            return DatabaseSource(database, video) if database else FolderSource(place, video)
        if not place.exists():
            raise ClipError(f"There is no clip at {place}: check the path.")
        if not place.is_file():
            raise ClipError(f"{place} is neither a file nor a folder: name a video, an image or a folder of images.")
        size = place.stat().st_size
        if size == 0:
            raise ClipError(f"{place.name} is empty (0 bytes): copy or download it again.")
        if size > MAX_FILE:
            raise ClipError(f"{place.name} has {size >> 30:,} GiB, and a clip at most {MAX_FILE >> 30}: cut it first.")
        if is_database(place):
            return DatabaseSource(place, video)
        check_complete(_no_selector(place, video))
        pictures = is_picture(place) and place.suffix.lower() not in _STREAMS
        return AnimationSource(place) if pictures else VideoSource(place)
    except PermissionError as error:
        raise ClipError(f"There is no permission to read {place}: change it, or name another clip.") from error
    except OSError as error:
        raise ClipError(f"Cannot read {place}: {error.strerror or error}.") from error


def _split_selector(path: str | Path) -> tuple[Path, str | None]:
    text = str(path)
    if not text.strip():
        raise ClipError("The clip's path is empty: name a video, an image or a folder of images.")
    if text.startswith(_ADDRESS) and not Path(text).exists():
        text = os.fsdecode(unquote_to_bytes(text.removeprefix(_ADDRESS)))
    if SELECTOR in text and not Path(text).exists():
        place, _, video = text.rpartition(SELECTOR)
        return Path(place), video
    return Path(text), None


def _no_selector(place: Path, video: str | None) -> Path:
    if video is not None:
        raise ClipError(f"{place.name} is not a file of several videos: leave out '{SELECTOR}{video}'.")
    return place


def _read_frames(source: Source, indices: Sequence[int], spec: ClipSpec) -> NDArray[np.uint8]:
    """Return the frames of `indices` (ascending, repeats allowed) as T H W C uint8, fitted one by one."""
    wanted = sorted(set(indices))
    fitted: dict[int, NDArray[np.uint8]] = {}
    for index, frame in zip(wanted, source.read(wanted), strict=True):
        fitted[index] = fit(frame, spec, source.file_name)
    return np.stack([fitted[index] for index in indices])
