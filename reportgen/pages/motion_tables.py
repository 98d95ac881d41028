"""The tables of the motion audit: classes, layers, clips and kernels, with what each probe leaves of them."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.outputs.model import Cell, Column, Reference, Table, columns
from reportgen.pages.motion_rows import ProbedKernelRow, ProbedLayerRow
from reportgen.pages.report import ModelView
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import count, fixed, plural
from reportgen.reading.probes import PROBE_TITLES
from reportgen.records.answers.motion import ClassProbes, ClipProbes

_OTHERS = {name: title for name, title in PROBE_TITLES.items() if name != "frozen"}


def _title(words: str) -> str:
    return words[:1].upper() + words[1:]


def classes_table(model: ModelView, classes: Sequence[ClassProbes]) -> Table:
    """Return every class, or target, with all probes."""
    probes = PROBE_TITLES if model.has_classes else {}
    heads = columns(
        _title(model.words.one),
        Column("Clips", "count"),
        Column("Motion reliance", "fixed"),
        Column("95% interval", "fixed", parts=("low", "high")),
        Column("Lost, dissolved", "fixed"),
        Column("Order sensitivity", "fixed"),
        *(Column(f"Kept, {title}", "percent") for title in probes.values()),
    )
    told: list[tuple[Cell, ...]] = [
        (
            model.question(row.target),
            row.clips,
            row.motion_reliance,
            (row.motion_reliance_low, row.motion_reliance_high),
            row.dissolved_loss,
            row.order_sensitivity,
            *(row.kept.get(name) for name in probes),
        )
        for row in classes
    ]
    kept = f"Kept: the share of clips whose {model.words.one} is still recognised under a probe." if probes else ""
    return Table("classes", _title(model.words.many), heads, tuple(told), kept)


def probed_layers_table(found: Sequence[ProbedLayerRow]) -> Table:
    """Return every probed layer."""
    silent = any(row.silent for row in found)
    quartiles = Column(
        "Motion reliance, quartiles", "fixed", parts=("lower", "median", "upper"), joined=" · ", leading=1
    )
    heads = columns(
        "Layer",
        quartiles,
        Column("Of all responses", "fixed"),
        Column("95% interval", "fixed", parts=("low", "high")),
        Column("Rely on motion", "count", parts=("kernels", "of"), joined=" of "),
        *((Column("Near-silent", "count"),) if silent else ()),
        *(Column(_title(title), "percent") for title in _OTHERS.values()),
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(row.title, row.uri),
            row.quartiles or (),
            row.whole,
            (row.low, row.high),
            (row.relying, row.measured),
            *((row.silent,) if silent else ()),
            *(row.left.get(name) for name in _OTHERS),
        )
        for row in found
    ]
    return Table("layers", "Layers", heads, tuple(told))


def clips_table(model: ModelView, clips: Sequence[ClipProbes]) -> Table:
    """Return the report's clips: the largest value that each probe leaves, and what the clip is then taken for."""
    heads = columns(
        "Clip",
        _title(model.words.one),
        Column(_title(model.words.value), "number"),
        Column("Motion reliance", "fixed"),
        Column("Order sensitivity", "fixed"),
        *(Column(_title(title)) for title in PROBE_TITLES.values()),
    )

    def left(row: ClipProbes, name: str) -> str:
        if name not in row.probes:
            return "–"
        probe = row.probes[name]
        taken = f" {probe.predicted[probe.best]}" if probe.predicted else ""
        return f"{fixed(probe.logits[probe.best])}{taken}"

    told: list[tuple[Cell, ...]] = []
    for row in clips:
        clip = model.clips.get(row.clip)
        name = Reference(clip.title if clip else row.clip, model.addresses.clip(row.clip) if clip else "")
        own = (name, model.question(row.target), row.logit, row.motion_reliance, row.order_sensitivity)
        told.append((*own, *(left(row, name) for name in PROBE_TITLES)))
    return Table("clips", "Clips", heads, tuple(told))


def probed_kernels_table(found: Excerpt[ProbedKernelRow]) -> Table:
    """Return the kernels that rely on motion most, and the share of its response that each probe leaves."""
    heads = columns(
        "Kernel",
        "Clip",
        Column("Motion reliance", "fixed"),
        *(Column(_title(title), "percent") for title in PROBE_TITLES.values()),
    )
    told: list[tuple[Cell, ...]] = [
        (
            Reference(row.name, row.uri),
            row.clip,
            row.probes.motion_reliance,
            *(row.probes.kept(name) for name in PROBE_TITLES),
        )
        for row in found
    ]
    return Table("kernels", "Kernels", heads, tuple(told))


def silent_table(found: Excerpt[ProbedKernelRow]) -> Table:
    """Return the kernels that clips barely drive."""
    heads = columns("Kernel", "Clip", Column("Largest response", "number"), Column("Of the layer's median", "percent1"))
    told = tuple(
        (Reference(row.name, row.uri), row.clip, row.probes.response, row.probes.response_of_median) for row in found
    )
    caption = (
        f"The first {count(len(found))} of {plural(found.total, 'kernel')}, in the network's order."
        if found.left_out
        else ""
    )
    return Table("near-silent", "Near-silent kernels", heads, told, caption)
