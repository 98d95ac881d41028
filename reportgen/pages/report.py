"""What the pages show: each run with what only a site needs of it, and the runs of one site together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reportgen.audit.checks import limits_of
from reportgen.audit.limits import Limits
from reportgen.audit.silence import known_reliance
from reportgen.pages.maps import MethodMeans, method_means
from reportgen.pages.motion import LayerMotion, layer_motion
from reportgen.pages.page import CopiedFile
from reportgen.reading.names import report_folders, report_titles
from reportgen.reading.probes import kernel_probes
from reportgen.reading.run_view import RunView
from reportgen.records.jobs import Done
from reportgen.records.manifest import Manifest, check_selection
from reportgen.records.store import RUN_FILE, Store, record_name

DESIGNED = (
    *("choice", "kernels", "decomposition", "path", "evidence", "pyramid", "saliency", "faithfulness", "motion"),
    *("concepts", "weight_gradients", "multiscale", "responses"),
)
"""Analyses with pages of their own; every other one is shown by kind of artifact."""


class ModelView(RunView):
    """One run, as pages see it.

    `several` says that the report has other networks too, `arrows` that motion has arrows beside its colours.
    """

    def __init__(
        self, store: Store, manifest: Manifest, folder: str, title: str, *, several: bool, arrows: bool = False
    ) -> None:
        super().__init__(store, manifest, folder, title)
        self._several = several
        self._arrows = arrows

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
    def method_means(self) -> dict[str, MethodMeans]:
        """Each saliency method over all clips and classes."""
        return method_means(self.map_groups.values(), self.limits)

    @cached_property
    def motions(self) -> dict[str, LayerMotion | None]:
        """The motion pictures of each layer."""
        found = {}
        for layer, views in self.kernels.items():
            answers = [(view.id.index, view.answer("decomposition")) for view in views]
            artifacts = [(i, a) for i, done in answers if done and (a := done.artifact("motion", "motion"))]
            folder = self.addresses.layer(layer).removesuffix("/index.md")
            found[layer] = layer_motion(folder, [(i, a, self.store.path(a)) for i, a in artifacts], arrows=self._arrows)
        return found

    def files(self) -> list[CopiedFile]:
        """Return every file of the run that the site carries: header, records, and the media that they name."""
        named = {RUN_FILE: self.store.file(RUN_FILE)}
        for record in self.manifest.records:
            named[record_name(record.key)] = self.store.file(record_name(record.key))
            if isinstance(record.outcome, Done):
                named.update({a.path: self.store.path(a) for a in record.outcome.artifacts})
        for clip in self.run.clips:
            named.update({a.path: self.store.path(a) for a in (clip.poster, clip.clip) if a})
        return [CopiedFile(self.addresses.file(path), source) for path, source in sorted(named.items())]


@dataclass(frozen=True)
class Report:
    """The models of one site, in the order of their names."""

    models: tuple[ModelView, ...] = field(default=())
    selected: tuple[str, ...] = field(default=())
    arrows: bool = False

    @classmethod
    def of(cls, stores: Iterable[Store], select: Sequence[str] = (), *, arrows: bool = False) -> Report:
        """Read the runs, or what `select` (globs over identities) leaves of them; `arrows` say motion beside colours.

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
        models = tuple(ModelView(*one, *name, several=several, arrows=arrows) for one, *name in names)
        return cls(models, tuple(select), arrows)

    @property
    def title(self) -> str:
        """The site's name."""
        return self.models[0].title if len(self.models) == 1 else f"{len(self.models)} networks"

    @property
    def untrained(self) -> list[ModelView]:
        """The models whose weights were never trained."""
        return [model for model in self.models if model.run.weights.untrained]
