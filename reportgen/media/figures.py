"""Each kind of figure into its files."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.media.arrays import npz_bytes
from reportgen.media.encode import (
    FINE_QUALITY,
    FINE_SPEED,
    MOTION_QUALITY,
    PREVIEW_SPEED,
    QUALITY,
    Frames,
    check_frames,
    clip_bytes,
    png_bytes,
    poster_bytes,
    preview_bytes,
    row_bytes,
    sprite_bytes,
    sprite_size,
    still_bytes,
    to_uint8,
)
from reportgen.media.filters import filter_sheet, tiles
from reportgen.media.nrrd import nrrd_file
from reportgen.media.overlays import coloured_heat, heat_over_clip, motion_colours, stacked
from reportgen.media.volumes import volume_files
from reportgen.motion_colour import LEAST_FULL_COLOUR
from reportgen.records.figures import (
    ClipFigure,
    DataFigure,
    Figure,
    FiltersFigure,
    HeatFigure,
    ImageFigure,
    JsonFigure,
    MapFigure,
    MotionFigure,
    NrrdFigure,
    PreviewFigure,
    RowFigure,
    StackFigure,
    TableFigure,
    TextFigure,
    TilesFigure,
    VolumeFigure,
)
from reportgen.records.jobs import Artifact
from reportgen.records.store import Store

AVIF = "image/avif"
NPZ = "application/x-npz"
_HALF_MAX = float(np.finfo(np.float16).max)
_TEXT_TYPES = {
    ".graphml": "application/graphml+xml",
    ".md": "text/markdown",
    ".svg": "image/svg+xml",
}

_VOLUME_TYPES = {
    ".npz": NPZ,
    ".nrrd": "application/x-nrrd",
    ".vox": "application/octet-stream",
    ".hd": "text/plain",
    ".zip": "application/zip",
}


@dataclass(frozen=True)
class FigureFile:
    """One file to be written; `facts` are the artifact's width, height, frames and scale."""

    name: str
    role: str
    kind: str
    media_type: str
    content: bytes
    facts: dict[str, Any] = field(default_factory=dict)


def write_figure(store: Store, folder: str, role: str, figure: Figure) -> tuple[Artifact, ...]:
    """Write a figure's files into `folder` of the store and return them as artifacts; the first one is the main one.

    Sprites are AVIF. Clips and pictures are encoded here, once: pages show these files as they are.

    ==============  ================================================================================================
    ClipFigure      sprite (kind clip), and the middle frame as poster (kind image, AVIF)
    PreviewFigure   sprite of small frames at a lower quality (kind clip), and the same poster
    ImageFigure     picture (kind image, AVIF)
    MotionFigure    sprite in colours (kind clip) whose `scale` is the speed of full colour in px/frame, poster (kind
                    image), and .npz (kind motion): `motion` T 2 H W float16 in px/frame, `evidence` T H W bool
    HeatFigure      sprite of the heat over the greyed clip (kind heat), the frame with most heat as poster (kind
                    image), where it is asked for a sprite of the heat alone (kind heat, role `{role}_map`), and .npz
                    (kind data): `heat` T H W float16 in units of `scale`, `scale`
    MapFigure       sprite of the heat alone (kind heat)
    RowFigure       WebP of the pictures side by side (kind image)
    StackFigure     AVIF of the heat over the greyed clip, frames one behind the other (kind image)
    FiltersFigure   PNG of `filter_sheet` (kind image), one pixel a weight
    NrrdFigure      NRRD (kind volume)
    TilesFigure     PNG of `tiles` (kind image), one pixel a filter
    VolumeFigure    the files of `reportgen.media.volumes.volume_files`: .npz (kind data), the others (kind volume)
    DataFigure      .npz (kind data)
    JsonFigure      JSON (kind json)
    TableFigure     CSV (kind text), quoted as RFC 4180 says
    TextFigure      text (kind text)
    ==============  ================================================================================================

    Raises ValueError for arrays of a wrong shape or that are not finite, StoreError when a file cannot be written.
    """
    artifacts = []
    for file in figure_files(figure, role):
        with store.writing(f"{folder}/{file.name}") as temporary:
            temporary.write_bytes(file.content)
        artifacts.append(
            Artifact(
                role=file.role,
                kind=file.kind,
                path=f"{folder}/{file.name}",
                media_type=file.media_type,
                sha256=hashlib.sha256(file.content).hexdigest(),
                bytes=len(file.content),
                caption=figure.caption,
                **file.facts,
            )
        )
    return tuple(artifacts)


