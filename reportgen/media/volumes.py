"""A layer's maps in the files of programs that show volumes: NRRD, and the pair .vox and .hd of CNN-VIS."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import OptionError, a_type
from reportgen.media.arrays import npz_bytes, zip_bytes
from reportgen.media.nrrd import nrrd_file
from reportgen.pictures import picture_bytes
from reportgen.records.figures import VolumeFigure
from reportgen.records.files import atomic_path
from reportgen.records.volumes import Steps, byte_levels, reduced


def volume_files(figure: VolumeFigure) -> Iterator[tuple[str, bytes]]:
    """Yield the name and content of each file of a layer's maps `K T H W`.

    ===========================  ====================================================================================
    ``NAME.npz``                 ``maps``: `K T H W` float32
    ``NAME_float32.nrrd``        the values; of a video's maps ``NAME_float32.seq.nrrd`` with time as a fourth axis
    ``NAME_uint8.nrrd``          the values as bytes, 0 their minimum and 255 their maximum
    ``NAME.vox``, ``NAME.hd``    the same bytes and their header as CNN-VIS writes them; of a video's maps one pair a
                                 frame, ``NAME_t000.vox`` and so on, all in ``NAME_vox.zip``
    ===========================  ====================================================================================

    All bytes of a layer have one scale, over its kernels and frames. Raises ValueError for maps of another shape, or
    that are not finite.
    """
    maps, name = figure.maps, figure.name
    if maps.ndim != 4 or (figure.still and maps.shape[1] != 1):
        raise ValueError(f"maps must be K T H W, with T 1 for a picture's, got {maps.shape}")
    levels, values = byte_levels(maps), np.ascontiguousarray(maps, np.float32)
    yield f"{name}.npz", npz_bytes({"maps": values})
    ending = "nrrd" if figure.still else "seq.nrrd"
    yield f"{name}_float32.{ending}", nrrd_bytes(values, still=figure.still)
    limits = (float(maps.min()), float(maps.max()))
    yield f"{name}_uint8.{ending}", nrrd_bytes(levels, still=figure.still, limits=limits)
    if figure.still:
        yield f"{name}.vox", vox_bytes(levels[:, 0])
        yield f"{name}.hd", hd_bytes(levels[:, 0])
    else:
        frames = {f"{name}_t{frame:03d}": levels[:, frame] for frame in range(levels.shape[1])}
        pairs = {f"{stem}.vox": vox_bytes(one) for stem, one in frames.items()}
        pairs |= {f"{stem}.hd": hd_bytes(one) for stem, one in frames.items()}
        yield f"{name}_vox.zip", zip_bytes(pairs)


def write_volume(figure: VolumeFigure, folder: str | Path) -> tuple[Path, ...]:
    """Write a layer's maps into `folder` as every kind of file that `volume_files` lists, and return their paths.

    Existing files of these names are replaced. Raises OptionError for what is no such figure, StoreError
    when one cannot be written.
    """
    if not isinstance(figure, VolumeFigure):
        raise OptionError(f"Volumes are written of a VolumeFigure with its maps K T H W, and not of {a_type(figure)}.")
    folder = Path(folder)
    written = []
    for name, content in volume_files(figure):
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(content)
        written.append(folder / name)
    return tuple(written)


@dataclass(frozen=True)
class VolumePicture:
    """A layer's maps in one grey PNG, tile beside tile; `facts` say how many of which size, and in how many columns."""

    content: bytes
    facts: dict[str, int]


def volume_picture(maps: NDArray[Any], steps: Steps) -> VolumePicture:
    """Return maps `K T H W` as bytes in one picture, made smaller by `steps`.

    Tile t * K + k is kernel k at frame t; tiles stand row by row, in so many columns that the picture is about square.
    Raises ValueError for values that are not finite.
    """
    levels = byte_levels(maps)
    if not steps.whole:
        levels = np.rint(reduced(levels.astype(np.float32), steps)).astype(np.uint8)
    kernels, frames, height, width = levels.shape
    tiles = levels.swapaxes(0, 1).reshape(-1, height, width)
    columns = min(len(tiles), max(1, round(math.sqrt(len(tiles) * height / width))))
    rows = math.ceil(len(tiles) / columns)
    cells = np.zeros((rows * columns, height, width), np.uint8)
    cells[: len(tiles)] = tiles
    grid = cells.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)
    facts = {"kernels": kernels, "frames": frames, "height": height, "width": width, "columns": columns}
    return VolumePicture(picture_bytes(grid, "PNG", optimize=True), facts)


def vox_bytes(volume: NDArray[np.uint8]) -> bytes:
    """Return a volume `K H W` as CNN-VIS writes it: kernel behind kernel, row behind row."""
    return np.ascontiguousarray(volume, np.uint8).tobytes()


def hd_bytes(volume: NDArray[np.uint8]) -> bytes:
    """Return the header of a volume `K H W` as CNN-VIS writes it."""
    kernels, height, width = volume.shape
    return f"Size {height}x{width}x{kernels} unsigned byte \nSpacing 1.0x1.0x1.0\n".encode()


def nrrd_bytes(maps: NDArray[Any], *, still: bool, limits: tuple[float, float] | None = None) -> bytes:
    """Return maps `K T H W` (float32 or uint8) as NRRD: axes x, y, kernel and, unless they are `still`, frame.

    `limits` are the values that the bytes 0 and 255 stand for.
    """
    axes = ("x", "y", "kernel")
    if still:
        return nrrd_file(maps[:, 0], axes, limits=limits)
    return nrrd_file(maps.swapaxes(0, 1), (*axes, "frame"), listed=1, limits=limits)
