"""What the pages show: each run with what only a site needs of it, and the runs of one site together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reportgen.audit.checks import limits_of
from reportgen.audit.limits import Limits
from reportgen.audit.silence import known_reliance
from reportgen.pages.downloads import PUBLISHED_TYPES, Download, carried_files, exported_files, is_carried
from reportgen.pages.known_parts import KnownParts
from reportgen.pages.maps import MethodMeans, method_means
from reportgen.pages.motion import LayerMotion, MotionField, layer_motion
from reportgen.pages.page import Copied, CopiedDocument, CopiedFile, Export, PackedFile
from reportgen.reading.names import report_folders, report_titles
from reportgen.reading.probes import kernel_probes
from reportgen.reading.run_view import RunView
from reportgen.records.documents import LONGEST_INDENTED
from reportgen.records.jobs import Artifact, Done, Record
from reportgen.records.layout import PACKED
from reportgen.records.manifest import Manifest, check_selection
from reportgen.records.packed import carried_path, is_packed
from reportgen.records.store import RUN_FILE, Store

DESIGNED = (
    *("choice", "kernels", "decomposition", "path", "evidence", "pyramid", "saliency", "faithfulness", "motion"),
    *("concepts", "weight_gradients", "multiscale", "responses", "known_answers"),
)
"""Analyses with pages of their own; every other one is shown by kind of artifact."""


_PUBLISHED_GIFS = tuple(f"_{kind}.gif" for kind in PUBLISHED_TYPES)

LONGEST_CARRIED = 2_000_000
"""Bytes of a record that a site carries: that of the evidence of thousands of kernels has tens of millions."""


@dataclass(frozen=True)
class Extras:
    """What a site has beside the usual: `arrows` on motion, and all `media`: every file, GIF, MP4 and PNG too.

    Without `records` it has no record of any job, and no graphs and tables of single answers.
    """

    arrows: bool = False
    media: bool = False
    records: bool = True


NO_EXTRAS = Extras()


class ModelView(RunView):
    """One run, as pages see it.

    `several` says that the report has other networks too, `extras` what is shown beside the usual.
    """

    def __init__(
        self, store: Store, manifest: Manifest, folder: str, title: str, *, several: bool, extras: Extras
    ) -> None:
        super().__init__(store, manifest, folder, title)
        self._several = several
        self._extras = extras

    @property
    def full_media(self) -> bool:
        """Whether the site carries every file, with GIF, MP4 and PNG beside the pictures of the pages."""
        return self._extras.media

    @property
    def has_records(self) -> bool:
        """Whether the site carries records, those apart that are too long."""
        return self._extras.records

    def among_others(self, words: str) -> str:
        """Return `words`, with the network's title behind them where the report has several networks."""
        return " · ".join(filter(None, (words, self.title))) if self._several else words

    @cached_property
    def limits(self) -> Limits:
        """The audit's limits that the run was made with."""
        return limits_of(self)

    def motion_reliance(self, layer: str, index: int) -> float | None:
        """Return a kernel's motion reliance; None where it is not known, as of one that clips barely drive."""
        found = kernel_probes(self.motion_probes, layer, index) if self.motion_probes else None
        return known_reliance(found, self.limits) if found else None

    @cached_property
    def census(self) -> dict[str, int]:
        """How many kernels each layer has of which something is known, in the network's order: each has a page."""
        found: dict[str, int] = {}
        for layer, views in self.kernels.items():
            found[layer] = max(view.id.index for view in views) + 1
        for name, evidence in self.evidence.layers.items():
            found[name] = max(found.get(name, 0), evidence.kernels)
        for name, probed in (self.motion_probes.layers if self.motion_probes else {}).items():
            found[name] = max(found.get(name, 0), len(probed.clip))
        for pyramid in self.pyramids:
            for figures in pyramid.graph.document.layers:
                found[figures.name] = max(found.get(figures.name, 0), figures.kernels)
        known = {name: facts.order for name, facts in self.layers.items()}
        return {name: found[name] for name in sorted(known, key=known.__getitem__) if name in found}

    @cached_property
    def kept_kernels(self) -> dict[str, frozenset[int]]:
        """The kernels of each layer that some pyramid keeps."""
        kept: dict[str, set[int]] = defaultdict(set)
        for pyramid in self.pyramids:
            for layer, index in pyramid.graph.places:
                kept[layer].add(index)
        return {layer: frozenset(found) for layer, found in kept.items()}

    @cached_property
    def _own_pages(self) -> dict[tuple[str, int], str]:
        return {(view.id.layer, view.id.index): view.uri for view in self.all_kernels}

    def kernel_uri(self, layer: str, index: int) -> str:
        """Return the address of a kernel's page: its own, or its part of the layer's; empty where nothing is known."""
        own = self._own_pages.get((layer, index), "")
        return own or (self.addresses.any_kernel(layer, index) if index < self.census.get(layer, 0) else "")

    @cached_property
    def method_means(self) -> dict[str, MethodMeans]:
        """Each saliency method over all clips and classes."""
        return method_means(self.map_groups.values(), self.limits)

    @cached_property
    def motions(self) -> dict[str, LayerMotion | None]:
        """The motion pictures of each layer."""
        found = {}
        for layer, views in self.kernels.items():
            answers = [(view.id.index, view.answer("decomposition")) for view in views]
            fields = [one for i, done in answers if (one := MotionField.of(i, done, self.store.path))]
            folder = self.addresses.layer(layer).removesuffix("/index.md")
            found[layer] = layer_motion(folder, fields, self.addresses, arrows=self._extras.arrows)
        return found

    def _is_carried(self, artifact: Artifact) -> bool:
        return is_carried(artifact, full=self.full_media, documents=self._extras.records)

    def downloads(self, record: Record | None) -> list[Download]:
        """Return the files of an answer that a reader may take away."""
        if record is None or not isinstance(record.outcome, Done):
            return []
        found = carried_files(self.addresses, record.outcome, self._is_carried)
        return [*found, *(download for download, _ in self._exported(record))]

    def _exported(self, record: Record) -> list[tuple[Download, Export]]:
        if not self.full_media or not isinstance(record.outcome, Done):
            return []
        return exported_files(self.addresses, self.store, record.outcome, record.job.unit)

    def published_gifs(self) -> list[Export]:
        """Return each visualised kernel's clips as GIFs under the published names, whatever media the site carries."""
        done = [(r.outcome, r.job.unit) for r in self.manifest.records if isinstance(r.outcome, Done)]
        found = (export for one in done for _, export in exported_files(self.addresses, self.store, *one))
        return [export for export in found if export.uri.endswith(_PUBLISHED_GIFS)]

    def exports(self) -> list[Export]:
        """Return the files that are made for the site from those of the run."""
        return [export for record in self.manifest.records for _, export in self._exported(record)]

    def carries(self, record: Record) -> bool:
        """Whether the site has a record's document; one that is longer than all pages of a run stays in the run."""
        if not self._extras.records:
            return False
        return self.full_media or self.store.file(self.store.record_file(record.key)).stat().st_size <= LONGEST_CARRIED

    def record_uri(self, record: Record) -> str:
        """Return where the site has a record's document."""
        path = self.store.record_file(record.key)
        return self.addresses.file(path + PACKED * self._is_long(path))

    def _is_long(self, path: str) -> bool:
        """Whether a document of the run is to be carried compressed, and is not yet."""
        return not path.endswith(PACKED) and self.store.file(path).stat().st_size > LONGEST_INDENTED

    def files(self) -> list[Copied]:
        """Return the files of the run that the site carries: header, records, and media that they name."""
        carried = map(self.store.record_file, (record.key for record in self.manifest.records if self.carries(record)))
        documents = sorted({RUN_FILE, *carried})
        named: dict[str, Artifact] = {}
        for record in self.manifest.records:
            if isinstance(record.outcome, Done):
                named.update({one.path: one for one in filter(self._is_carried, record.outcome.artifacts)})
        for clip in self.run.clips:
            named.update({one.path: one for one in (clip.poster, clip.clip) if one})
        return [
            *(self._document(path) for path in documents),
            *(self._copied(artifact) for _, artifact in sorted(named.items())),
        ]

    def _document(self, path: str) -> Copied:
        """Return a document as the site carries it: a long one is no reading for people, and compressed."""
        if path.endswith(PACKED) or (path != RUN_FILE and self._is_long(path)):
            return PackedFile(self.addresses.file(path.removesuffix(PACKED) + PACKED), self.store.file(path))
        return CopiedDocument(self.addresses.file(path), self.store.file(path))

    def _copied(self, artifact: Artifact) -> Copied:
        kind = PackedFile if is_packed(artifact) else CopiedFile
        return kind(self.addresses.file(carried_path(artifact)), self.store.path(artifact))