@singledispatch
def figure_files(figure: Figure, role: str) -> Iterator[FigureFile]:  # noqa: ARG001
    """Yield the files of a figure, which `role` names.

    A new kind of figure is a class with a caption and a function that is registered here for it.
    Raises TypeError for a kind that nothing is registered for.
    """
    raise TypeError(f"{type(figure).__name__} is no kind of figure: register how it becomes files at figure_files")


@figure_files.register
def _clip(figure: ClipFigure, role: str) -> Iterator[FigureFile]:
    frames = check_frames(figure.frames)
    content = sprite_bytes(frames, FINE_QUALITY, repeated=True, speed=FINE_SPEED) if figure.fine else clip_bytes(frames)
    yield _sprite_file(role, "clip", frames, content)
    yield _poster_file(role, frames[len(frames) // 2])


@figure_files.register
def _preview(figure: PreviewFigure, role: str) -> Iterator[FigureFile]:
    frames = check_frames(figure.frames)
    content, height, width = preview_bytes(frames)
    facts = {"frames": len(frames), "height": height, "width": width}
    yield FigureFile(f"{role}.avif", role, "clip", AVIF, content, facts)
    yield _poster_file(role, frames[len(frames) // 2], QUALITY, speed=PREVIEW_SPEED)


@figure_files.register
def _image(figure: ImageFigure, role: str) -> Iterator[FigureFile]:
    yield _still_file(role, to_uint8(figure.pixels))


@figure_files.register
def _motion(figure: MotionFigure, role: str) -> Iterator[FigureFile]:
    return _motion_files(role, figure)


@figure_files.register
def _heat(figure: HeatFigure, role: str) -> Iterator[FigureFile]:
    return _heat_files(role, figure)


@figure_files.register
def _map(figure: MapFigure, role: str) -> Iterator[FigureFile]:
    alone = coloured_heat(figure.heat, figure.scale, signed=figure.signed)
    yield _sprite_file(role, "heat", alone, sprite_bytes(alone), scale=figure.scale)


@figure_files.register
def _stack(figure: StackFigure, role: str) -> Iterator[FigureFile]:
    yield _still_file(role, stacked(heat_over_clip(figure.heat, figure.over, figure.scale, signed=figure.signed)))


@figure_files.register
def _filters(figure: FiltersFigure, role: str) -> Iterator[FigureFile]:
    yield _exact_file(role, filter_sheet(figure.volumes, figure.scale))


@figure_files.register
def _nrrd(figure: NrrdFigure, role: str) -> Iterator[FigureFile]:
    content = nrrd_file(figure.values, figure.axes, listed=figure.listed)
    yield FigureFile(f"{role}{'.seq' if figure.listed else ''}.nrrd", role, "volume", "application/x-nrrd", content)


@figure_files.register
def _tiles(figure: TilesFigure, role: str) -> Iterator[FigureFile]:
    yield _exact_file(role, tiles(figure.values))


@figure_files.register
def _row(figure: RowFigure, role: str) -> Iterator[FigureFile]:
    content, height, width = row_bytes([to_uint8(picture) for picture in figure.pictures], figure.height)
    yield FigureFile(f"{role}.webp", role, "image", "image/webp", content, {"height": height, "width": width})


@figure_files.register
def _volume(figure: VolumeFigure, role: str) -> Iterator[FigureFile]:
    frames, height, width = figure.maps.shape[1:]
    for file, content in volume_files(figure):
        suffix = file[file.rindex(".") :]
        kind = "data" if suffix == ".npz" else "volume"
        size = {"frames": frames, "height": height, "width": width}
        yield FigureFile(file, role, kind, _VOLUME_TYPES[suffix], content, size)


@figure_files.register
def _data(figure: DataFigure, role: str) -> Iterator[FigureFile]:
    yield FigureFile(f"{role}.npz", role, "data", NPZ, npz_bytes(figure.arrays))


@figure_files.register
def _json(figure: JsonFigure, role: str) -> Iterator[FigureFile]:
    yield FigureFile(f"{role}.json", role, "json", "application/json", _json_bytes(figure.document))


@figure_files.register
def _table(figure: TableFigure, role: str) -> Iterator[FigureFile]:
    if any(len(row) != len(figure.columns) for row in figure.rows):
        raise ValueError(f"every row of a table must have its {len(figure.columns)} columns")
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([figure.columns, *figure.rows])
    yield FigureFile(f"{role}.csv", role, "text", "text/csv", text.getvalue().encode())


@figure_files.register
def _text(figure: TextFigure, role: str) -> Iterator[FigureFile]:
    kind = _TEXT_TYPES.get(figure.suffix, "text/plain")
    yield FigureFile(f"{role}{figure.suffix}", role, "text", kind, figure.text.encode())


def _still_file(role: str, pixels: NDArray[np.uint8]) -> FigureFile:
    size = {"height": pixels.shape[0], "width": pixels.shape[1]}
    return FigureFile(f"{role}.avif", role, "image", AVIF, still_bytes(pixels), size)


def _exact_file(role: str, pixels: NDArray[np.uint8]) -> FigureFile:
    """Return a picture of which every pixel is a value."""
    size = {"height": pixels.shape[0], "width": pixels.shape[1]}
    return FigureFile(f"{role}.png", role, "image", "image/png", png_bytes(pixels), size)


def _heat_files(role: str, figure: HeatFigure) -> Iterator[FigureFile]:
    heat, scale, signed = figure.heat, figure.scale, figure.signed
    overlay = heat_over_clip(heat, figure.over, scale, signed=signed)
    yield _sprite_file(role, "heat", overlay, sprite_bytes(overlay), scale=scale)
    yield _poster_file(role, overlay[int(np.abs(heat).sum(axis=(1, 2)).argmax())])
    if figure.alone:
        alone = coloured_heat(heat, scale, signed=signed)
        yield _sprite_file(f"{role}_map", "heat", alone, sprite_bytes(alone), scale=scale)
    # In units of the scale: attributions of 1e-8 would vanish in half precision.
    relative = np.clip(heat / scale, -_HALF_MAX, _HALF_MAX).astype(np.float16)
    arrays: dict[str, NDArray[Any]] = {"heat": relative, "scale": np.array(scale, np.float64)}
    yield FigureFile(f"{role}.npz", role, "data", NPZ, npz_bytes(arrays), {"scale": scale})


def _motion_files(role: str, figure: MotionFigure) -> Iterator[FigureFile]:
    motion, evidence = figure.motion, figure.evidence
    scale = float(max(figure.max_speed, LEAST_FULL_COLOUR))
    coloured = motion_colours(motion, evidence, scale)
    opaque = coloured[..., :3] if evidence.all() else coloured
    yield _sprite_file(role, "clip", coloured, sprite_bytes(opaque, MOTION_QUALITY), scale=scale)
    yield _poster_file(role, opaque[len(opaque) // 2], MOTION_QUALITY)
    count, _, height, width = motion.shape
    facts = {"frames": count, "height": height, "width": width, "scale": scale}
    arrays = {"motion": motion.astype(np.float16), "evidence": evidence.astype(bool)}
    yield FigureFile(f"{role}.npz", role, "motion", NPZ, npz_bytes(arrays), facts)


def _sprite_file(role: str, kind: str, frames: Frames, content: bytes, *, scale: float | None = None) -> FigureFile:
    height, width = sprite_size(*frames.shape[:3])
    facts = {"frames": len(frames), "height": height, "width": width, "scale": scale}
    return FigureFile(f"{role}.avif", role, kind, AVIF, content, facts)


def _poster_file(role: str, frame: Frames, quality: int | None = None, *, speed: int | None = None) -> FigureFile:
    content, height, width = poster_bytes(frame, quality, speed=speed)
    return FigureFile(f"{role}_poster.avif", role, "image", AVIF, content, {"height": height, "width": width})


def _json_bytes(document: Any) -> bytes:
    text = json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return (text + "\n").encode()
