"""Response maps: what every kernel of a layer answers to a clip, as a grid, as a volume and in several orders."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from reportgen.errors import StoreError
from reportgen.media.colours import diverging, magma
from reportgen.pages.page import Found, Page, VolumeScript
from reportgen.pages.report import ModelView, Report
from reportgen.pages.response_tables import maps_table, orders_table
from reportgen.pages.strips import strip
from reportgen.reading.addresses import relative_link
from reportgen.reading.format import number, parameter_rows, shape
from reportgen.reading.views import Trouble, trouble
from reportgen.records.answers.responses import KernelOrder, ResponsesAnswer
from reportgen.records.jobs import Done, Record
from reportgen.records.volumes import Steps, steps_for

BROWSER_VALUES = 1_000_000
"""Values of a layer's maps that a page holds at most: with its picture as text it stays under 2 MB."""


@dataclass(frozen=True)
class ResponseView:
    """A layer's maps of a clip that were computed, and where their page is."""

    record: Record
    done: Done
    answer: ResponsesAnswer
    uri: str

    @property
    def signed(self) -> bool:
        """Whether values below zero are among them, which the colours then tell."""
        return self.answer.minimum < 0

    @property
    def shown(self) -> Steps:
        """How the page's maps are smaller than those that are kept."""
        return steps_for((self.answer.kernels, *self.answer.kept), BROWSER_VALUES)

    @property
    def best(self) -> KernelOrder:
        """The order whose neighbours are most alike."""
        return max(self.answer.orders, key=lambda order: order.neighbour_correlation or -1.0)


def response_views(model: ModelView) -> list[ResponseView]:
    """Return what was computed, in the run's order; raises StoreError for a layer or clip that the run has not."""
    found = []
    for record in model.manifest.of("responses"):
        answer = model.answer(record, ResponsesAnswer)
        if answer is None or not isinstance(record.outcome, Done):
            continue
        if answer.layer not in model.layers or answer.clip not in model.clips or not _whole(answer):
            raise StoreError(f"{model.store.folder} is damaged (the record {record.key}): compute this run again.")
        uri = model.addresses.responses_of(answer.layer, answer.clip)
        found.append(ResponseView(record, record.outcome, answer, uri))
    return found


def _whole(answer: ResponsesAnswer) -> bool:
    """Whether orders and moments are those of the maps: scripts follow them without asking again."""
    kernels = list(range(answer.kernels))
    return (
        len(answer.moments) == answer.kept[0]
        and len(answer.percentiles) == 101
        and bool(answer.orders)
        and all(sorted(one.order) == kernels and len(one.groups) in (0, answer.kernels) for one in answer.orders)
    )


def _colours(view: ResponseView) -> str:
    """Return the colour of each byte as text."""
    answer = view.answer
    values = answer.minimum + np.arange(256) / 255 * (answer.maximum - answer.minimum)
    relative = values / (answer.scale or 1.0)
    return base64.b64encode((diverging if view.signed else magma)(relative).tobytes()).decode()


def _script(model: ModelView, view: ResponseView) -> VolumeScript:
    answer, steps = view.answer, view.shown
    artifact = view.done.artifact("maps", "data")
    if artifact is None:
        raise StoreError(f"{model.store.folder} is damaged (the record {view.record.key}): compute this run again.")
    pages = {index: uri for index in range(answer.kernels) if (uri := model.kernel_uri(answer.layer, index))}
    data: dict[str, Any] = {
        "minimum": answer.minimum,
        "maximum": answer.maximum,
        "otsu": answer.otsu,
        "percentiles": answer.percentiles,
        "moments": answer.moments[:: steps.frames],
        "colours": _colours(view),
        "links": {index: str(relative_link(view.uri, uri)) for index, uri in pages.items()},
        "orders": [{"title": one.title, "order": one.order, "groups": one.groups} for one in answer.orders],
    }
    uri = view.uri.removesuffix(".md") + "-maps.js"
    return VolumeScript(uri, "responses", model.store.path(artifact), (answer.kernels, *answer.kept), steps, data)


def _sentences(view: ResponseView) -> list[str]:
    """Return what was left out on the way from the layer to the page."""
    answer, steps = view.answer, view.shown
    found = list(view.done.notes)
    if not steps.whole:
        _kernels, frames, height, width = (answer.kernels, *answer.kept)
        size = shape((-(-height // steps.pixels), -(-width // steps.pixels)))
        every = f", and one of every {steps.frames} of their {frames} frames" if steps.frames > 1 else ""
        found.append(
            f"For the browser the maps are smaller than in the files: {size} positions instead of "
            f"{shape((height, width))}{every}."
        )
    if not answer.moments_known and answer.kept[0] > 1:
        found.append("When each frame of the maps looks at the clip is not known: they are spread evenly over it.")
    return found


def _page(model: ModelView, view: ResponseView, others: list[ResponseView]) -> Page:
    answer = view.answer
    clip = model.clips[answer.clip]
    script = _script(model, view)
    frames, height, width = answer.computed
    stage = model.stage_title(answer.layer)
    orders = orders_table(answer)
    return Page(
        uri=view.uri,
        title=f"Response maps of {stage} to {clip.title} · {model.title}",
        template="pages/responses.md.j2",
        context={
            "model": model,
            "view": view,
            "answer": answer,
            "stage": stage,
            "clip": clip,
            "clip_strip": strip(model.addresses, clip.clip, clip.poster, clip.title),
            "size": shape((height, width) if answer.still else (frames, height, width)),
            "limits": f"{number(answer.minimum)} to {number(answer.maximum)}",
            "frames": len(script.data["moments"]),
            "notes": _sentences(view),
            "others": others,
            "orders": orders,
            "script": script,
            "parameters": parameter_rows(view.record.job.parameters),
            "files": [replace(file, label=PurePosixPath(file.uri).name) for file in model.downloads(view.record)],
        },
        sources=(view.record.key,),
        assets=(script,),
        wide=True,
        finder=Found(f"Response maps: {stage}", model.among_others(f"to {clip.title}"), f"{answer.layer} volume order"),
        blocks=(orders,),
    )


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model with all maps, and one per layer and clip."""
    for model in report.models:
        records = model.manifest.of("responses")
        if not records:
            continue
        views = response_views(model)
        troubles: list[Trouble] = [
            item for record in records if (item := trouble(record.job.unit, record.outcome)) is not None
        ]
        titled = [(v, model.stage_title(v.answer.layer), model.clips[v.answer.clip].title) for v in views]
        table = maps_table(titled) if titled else None
        yield Page(
            uri=model.addresses.responses,
            title=f"Response maps · {model.title}",
            template="pages/responses_list.md.j2",
            context={"model": model, "table": table, "troubles": troubles},
            sources=tuple(record.key for record in records),
            nav=(model.title,),
            nav_title="Response maps",
            wide=True,
            finder=Found("Response maps", model.title, "grid volume order kernels k-means component"),
            blocks=(table,) if table else (),
        )
        for view in views:
            yield _page(model, view, [one for one in views if one is not view])
