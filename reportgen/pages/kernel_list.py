"""Every kernel as scripts read it: a list of figures for the catalogue and the finder, and what their pages share.

``<model>/kernels.js`` holds a column of numbers for each figure, over all layers one after the other;
``<model>/kernel-facts.js`` the clips, classes and names that the kernels' pages share. What is not known is null.
Addresses are relative to the root of the site.
"""

from __future__ import annotations

from functools import partial
from itertools import accumulate
from typing import Any

from reportgen.audit.headline import headline
from reportgen.pages.census import MeasuredKernel
from reportgen.pages.kernel_index import ROOT, SHARD, KernelIndex
from reportgen.pages.known_parts import KnownParts
from reportgen.pages.report import ModelView
from reportgen.pages.spread import short, short_or_none
from reportgen.pages.strips import clip_strip, strip, strip_data
from reportgen.reading.addresses import relative_link
from reportgen.reading.format import short_layer_name
from reportgen.reading.probes import PROBE_TITLES
from reportgen.reading.raised import what_is_explained
from reportgen.reading.views import KernelView

DEAD, DUPLICATE, SILENT, VISUALISED, KEPT = 1, 2, 4, 8, 16
"""Bits of a kernel's state in the list of all kernels."""


def state_bits(row: MeasuredKernel) -> int:
    """Return what is said of a kernel in a word each, as bits."""
    flags = (
        (row.dead, DEAD),
        (bool(row.twins), DUPLICATE),
        (row.silent, SILENT),
        (row.visualised, VISUALISED),
        (row.kept, KEPT),
    )
    return sum(bit for holds, bit in flags if holds)


def kernel_list(index: KernelIndex, known: KnownParts | None = None) -> dict[str, Any]:
    """Return a column for each figure, over the kernels of all layers in their order, and by place what few have.

    What is `known` of a layer that an earlier render read is taken from there.
    """
    known = known or KnownParts()
    model = index.model
    parts = [known.part(index.keys.get(layer, ""), partial(_layer_part, index, layer)) for layer in index.layers]
    texts = dict.fromkeys(text for part in parts for text in part["word"] if text is not None)
    words = {text: place for place, text in enumerate(texts)}
    found: dict[str, Any] = {
        "model": model.title,
        "shard": SHARD,
        "layers": _layer_facts(index),
        "words": list(words),
        "concepts": [one.name for one in model.concepts],
        "clips": [_thumbnail(index, name) for name in index.clips],
    }
    for name in _COLUMNS:
        found[name] = [value for part in parts for value in part[name]]
    found["word"] = [None if text is None else words[text] for text in found["word"]]
    starts = [0, *accumulate(len(part["state"]) for part in parts)]
    for name in _FEW:
        found[name] = {
            start + place: value for start, part in zip(starts, parts, strict=False) for place, value in part[name]
        }
    return found


_COLUMNS = ("best", "median", "motion", "speed", "state", "word", "auroc", "clip")
"""What is said of every kernel."""

_FEW = ("twin", "concept", "said", "page", "picture")
"""What is said of few."""


def _layer_part(index: KernelIndex, layer: str) -> dict[str, list[Any]]:
    """Return the columns of one layer; of what few kernels have, pairs of a place in the layer and a value."""
    model, rows = index.model, index.rows(layer)
    concepts = {one.name: place for place, one in enumerate(model.concepts)}
    driven = [driving(index, layer, row) for row in rows]
    views = {row.index: index.views[layer, row.index] for row in rows if row.visualised}
    speeds = {place: view.figures.mean_speed for place, view in views.items()}
    return {
        "best": [value for _, value in driven],
        "median": [short_or_none(row.of_median) for row in rows],
        "motion": [short_or_none(row.told.motion_reliance if row.told else None) for row in rows],
        "speed": [short_or_none(speeds.get(row.index)) for row in rows],
        "state": [state_bits(row) for row in rows],
        "word": [row.word.word.text if row.word else None for row in rows],
        "auroc": [short_or_none(row.word.word.auroc if row.word else None) for row in rows],
        "clip": [clip for clip, _ in driven],
        "twin": [[row.index, row.twins[0]] for row in rows if row.twins],
        "concept": [[row.index, [concepts[name] for name in row.concepts]] for row in rows if row.concepts],
        "said": [[place, headline(view.figures, model.limits).claim] for place, view in views.items()],
        "page": [[place, str(relative_link(ROOT, view.uri))] for place, view in views.items() if "#" not in view.uri],
        "picture": [
            [place, str(relative_link(ROOT, poster))]
            for place, view in views.items()
            if (poster := _poster(index, view))
        ],
    }


def driving(index: KernelIndex, layer: str, row: MeasuredKernel) -> tuple[int | None, float | None]:
    """Return the clip that drives a kernel most and the response to it; of the probed ones where no other is known.

    Where no clip drives it, there is no such clip.
    """
    best = index.model.evidence.best(layer, row.index)
    if best:
        return None if row.dead else index.clips[best.clip], short(best.value)
    if row.probes is None:
        return None, None
    driven = (row.probes.response or 0.0) > 0
    return index.clips[row.probes.clip] if driven else None, short_or_none(row.probes.response)


def _layer_facts(index: KernelIndex) -> list[dict[str, Any]]:
    return [
        {
            "name": layer,
            "short": short_layer_name(layer),
            "title": index.model.stage_title(layer),
            "page": str(relative_link(ROOT, index.model.addresses.all_kernels(layer))),
            "kernels": index.model.census[layer],
        }
        for layer in index.layers
    ]


def _poster(index: KernelIndex, view: KernelView) -> str:
    found = clip_strip(index.model.addresses, view.answer("kernels"), "stage1", view.name)
    return found.poster if found else ""


def _thumbnail(index: KernelIndex, name: str) -> list[str]:
    facts = index.model.clips.get(name)
    poster = index.model.addresses.file(facts.poster.path) if facts and facts.poster else ""
    return [index.model.driver_title(name), str(relative_link(ROOT, poster)) if poster else ""]


def kernel_facts(index: KernelIndex) -> dict[str, Any]:
    """Return what the kernels' pages share."""
    model = index.model
    pyramids = model.pyramids
    return {
        "model": model.title,
        "shard": SHARD,
        "layers": _layer_facts(index),
        "probes": list(PROBE_TITLES.values()),
        "clips": [_clip(index, name) for name in index.clips],
        "reference": model.evidence.clips,
        "classes": what_is_explained(pyramids),
        "asked": _asked(model, len(what_is_explained(pyramids))),
        "value": model.words.its_value,
        "one": model.words.one,
        "pyramids": [
            [f"{pyramid.label} on {pyramid.clip_title}", str(relative_link(ROOT, pyramid.uri))] for pyramid in pyramids
        ],
        "concepts": [[one.name, str(relative_link(ROOT, one.uri))] for one in model.concepts],
    }


def _clip(index: KernelIndex, name: str) -> dict[str, Any]:
    facts, title = index.model.clips.get(name), index.model.driver_title(name)
    found = strip(index.model.addresses, facts.clip, facts.poster, title) if facts else None
    return {"title": title} | ({"clip": strip_data(ROOT, found)} if found else {})


def _asked(model: ModelView, classes: int) -> str:
    """Say of how many classes the pyramids are."""
    known = model.run.card.classes
    return "" if known is None else f"{classes} of {known} classes"
