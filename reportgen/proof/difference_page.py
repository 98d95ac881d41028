"""The page about two reports, as a document in the neutral model: what changed, and by how much noise can."""

from __future__ import annotations

from collections.abc import Iterator

from reportgen.outputs.model import Column, DocumentBlock, Prose, ReportDocument, Section, Table, columns, rows
from reportgen.proof.changes import LayerDifference, NetworkDifference, OtherSetting, ReportDifference
from reportgen.proof.difference import LEAST_SHARED
from reportgen.version import __version__

_MOST_KERNELS = 40


def difference_document(found: ReportDifference) -> ReportDocument:
    """Return the page about two reports."""
    only = [(name, found.first) for name in found.only_first] + [(name, found.second) for name in found.only_second]
    alone = [Prose(f"{name} is in {where} only.", "warning") for name, where in only]
    opening = Section("", "What changed", (Prose(found.sentence, "lead"), *alone))
    networks = tuple(
        Section("", one.second if one.first == one.second else f"{one.first} and {one.second}", tuple(_blocks(one)))
        for one in found.networks
    )
    return ReportDocument(
        title=f"{found.first} and {found.second}",
        sections=(opening, *networks),
        subtitle=f"Two reports compared by reportgen {__version__}",
        description=found.sentence,
    )


def _blocks(one: NetworkDifference) -> Iterator[DocumentBlock]:
    weights = (
        "The weights are the same." if one.same_weights else "The weights are others, or not known to be the same."
    )
    yield Prose(weights)
    if one.settings:
        yield _settings(one.settings)
    if one.unmatched:
        yield Prose(f"Kernels were not compared. {one.unmatched}", "warning")
    else:
        yield from _kernel_blocks(one)
    if one.verdicts:
        head = columns("Check", "Before", Column("Figure before"), "After", Column("Figure after"))
        found = rows((v.name, v.first, v.first_figure, v.second, v.second_figure) for v in one.verdicts)
        yield Table("verdicts", "Verdicts that changed", head, found)
    if one.motion:
        head = columns("What", *(Column(name, "percent") for name in ("Before", "After", "Noise")))
        found = rows((m.what, m.first, m.second, m.noise) for m in one.motion)
        caption = "Share of the response, or of the class's logit, that is gone in the best frozen frame. Noise: the "
        caption += "half widths of both 95% intervals over the clips, added as squares."
        yield Table("motion", "Reliance on motion that changed", head, found, caption)
    if one.pathways:
        head = columns("Class", "Clip", Column("Kernels shared", "percent"))
        found = rows((p.target, p.clip, p.shared) for p in one.pathways)
        caption = f"Of the kernels that either pathway keeps; listed under {LEAST_SHARED:.0%}."
        yield Table("pathways", "Class pathways that changed", head, found, caption)


def _settings(settings: tuple[OtherSetting, ...]) -> Table:
    found = rows((one.name, one.first, one.second) for one in settings)
    caption = "Versions and options in which the two runs are not alike: what changed may have changed by these."
    return Table("settings", "Made in another way", columns("What", "Before", "After"), found, caption)


def _kernel_blocks(one: NetworkDifference) -> Iterator[DocumentBlock]:
    head = columns(
        "Layer",
        *(
            Column(name, "count")
            for name in ("Kernels matched", "Changed", "At another index", "Without a counterpart")
        ),
        Column("Noise", "percent1"),
        Column("Steady pairs", "percent"),
    )
    found = rows(
        (k.layer, k.kernels, len(k.changed), k.moved, len(k.only_first) + len(k.only_second), k.noise, k.steady)
        for k in one.layers
    )
    caption = (
        f"Kernels are paired by their responses to {one.clips} clips that both reports measured, so that the sum of "
        "the correlations is largest. A pair changed when the root mean square of the difference of the responses, "
        "relative to their spread over the clips, is above the noise: 1% for rounding, and twice the median standard "
        "error by the halves of the clips. Steady pairs are those that both halves make, each for itself."
    )
    yield Table("kernels", "Kernels", head, found, caption)
    if first := one.first_changed_layer:
        yield Prose(f"The first layer in which kernels changed is {first}. Later ones may have changed by that alone.")
    for layer in one.layers:
        if layer.changed:
            yield _changed(layer)


def _changed(layer: LayerDifference) -> Table:
    head = columns(
        Column("Before", "code"),
        Column("After", "code"),
        Column("Difference", "percent"),
        Column("Correlation", "fixed"),
        Column("Motion reliance before", "percent"),
        Column("after", "percent"),
        "What it answered to",
        "What it answers to",
    )
    found = rows(
        (
            *(f"#{k.first}", f"#{k.second}", k.difference, k.correlation),
            *(k.first_reliance, k.second_reliance, k.first_says, k.second_says),
        )
        for k in layer.changed[:_MOST_KERNELS]
    )
    left = max(0, len(layer.changed) - _MOST_KERNELS)
    title = f"Kernels of {layer.layer} that changed"
    return Table(f"changed-{layer.layer}", title, head, found, "", left, "the output of --json" if left else "")
