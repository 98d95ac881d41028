"""Where each page and file of a model lies in the site; identities are addresses wherever a file system allows it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from markupsafe import Markup

from reportgen.records.identities import KernelId, slug
from reportgen.records.targets import Target

_RESERVED = ("media", "records", "analysis", "concepts")
_FILES = (".md", ".html", ".json", ".js", ".css", ".csv", ".xml", ".gz", ".webp", ".png")


def folder_names(names: Iterable[str], reserved: Iterable[str] = ()) -> list[str]:
    """Return a folder name for each of `names`, no two equal where upper and lower case are the same.

    None is one that a page or a file of the site may have.
    """
    taken = {name.casefold() for name in reserved}
    folders = []
    for name in names:
        stem = slug(name)
        stem = folder = f"{stem}_" if PurePosixPath(stem).suffix.lower() in _FILES else stem
        number = 1
        while folder.casefold() in taken:
            number += 1
            folder = f"{stem}-{number}"
        taken.add(folder.casefold())
        folders.append(folder)
    return folders


def relative_link(here: str, target: str) -> Markup:
    """Return the link from the page `here` to the page or file `target`, percent-encoded; a ``#part`` is kept."""
    path, mark, part = target.partition("#")
    if path.endswith(".md"):
        path = path.removesuffix(".md") + ".html"
    start = posixpath.dirname(here) or "."
    return Markup(quote(posixpath.relpath(path, start)) + mark + quote(part))  # noqa: S704 (percent-encoded)


class Addresses:
    """The addresses of one model's pages, all below `folder`."""

    def __init__(
        self,
        folder: str,
        layers: Iterable[str],
        clips: Iterable[str],
        analyses: Iterable[str] = (),
        concepts: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        layers, clips = list(dict.fromkeys(layers)), list(dict.fromkeys(clips))
        self._layers = dict(zip(layers, folder_names(layers, _RESERVED), strict=True))
        taken = [*_RESERVED, *self._layers.values()]
        self._clips = dict(zip(clips, folder_names(clips, taken), strict=True))
        concepts = concepts or {}
        self._concepts = dict(zip(concepts, folder_names(concepts.values(), ("index",)), strict=True))
        analyses = list(dict.fromkeys(analyses))
        self._analyses = dict(zip(analyses, folder_names(analyses), strict=True))

    @property
    def home(self) -> str:
        """The model's page."""
        return f"{self.folder}/index.md"

    @property
    def audit(self) -> str:
        """The audit page."""
        return f"{self.folder}/audit.md"

    @property
    def motion(self) -> str:
        """The page of motion or appearance."""
        return f"{self.folder}/motion.md"

    @property
    def concepts(self) -> str:
        """The page of all concepts."""
        return f"{self.folder}/concepts/index.md"

    def concept(self, unit: str) -> str:
        """The page of a concept, by the unit that was asked about."""
        return f"{self.folder}/concepts/{self._concepts[unit]}.md"

    @property
    def weights(self) -> str:
        """The page of weight gradients."""
        return f"{self.folder}/weights.md"

    @property
    def provenance(self) -> str:
        """The provenance page."""
        return f"{self.folder}/provenance.md"

    @property
    def compared(self) -> str:
        """The page that compares pyramids."""
        return f"{self.folder}/pyramids.md"

    @property
    def responses(self) -> str:
        """The page of all response maps."""
        return f"{self.folder}/responses.md"

    def responses_of(self, layer: str, clip: str) -> str:
        """The page of a layer's response maps to a clip."""
        return f"{self.folder}/{self._layers[layer]}/responses-{self._clips[clip]}.md"

    def layer(self, layer: str) -> str:
        """The page of a layer."""
        return f"{self.folder}/{self._layers[layer]}/index.md"

    def multiscale(self, layer: str) -> str:
        """The page of a layer's multi-scale filters."""
        return f"{self.folder}/{self._layers[layer]}/multiscale.md"

    def kernel(self, kernel: KernelId) -> str:
        """The page of a kernel: its identity, wherever layer names are file names."""
        return f"{self.folder}/{self._layers[kernel.layer]}/{kernel.index:04d}.md"

    @property
    def catalogue(self) -> str:
        """The page that lists the kernels of all layers."""
        return f"{self.folder}/kernels.md"

    def all_kernels(self, layer: str) -> str:
        """The page that has every kernel of a layer."""
        return f"{self.folder}/{self._layers[layer]}/kernels.md"

    def any_kernel(self, layer: str, index: int) -> str:
        """The part of that page which any kernel has, visualised or not: an address that lasts."""
        return f"{self.all_kernels(layer)}#{index:04d}"

    def clip(self, clip: str) -> str:
        """The saliency page of a clip."""
        return f"{self.folder}/{self._clips[clip]}/index.md"

    def pyramid(self, clip: str, target: Target) -> str:
        """The pyramid page of a class on a clip."""
        return f"{self.folder}/{self._clips[clip]}/{target}.md"

    def analysis(self, name: str) -> str:
        """The page of an analysis that no page was designed for."""
        return f"{self.folder}/analysis/{self._analyses.get(name, slug(name))}.md"

    def file(self, path: str) -> str:
        """A file of the run, by its path in the run's folder."""
        return f"{self.folder}/{path}"
