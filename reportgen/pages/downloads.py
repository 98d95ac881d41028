"""What a reader may take away: the files that the site carries, and those that are made for it on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath

from reportgen.pages.page import Export, SpriteFile
from reportgen.reading.addresses import Addresses
from reportgen.records.identities import KernelId
from reportgen.records.jobs import Artifact, Done, is_poster_file
from reportgen.records.layout import PACKED
from reportgen.records.packed import DOCUMENT_KINDS, carried_path, is_packed
from reportgen.records.store import Store

PUBLISHED_ROLES = {"stage1": "stage1", "reconstruction": "recon"}
"""The published 3D Kernel Visualizer names its files {model}_{layer}_{kernel}_{stage1|deform|recon}.gif."""

PUBLISHED_TYPES = ("stage1", "deform", "recon")
"""How those names end."""

_LEFT_KINDS = ("data", "motion", "volume")
"""Arrays for later jobs and other programs, of which no page shows anything: most of a run's bytes."""

_KINDS = {
    "image/avif": "AVIF",
    "image/gif": "GIF",
    "image/webp": "WebP",
    "image/png": "PNG",
    "video/mp4": "MP4",
    "application/json": "JSON",
    "text/csv": "CSV",
    "application/x-npz": "NPZ",
    "application/x-nrrd": "NRRD",
}


@dataclass(frozen=True)
class Download:
    """A file that a reader may take away; the size of one that is made for the site is not known before.

    Of one that is `packed` (compressed by gzip), `bytes` are what it has unpacked.
    """

    uri: str
    label: str
    bytes: int | None
    caption: str = ""
    packed: bool = False

    def is_of_type(self, suffix: str) -> bool:
        """Whether it is a file of that suffix, compressed or not."""
        return self.uri.removesuffix(PACKED).endswith(suffix)


def is_carried(artifact: Artifact, *, full: bool, documents: bool = True) -> bool:
    """Whether the site carries a file of a run: with `full` all, else what pages show, and small `documents`."""
    if artifact.kind in DOCUMENT_KINDS:
        return documents
    return full or artifact.kind not in _LEFT_KINDS


def is_poster(artifact: Artifact) -> bool:
    """Whether it is only the still picture that stands for a clip until this is loaded."""
    return artifact.kind == "image" and is_poster_file(artifact.path)


def carried_files(addresses: Addresses, done: Done | None, carried: Callable[[Artifact], bool]) -> list[Download]:
    """Return the files of an answer that the site carries, named by role and format."""
    return [
        Download(
            uri=addresses.file(carried_path(artifact)),
            label=f"{artifact.role.replace('_', ' ')} · {_format(artifact)}{', gzip' * is_packed(artifact)}",
            bytes=artifact.bytes,
            caption=artifact.caption,
            packed=is_packed(artifact),
        )
        for artifact in (done.artifacts if done else ())
        if carried(artifact) and not is_poster(artifact)
    ]


def exported_files(addresses: Addresses, store: Store, done: Done | None, unit: str) -> list[tuple[Download, Export]]:
    """Return the clips of an answer as GIF and MP4 and its pictures as PNG, under the published names of a kernel's.

    Beside a kernel's motion stands its texture, as the published tool shows them.
    """
    found: list[tuple[Download, Export]] = []
    published = _published_name(unit)

    def add(name: str, folder: str, sources: tuple[SpriteFile, ...], caption: str, *suffixes: str) -> None:
        for suffix in suffixes:
            uri = addresses.file(f"{folder}/{name}{suffix}")
            label = f"{name} · {suffix[1:].upper()}"
            found.append((Download(uri, label, None, caption), Export(uri, sources)))

    for artifact in done.artifacts if done else ():
        source = _sprite_file(store, artifact)
        if source is None or is_poster(artifact):
            continue
        path = PurePosixPath(artifact.path)
        role = PUBLISHED_ROLES.get(artifact.role) if published else None
        name = f"{published}_{role}" if role else path.stem
        suffixes = (".gif", ".mp4") if artifact.is_sprite else (".png",)
        add(name, path.parent.as_posix(), (source,), artifact.caption, *suffixes)
        still = done.artifact("texture", "image") if done and artifact.role == "motion" else None
        if published and still and (beside := _sprite_file(store, still)):
            caption = "Static and dynamic component"
            add(f"{published}_deform", path.parent.as_posix(), (beside, source), caption, *suffixes)
    return found


def _sprite_file(store: Store, artifact: Artifact) -> SpriteFile | None:
    """Return a picture or sprite to export; None for what is none, or is a PNG already."""
    if not artifact.height or not artifact.width or artifact.media_type not in ("image/avif", "image/webp"):
        return None
    return SpriteFile(store.path(artifact), artifact.frames or 1, artifact.height, artifact.width)


def _published_name(unit: str) -> str | None:
    try:
        return KernelId.parse(unit).published_name
    except ValueError:
        return None


def _format(artifact: Artifact) -> str:
    name = _KINDS.get(artifact.media_type) or artifact.path.rpartition(".")[2].upper()
    return f"frames ({name})" if artifact.is_sprite else name
