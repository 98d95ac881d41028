"""What pages and data are made from, as one digest: equal digests, equal files.

A layer's files read everything of a run but three kinds of things, which are left out of its digest: the records of
single kernels of other layers, what the header says of when and where the run was computed, and which jobs it planned.
`tests/site/test_render_again.py` changes records at random and compares every byte with a render that reuses nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from reportgen.pages.report import ModelView, Report
from reportgen.records.identities import KernelId
from reportgen.records.jobs import Done, Record, content_digest
from reportgen.records.store import RUN_FILE

_OF_KERNELS = frozenset({"kernels", "decomposition", "path"})
"""Analyses whose records are of one kernel each."""

_NOT_SHOWN = frozenset({"plan", "environment", "started", "finished", "seconds"})
"""Of the header: what no file of a layer reads."""


@dataclass(frozen=True)
class PageKeys:
    """The digests of what a model's pages are made from; empty, and no layers, where that is not known.

    `layers` are those of each layer's files. `apart` is that of what reads no record of a single kernel, but may read
    which kernels have one.
    """

    layers: Mapping[str, str] = field(default_factory=dict)
    apart: str = ""

    def of_layers(self, uri: str, layers: Iterable[str]) -> str:
        """Return the digest for a page that shows kernels of some layers; empty where it is not known."""
        named = sorted(set(layers))
        if not all(layer in self.layers for layer in named):
            return ""
        return content_digest([uri, [self.layers[layer] for layer in named]])


def page_keys(report: Report, model: ModelView) -> PageKeys:
    """Return the digests of what a model's pages are made from.

    They are not known of records that no file of the run was read for.
    """
    return report.known.once(("keys", model.name), lambda: _page_keys(report, model))


def _page_keys(report: Report, model: ModelView) -> PageKeys:
    if RUN_FILE not in model.store.seen.digests:
        return PageKeys()
    own: dict[str, list[Any]] = defaultdict(list)
    shared: list[Any] = []
    for record in model.manifest.records:
        told = record_told(model, record)
        if told is None:
            return PageKeys()
        layer = _layer_of(record)
        (own[layer] if layer in model.census else shared).append(told)
    common = [
        report.selected,
        [report.extras.arrows, report.extras.media, report.extras.records],
        [(one.name, one.title) for one in report.models],
        [model.name, model.title, model.manifest.damaged],
        model.run.model_dump_json(exclude=set(_NOT_SHOWN)),
        shared,
        list(model.census.items()),
        list(model.kernels),
        sorted({record.job.analysis for record in model.manifest.records}),
    ]
    digest = content_digest(common)
    visualised = [[view.id.layer, view.id.index] for view in model.all_kernels]
    return PageKeys(
        {layer: content_digest([digest, layer, own[layer]]) for layer in model.census},
        content_digest([digest, visualised]),
    )


def _layer_of(record: Record) -> str | None:
    """Return the layer of the one kernel that a record is of; None for every other record."""
    if record.job.analysis not in _OF_KERNELS:
        return None
    try:
        return KernelId.parse(record.job.unit).layer
    except ValueError:
        return None


def record_told(model: ModelView, record: Record) -> list[str] | None:
    """Return what tells a record from every other one; None where it was not read from the run's folder.

    What was found damaged is told apart from the same record when it was whole.
    """
    digest = model.store.seen.digests.get(f"{record.key}.json")
    if digest is None:
        return None
    outcome = record.outcome
    return [record.key, digest, "done" if isinstance(outcome, Done) else outcome.model_dump_json()]
