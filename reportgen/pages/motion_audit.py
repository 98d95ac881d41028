"""Motion or appearance: what is left of each class and kernel when a clip's motion is taken away or changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from reportgen.audit.limits import Limits
from reportgen.audit.moving import relies_on_motion
from reportgen.outputs.charts import Interval, Intervals
from reportgen.outputs.model import ReportFigure
from reportgen.pages.downloads import Download
from reportgen.pages.later import PageContent, content_once_needed
from reportgen.pages.layer_keys import page_keys
from reportgen.pages.motion_clips import played_clips
from reportgen.pages.motion_rows import (
    ProbedLayerRow,
    kernel_rows,
    layer_rows,
    near_silent_kernels,
    relying_kernels,
)
from reportgen.pages.motion_tables import (
    classes_table,
    clips_table,
    probed_kernels_table,
    probed_layers_table,
    silent_table,
)
from reportgen.pages.page import Found, Page
from reportgen.pages.report import ModelView, Report
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import count, percent, plural
from reportgen.reading.views import notes_told, trouble
from reportgen.reading.words import CLASSES, Words
from reportgen.records.answers.motion import ClassProbes, ModelProbes
from reportgen.records.jobs import Done, Record

CLASSES_DRAWN = 40
"""Classes in the chart; all are in its table."""


def verdict_in_words(classes: tuple[ClassProbes, ...], limits: Limits, words: Words = CLASSES) -> str:
    """Return what the reliance of classes, or of targets, says, in one sentence."""
    known = [row.motion_reliance for row in classes if row.motion_reliance is not None]
    if not known:
        return f"Nothing can be said of {words.many}: none {_has_to_lose(words)}."
    if len(known) == 1:
        which = f"The one {words.one} that was probed" if len(classes) == 1 else _one_of(len(classes), words)
        return f"{which} {_loses(known[0], words)} when nothing moves."
    relying = sum(relies_on_motion(row.motion_reliance, row.dissolved_loss, limits) for row in classes)
    changing = sum(value >= limits.motion_reliance for value in known) - relying
    ignoring = sum(value < limits.motion_ignored for value in known)
    much, little = percent(limits.motion_reliance), percent(limits.motion_ignored)
    if relying:
        lose, whose = ("relies on motion (it loses", "its") if relying == 1 else ("rely on motion (they lose", "their")
        said = f"Of {len(known)} {words.many}, {relying} {lose} at least {much} of {whose} {words.value}"
    else:
        none = "Neither" if len(known) == 2 else "None"
        said = f"{none} of {len(known)} {words.many} relies on motion (loses at least {much} of its {words.value}"
    every = "both" if len(known) == 2 else "all"
    fewer = every if ignoring == len(known) else ignoring or "none"
    return f"{said} when nothing moves), and {fewer} {_lose(max(ignoring, 1))} less than {little}." + (
        f" {changing} more {_lose(changing)} at least {much} in a still clip, but not where its first frame "
        f"dissolves into the last: {'it needs' if changing == 1 else 'they need'} change, and no motion."
        if changing
        else ""
    )


def _lose(count: int) -> str:
    return "loses" if count == 1 else "lose"


def _one_of(count: int, words: Words) -> str:
    return f"Of {count} {words.many}, one {_has_to_lose(words)}: it"


def _has_to_lose(words: Words) -> str:
    """Say of which one it is asked what it loses."""
    return "stands out by its logit on its own clips" if words is CLASSES else f"has a positive {words.value}"


def _loses(reliance: float, words: Words) -> str:
    """Say which share of a value is gone; a still clip may leave more than all of it, or speak against it."""
    if reliance <= 0:
        return f"loses nothing of its {words.value}"
    if reliance > 1:
        return f"loses more than all of its {words.value}"
    return f"loses {percent(reliance)} of its {words.value}"


def mean_in_words(probes: ModelProbes, words: Words = CLASSES) -> str:
    """Return the mean reliance over all clips with its interval, in one sentence; empty where there is none."""
    mean, low, high = probes.motion_reliance, probes.motion_reliance_low, probes.motion_reliance_high
    if mean is None or low is None or high is None:
        return ""
    if mean < 0:
        return (
            f"On average over the clips, the {words.value} grows by {percent(-mean)} when nothing moves (95% interval "
            f"of what it loses {percent(low)} to {percent(high)})."
        )
    return (
        f"On average over the clips, the {words.value} loses {percent(mean)} (95% interval {percent(low)} to "
        f"{percent(high)})."
    )


def kernels_in_words(probes: ModelProbes, limits: Limits) -> str:
    """Return what the kernels' reliance says, in a sentence or two; empty when no kernel was driven enough."""
    silent = sum(len(near_silent_kernels(layer, limits)) for layer in probes.layers.values())
    measured = sum(layer.measured for layer in probes.layers.values()) - silent
    relying = sum(relying_kernels(layer, limits) for layer in probes.layers.values())
    if not measured:
        return ""
    rely, lose, whose = ("relies", "it loses", "its") if relying == 1 else ("rely", "they lose", "their")
    return (
        f"Of {count(measured)} kernels that clips drive, {count(relying)} ({percent(relying / measured)}) {rely} on "
        f"motion ({lose} at least {percent(limits.motion_reliance)} of {whose} response when nothing moves)."
        + (
            f" Not counted: {plural(silent, 'near-silent kernel')}, driven to less than "
            f"{percent(limits.near_silent)} of the layer's median response."
            if silent
            else ""
        )
    )