@dataclass(frozen=True)
class Report:
    """The models of one site, in the order of their names; `known` are parts of their data that were made before."""

    models: tuple[ModelView, ...] = field(default=())
    selected: tuple[str, ...] = field(default=())
    extras: Extras = NO_EXTRAS
    known: KnownParts = field(default_factory=KnownParts, compare=False)

    @classmethod
    def of(
        cls,
        stores: Iterable[Store],
        select: Sequence[str] = (),
        extras: Extras = NO_EXTRAS,
        known: KnownParts | None = None,
    ) -> Report:
        """Read the runs, or what `select` (globs over identities) leaves of them.

        Raises StoreError for a run that cannot be read, EmptySelectionError for a glob that matches nothing.
        """
        found = {store.folder.resolve(): store for store in stores}  # a run that is named twice is one
        read = [(store, store.manifest()) for store in found.values()]
        if select:
            check_selection(select, [manifest for _, manifest in read])
            parts = ((store, manifest.selected(select)) for store, manifest in read)
            read = [(store, part) for store, part in parts if part]
        runs = [manifest.run for _, manifest in read]
        names = zip(read, report_folders(runs), report_titles(runs), strict=True)
        several = len(runs) > 1
        models = tuple(ModelView(*one, *name, several=several, extras=extras) for one, *name in names)
        return cls(models, tuple(select), extras, known or KnownParts())

    @property
    def title(self) -> str:
        """The site's name."""
        return self.models[0].title if len(self.models) == 1 else f"{len(self.models)} networks"

    @property
    def left_out(self) -> tuple[str, ...]:
        """What the report is without that was made smaller, in sentences."""
        return tuple(dict.fromkeys(sentence for model in self.models for sentence in model.run.left_out))

    @property
    def anonymous(self) -> bool:
        """Whether it must not tell who made it: nothing of it says how to cite it, or where it comes from."""
        return any(model.run.anonymous for model in self.models)

    @property
    def untrained(self) -> list[ModelView]:
        """The models whose weights were never trained."""
        return [model for model in self.models if model.run.weights.untrained]
