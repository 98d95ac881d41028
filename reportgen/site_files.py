"""Each kind of file that a site is made from, written whole to a place that the caller has checked."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reportgen.bidi import without_bidi
from reportgen.errors import RenderError, StoreError
from reportgen.gzipped import gzipped
from reportgen.media import gif_bytes, motion_sprite, png_bytes, read_data
from reportgen.media.card import card_bytes
from reportgen.media.colours import diverging
from reportgen.media.encode import frames_of
from reportgen.media.video import mp4_bytes
from reportgen.media.volumes import volume_picture
from reportgen.motion_colour import colour_wheel
from reportgen.outputs.comma_separated import csv_text
from reportgen.outputs.site.scripts import data_script
from reportgen.pages.motion import WHEEL_SIZE
from reportgen.pages.page import (
    Asset,
    ColourWheel,
    Copied,
    CopiedDocument,
    CopiedFile,
    DataFile,
    Export,
    FiltersScript,
    FilterVolumes,
    MadeScript,
    MotionStrip,
    PackedFile,
    Page,
    PlainText,
    ScriptData,
    SocialCard,
    SpriteFile,
    VolumeScript,
)
from reportgen.pages.places import PageAddresses
from reportgen.pages.templating import Templates
from reportgen.records.files import atomic_path, write_text
from reportgen.records.layout import PACKED
from reportgen.records.os_errors import describe_os_error
from reportgen.records.packed import unpacked_size
from reportgen.records.volumes import ZERO_LEVEL, signed_levels


def write_page(page: Page, places: PageAddresses, templates: Templates, path: Path, **shared: Any) -> None:
    """Write a page as Markdown; `shared` is what every page is told."""
    write_text(path, without_bidi(templates.render(page, places, **shared)))


def write_asset(asset: Asset, path: Path) -> None:
    """Write what a page needs beside it to its place."""
    match asset:
        case CopiedFile() | CopiedDocument() | PackedFile():
            _write_copied(asset, path)
        case SocialCard(title=title, sentence=sentence, pictures=pictures):
            found = [frames_of(one.path, one.frames, one.height, one.width)[0] for one in pictures]
            _write_bytes(path, card_bytes(without_bidi(title), without_bidi(sentence), found))
        case DataFile(table=table):
            write_text(path, csv_text(table))
        case PlainText(text=text):
            write_text(path, without_bidi(text))
        case ScriptData(name=name, data=data):
            _write_script(path, name, data)
        case MadeScript(name=name, make=make):
            _write_script(path, name, make())
        case VolumeScript(name=name, data=data):
            _write_script(path, name, {**data, **_volume(asset)})
        case FiltersScript(name=name, volumes=volumes):
            _write_script(path, name, _filters(volumes))
        case MotionStrip(source=source, max_speed=max_speed, arrows=arrows):
            fields = read_data(source, "motion", "evidence")
            _write_bytes(path, motion_sprite(fields["motion"], fields["evidence"], max_speed, arrows=arrows))
        case Export(sources=sources):
            _write_bytes(path, _exported(path.suffix, sources))
        case ColourWheel():
            _write_bytes(path, png_bytes(colour_wheel(WHEEL_SIZE)))


def _write_copied(asset: Copied, path: Path) -> None:
    match asset:
        case CopiedFile(source=source):
            copy_file(source, path)
        case CopiedDocument(source=source):
            _write_compact(source, path)
        case PackedFile(source=source):
            _write_packed(source, path)


def _write_compact(source: Path, path: Path) -> None:
    """Write a document of a run without white space; one that is damaged as it is, and its record says so."""
    try:
        text = json.dumps(json.loads(source.read_bytes()), separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        copy_file(source, path)
    except OSError as error:
        raise RenderError(describe_os_error(error, path)) from error
    else:
        write_text(path, f"{text}\n")


def _write_packed(source: Path, path: Path) -> None:
    """Compress a document unless it was compressed there since it was written, or has come compressed."""
    if source.suffix == PACKED:
        copy_file(source, path)
        return
    try:
        now = source.stat()
        if path.exists() and (unpacked_size(path), path.stat().st_mtime_ns) == (now.st_size, now.st_mtime_ns):
            return
        with atomic_path(path) as temporary:
            temporary.write_bytes(gzipped(source.read_bytes()))
            os.utime(temporary, ns=(now.st_atime_ns, now.st_mtime_ns))
    except OSError as error:
        raise RenderError(describe_os_error(error, path)) from error


def _write_script(path: Path, name: str, data: Any) -> None:
    write_text(path, data_script(name, data))


def _volume(asset: VolumeScript) -> dict[str, Any]:
    """Return a layer's maps as a script reads them; raises StoreError when they are not those that the page is of."""
    maps = read_data(asset.source, "maps")["maps"]
    if maps.shape != asset.shape or maps.dtype != np.float32 or not np.isfinite(maps).all():
        raise StoreError(f"{asset.source} is damaged (its maps are others than were written): compute it again.")
    picture = volume_picture(maps, asset.steps)
    return picture.facts | {"picture": f"data:image/png;base64,{base64.b64encode(picture.content).decode()}"}


def _exported(suffix: str, sources: Sequence[SpriteFile]) -> bytes:
    """Return clips or pictures side by side in one format; a still one stands beside every frame of another."""
    parts = [frames_of(one.path, one.frames, one.height, one.width) for one in sources]
    count = max(map(len, parts))
    frames = np.concatenate([np.broadcast_to(part, (count, *part.shape[1:])) for part in parts], axis=2)
    match suffix:
        case ".gif":
            return gif_bytes(frames)
        case ".mp4":
            return mp4_bytes(frames)
        case _:
            return png_bytes(frames[0])


def _filters(volumes: Sequence[FilterVolumes]) -> dict[str, Any]:
    """Return filters as a script reads them; raises StoreError when they are not those that the page is of."""
    shares = (np.arange(256) - ZERO_LEVEL) / (255 - ZERO_LEVEL)
    colours = base64.b64encode(diverging(shares).tobytes()).decode()
    found = []
    arrays = {source: read_data(source) for source in {one.source for one in volumes}}
    for one in volumes:
        values = arrays[one.source].get(one.layer, np.empty(0))
        if values.shape != one.shape or values.dtype != np.float32 or not np.isfinite(values).all():
            raise StoreError(f"{one.source} is damaged (its filters are others than were written): compute it again.")
        levels = signed_levels(values[:, list(one.channels)], one.scale)
        facts = {"channels": one.channels, "taps": one.taps, "levels": base64.b64encode(levels.tobytes()).decode()}
        found.append({**one.data, **facts})
    return {"zero": ZERO_LEVEL, "colours": colours, "volumes": found}


def _write_bytes(path: Path, content: bytes) -> None:
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def copy_file(source: Path, path: Path) -> None:
    """Copy a file unless the copy is there. No second name of the same file: who edits the copy spares the run."""
    try:
        now = source.stat()
        if path.exists():
            then = path.stat()
            same_file = (now.st_dev, now.st_ino) == (then.st_dev, then.st_ino)
            if not same_file and (now.st_size, now.st_mtime_ns) == (then.st_size, then.st_mtime_ns):
                return
        with atomic_path(path) as temporary:
            shutil.copyfile(source, temporary)
            os.utime(temporary, ns=(now.st_atime_ns, now.st_mtime_ns))
    except OSError as error:
        raise RenderError(describe_os_error(error, path)) from error