def _csv(model: ModelView, records: Sequence[Record]) -> Download | None:
    """Return the file of all kernels, where there is one."""
    for record in records:
        done = record.outcome if isinstance(record.outcome, Done) else None
        if done and done.artifact("kernel_motion", "text"):
            return next((file for file in model.downloads(record) if file.is_of_type(".csv")), None)
    return None


def reliance_figures(
    model: ModelView, classes: Sequence[ClassProbes], layers: Sequence[ProbedLayerRow], most: int = CLASSES_DRAWN
) -> tuple[ReportFigure | None, ReportFigure | None]:
    """Return the reliance of at most so many classes, the strongest first, and that of the stages."""
    one = model.words.one
    shown = [
        Interval(model.question(row.target), row.motion_reliance, row.motion_reliance_low, row.motion_reliance_high)
        for row in classes
        if row.motion_reliance is not None
    ]
    drawn = Excerpt.of(shown, most)
    more = f"; {count(drawn.left_out)} more are in the table" if drawn.left_out else ""
    stages = [
        Interval(row.title, row.whole, row.low, row.high) for row in layers if row.stage and row.whole is not None
    ]
    what = "Motion reliance"
    return (
        ReportFigure(
            "reliance",
            Intervals(drawn.shown, what),
            f"Motion reliance of each {one}",
            f"{model.words.many.capitalize()}: motion reliance, the strongest first{more}",
        )
        if shown
        else None,
        ReportFigure(
            "stages",
            Intervals(stages, what),
            "Motion reliance of each stage",
            "Stages, in the network's order: motion reliance of all their kernels' responses to all clips together",
        )
        if stages
        else None,
    )


def strongest_first(found: ModelProbes) -> tuple[ClassProbes, ...]:
    """Return the classes, or targets, those that rely on motion most first."""
    return tuple(sorted(found.classes, key=lambda row: -(row.motion_reliance or 0.0)))


def motion_sentence(model: ModelView, found: ModelProbes, classes: tuple[ClassProbes, ...]) -> str:
    """Return what the probes found, in a few sentences."""
    said = (
        verdict_in_words(classes, model.limits, model.words),
        mean_in_words(found, model.words),
        kernels_in_words(found, model.limits),
    )
    return " ".join(filter(None, said))


def _content(model: ModelView, records: Sequence[Record]) -> PageContent:
    """Return what the page of a model shows."""
    found = model.motion_probes
    classes = strongest_first(found) if found else ()
    sentence = motion_sentence(model, found, classes) if found else ""
    layers = layer_rows(model, found) if found else []
    kernels, silent = kernel_rows(model, found) if found else (Excerpt(), Excerpt())
    charts = reliance_figures(model, classes, layers)
    tables = {
        "classes": classes_table(model, classes) if classes else None,
        "layers": probed_layers_table(layers) if layers else None,
        "clips": clips_table(model, model.clip_probes) if model.clip_probes else None,
        "kernels": probed_kernels_table(kernels) if kernels else None,
        "silent": silent_table(silent) if silent else None,
    }
    context = {
        "model": model,
        "found": found,
        "sentence": sentence,
        "charts": [chart for chart in charts if chart],
        "played": played_clips(model),
        "tables": tables,
        "layers": layers,
        "kernel_count": sum(row.measured for row in layers),
        "threshold": model.limits.motion_reliance,
        "csv": _csv(model, records),
        "notes": notes_told(records),
        "kernels": kernels,
        "silent": silent,
        "silent_count": sum(row.silent for row in layers),
        "near_silent": model.limits.near_silent,
        "troubles": [item for r in records if (item := trouble(r.job.unit, r.outcome))],
        "records": records,
    }
    return PageContent(context, tuple(block for block in (*charts, *tables.values()) if block), sentence)


def _page(report: Report, model: ModelView, records: Sequence[Record]) -> Page:
    uri, key = model.addresses.motion, page_keys(report, model).apart
    content = content_once_needed(report.known, key and f"{uri} {key}", partial(_content, model, records))
    found = model.motion_probes
    return Page(
        uri=uri,
        title=f"Motion or appearance · {model.title}",
        template="pages/motion.md.j2",
        description=content.description,
        context=content.context,
        sources=tuple(record.key for record in records),
        nav=(model.title,),
        nav_title="Motion or appearance",
        wide=True,
        finder=Found("Motion or appearance", model.title, "freeze shuffle reverse reliance"),
        also_found=tuple(
            ("classes", Found(model.question(row.target), model.among_others(f"{model.words.one}: motion probes")))
            for row in (strongest_first(found) if found else ())
        ),
        blocks=content.blocks,
        key=key,
    )


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per model whose motion was probed."""
    for model in report.models:
        if records := model.manifest.of("motion"):
            yield _page(report, model, records)
