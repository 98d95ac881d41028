"""Every kernel of a model in one order, which all data about kernels counts into."""

from __future__ import annotations

from collections.abc import Mapping

from reportgen.pages.census import MeasuredKernel, measured_kernels
from reportgen.pages.report import ModelView

SHARD = 128
"""Kernels whose figures one script holds."""

ROOT = "index.md"
"""The page that addresses in the data are relative to."""


class KernelIndex:
    """One model's kernels by layer, and its clips by their places in the data: `layers` and `clips` are places.

    `keys` are the digests of what each layer's data is made from, where that is known.
    """

    def __init__(self, model: ModelView, keys: Mapping[str, str] | None = None) -> None:
        self.model = model
        self.keys = keys or {}
        self._rows: dict[str, list[MeasuredKernel]] = {}
        self.layers = {layer: place for place, layer in enumerate(model.census)}
        probes = model.motion_probes
        names = dict.fromkeys((*model.evidence.names, *(probes.names if probes else ())))
        self.clips = {name: place for place, name in enumerate(names)}
        self.views = {(view.id.layer, view.id.index): view for view in model.all_kernels}

    def rows(self, layer: str) -> list[MeasuredKernel]:
        """Return every kernel of a layer, read when it is asked for."""
        if layer not in self._rows:
            self._rows[layer] = measured_kernels(self.model, layer)
        return self._rows[layer]

    @property
    def list_name(self) -> str:
        """The script of all kernels' figures, without its ending."""
        return f"{self.model.addresses.folder}/kernels"

    @property
    def facts_name(self) -> str:
        """The script of what the kernels' pages share."""
        return f"{self.model.addresses.folder}/kernel-facts"

    def shard_name(self, layer: str, start: int) -> str:
        """The script of the kernels of a layer from `start` on."""
        return f"{self.model.addresses.all_kernels(layer).removesuffix('.md')}-{start // SHARD}"
