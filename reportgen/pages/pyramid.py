"""Class pyramid pages: which kernels, through which kernels, make the network say this class about this clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from reportgen.audit.limits import Limits
from reportgen.audit.pathways import pathway_state, pathway_words
from reportgen.audit.verdicts import Verdict
from reportgen.outputs.charts import Drops, StepCurve
from reportgen.outputs.model import Column, Reference, ReportFigure, Table, columns
from reportgen.pages.comparable import Comparable, present_pictures
from reportgen.pages.downloads import Download
from reportgen.pages.page import Found, Page, ScriptData
from reportgen.pages.pyramid_graph import NodeRow, graph_data, mixing, node_rows
from reportgen.pages.pyramid_overview import overview
from reportgen.pages.report import ModelView, Report
from reportgen.pages.strips import Strip, clip_strip, still_strip, strip
from reportgen.reading.ablation import Drop, causal_drops
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import (
    answer_rows,
    fixed,
    number,
    parameter_rows,
    percent,
    short_kernel_name,
    short_layer_name,
)
from reportgen.reading.views import ClassView, Pyramid, trouble
from reportgen.reading.words import CLASSES, Words
from reportgen.records.answers.pyramid import PyramidAnswer

TABLE_ROWS = 300
"""Kernels in the page's table; the whole list is in the files below it."""

MOST_OTHERS = 40
"""Other pyramids in a page's list: with all of them, the site would grow with the square of their number."""


def kernels_table(model: ModelView, pyramid: Pyramid, found: Sequence[NodeRow]) -> Table:
    """Return the kernels behind the graph."""
    shown = Excerpt.of(found, TABLE_ROWS)
    attributed = pyramid.graph.scoring == "attribution"
    heads = columns(
        "Kernel",
        Column("Layer", "code"),
        Column("Back-steps", "count"),
        Column("Relevance", "number", f"{model.words.value}s" if attributed else "score 0 to 1"),
        Column("Share of its layer", "percent1"),
        Column("Activation", "number"),
    )
    told = tuple(
        (Reference(r.name, r.uri), r.node.layer, r.node.depth, r.node.relevance, r.share, r.node.activation)
        for r in shown
    )
    return Table("kernels", "Kernels of the pyramid", heads, told, "", shown.left_out, "in the files below")


def against_table(model: ModelView, pyramid: Pyramid, label: str) -> Table:
    """Return the kernels that speak most against the class."""
    heads = columns("Kernel", Column("Back-steps", "count"), Column("Relevance", "number"))
    told = (
        (Reference(r.name, r.uri), r.node.depth, r.node.relevance) for r in node_rows(model, pyramid.graph.negative)
    )
    whom = label if model.has_classes else f"the {label}"
    return Table("against", f"Kernels that speak most against {whom}", heads, tuple(told))


def drops_chart(drops: Sequence[Drop], words: Words) -> ReportFigure | None:
    """Return what removing kernels costs beside removing others; None where the causal check was not run."""
    alt = f"Fall of the {words.its_value} when kernels are removed"
    caption = f"{alt}; below each bar as many of the same layers, as active and not kept: mean and 95% interval."
    return ReportFigure("removal", Drops(drops), alt, caption) if drops else None


def theta_chart(pyramid: Pyramid) -> ReportFigure | None:
    """Return how many kernels of all layers are kept as the threshold rises; None when that was not counted."""
    kept = pyramid.graph.theta.kept.values()
    values = [float(sum(counts)) for counts in zip(*kept, strict=True)]
    if len(values) < 2:
        return None
    chart = StepCurve(values, "theta from 0 to 1", "kernels kept")
    return ReportFigure("threshold", chart, "Kernels kept as theta rises", "Kernels kept as the threshold rises")


@dataclass(frozen=True)
class Tube:
    """Where a layer's kept kernels answer: on the clip, frame behind frame, and for single kernels by their index."""

    layer: str
    clip: Strip
    stack: Strip | None
    kernels: list[tuple[str, Strip]]


def _tubes(model: ModelView, view: ClassView) -> list[Tube]:
    found = []
    roles = list(dict.fromkeys(a.role for a in view.answer.artifacts)) if view.answer else []
    for role in roles:
        layer = role.removeprefix("tube.")
        moving = clip_strip(model.addresses, view.answer, role, f"Saliency tube of {layer}")
        if layer == role or role.endswith("_map") or moving is None:
            continue
        before = f"kernel_tube.{layer}."
        own = [(r.removeprefix(before), r) for r in roles if r.startswith(before) and not r.endswith("_map")]
        clips = [(index, clip_strip(model.addresses, view.answer, r, f"Kernel {index}")) for index, r in own]
        found.append(
            Tube(
                layer,
                moving,
                still_strip(model.addresses, view.answer, f"stack.{layer}", f"Tube of {layer}, frame behind frame"),
                [(short_kernel_name(layer, int(i)), clip) for i, clip in clips if clip and i.isdigit()],
            )
        )
    return found


def _pictures(file: Download) -> bool:
    return file.label.startswith(("tube.", "kernel_tube.", "stack."))


LEAST_CURVATURE = 1e-4
"""Share of a logit under which what is left over is rounding."""


def conservation_sentence(pyramid: Pyramid, words: Words = CLASSES) -> str:
    """Return in words how far the relevance adds up to the logit, and where that can be said at all."""
    value = words.value
    found = pyramid.graph.document.conservation
    if found is None:
        return f"The published scores are no shares of the {value}: they do not add up to it."
    if pyramid.graph.conservation is None:
        return (
            f"Every layer behind the {words.one} is passed by a skip path or a branch, so no single layer holds the "
            f"whole {value} and there is no sum to check."
        )
    *others, deepest = [short_layer_name(name) for name, _, _ in found.cuts[1:]]
    left = percent(found.curvature_share, 2) if abs(found.curvature_share) >= LEAST_CURVATURE else "nothing"
    most = f" (at most {percent(found.error, 2)} also at {', '.join(others)})" if others else ""
    return (
        f"At {deepest}, which every path passes, relevance is {percent(found.cuts[-1][1], 1)} of the {value} without "
        f"the last bias, and the biases, norms' shifts and constants behind it are {percent(found.bias_share, 1)}; the "
        f"network's curvature leaves over {left}{most}."
    )


def others(model: ModelView, view: ClassView) -> Excerpt[tuple[str, str]]:
    """Return the nearest other pyramids by name and address: of the same clip, of the same class, then any."""
    every = model.classes("pyramid")

    def nearest() -> Iterator[ClassView]:
        seen = {view.record.key}
        for other in chain(model.on_clip("pyramid", view.clip), model.of_target("pyramid", view.target), every):
            if other.record.key not in seen:
                seen.add(other.record.key)
                yield other

    return Excerpt.of(nearest(), MOST_OTHERS, total=len(every) - 1).map(
        lambda other: (
            f"{model.question(other.target)} on {model.clip_title(other.clip, other.target)}",
            model.addresses.pyramid(other.clip, other.target),
        )
    )


def causal_verdict(
    answer: PyramidAnswer | None, drops: Sequence[Drop], words: Words, limits: Limits
) -> tuple[Verdict, str] | None:
    """Return the causal check's badge and its sentences; None where it was not run."""
    together = next((drop for drop in drops if drop.name == "together"), None)
    if answer is None or together is None:
        return None
    state = pathway_state(together, answer.class_clips, limits)
    badge = Verdict(
        state,
        "causal check",
        together.p,
        fixed(together.p, 3),
        f"p at most {fixed(limits.pathway_p)}, on this clip and on others",
        f"Does removing the kernels cost this {words.one} more than others, and more than other kernels do?",
    )
    return badge, pathway_words(together, answer.class_clips, words, limits)


def _compared(model: ModelView, view: ClassView, tubes: Sequence[Tube]) -> Comparable:
    """Return the class on its clip, with where its kernels answer, as it stands beside others."""
    clip, label = model.clips.get(view.clip), model.question(view.target)
    answer = model.answer(view.record, PyramidAnswer)
    together = next((drop for drop in causal_drops(answer) if drop.name == "together"), None) if answer else None
    figures = (
        (model.words.value, number(answer.logit) if answer else ""),
        ("falls without its kernels by", number(together.drop) if together else ""),
        ("without as many others by", number(together.random_mean) if together else ""),
    )
    shown = present_pictures(clip=strip(model.addresses, clip.clip, clip.poster, clip.title) if clip else None)
    return Comparable(
        "class",
        f"{label} · {model.clip_title(view.clip, view.target)}",
        model.title,
        (*shown, *((short_layer_name(tube.layer), tube.clip) for tube in tubes)),
        figures,
        (("class", label), *((("clip", clip.sha256[:12]),) if clip else ())),
    )


def _page(model: ModelView, view: ClassView, pyramid: Pyramid | None) -> Page:
    uri = model.addresses.pyramid(view.clip, view.target)
    clip = model.clips.get(view.clip)
    label = model.question(view.target)
    clip_title = model.clip_title(view.clip, view.target)
    answer = model.answer(view.record, PyramidAnswer)
    drops = causal_drops(answer) if answer else []
    rows = (
        node_rows(model, [node for node in pyramid.graph.nodes if node.layer not in mixing(pyramid)]) if pyramid else []
    )
    data = ScriptData(uri.removesuffix(".md") + "-graph.js", "graph", graph_data(model, pyramid)) if pyramid else None
    table = kernels_table(model, pyramid, rows) if pyramid else None
    against = against_table(model, pyramid, label) if pyramid and pyramid.graph.negative else None
    theta, divided = (theta_chart(pyramid), overview(model, pyramid)) if pyramid else (None, None)
    removed = drops_chart(drops, model.words)
    tubes, files = _tubes(model, view), model.downloads(view.record)
    return Page(
        uri=uri,
        title=f"{label} on {clip_title} · {model.title}",
        template="pages/pyramid.md.j2",
        context={
            "model": model,
            "view": view,
            "pyramid": pyramid,
            "trouble": trouble(model.words.pyramid.capitalize(), view.record.outcome),
            "label": label,
            "clip": clip,
            "clip_title": clip_title,
            "clip_strip": strip(model.addresses, clip.clip, clip.poster, clip.title) if clip else None,
            "data": data,
            "others": others(model, view),
            "drops": drops,
            "drops_chart": removed,
            "causal": causal_verdict(answer, drops, model.words, model.limits),
            "table": table,
            "notes": view.answer.notes if view.answer else (),
            "against": against,
            "theta": theta,
            "tubes": tubes,
            "has_motion": bool(data and data.data["motion"]),
            "overview": divided,
            "conserved": conservation_sentence(pyramid, model.words) if pyramid else "",
            "logit": answer.logit if answer else None,
            "numbers": answer_rows(answer, model.words),
            "parameters": parameter_rows(view.record.job.parameters),
            "downloads": [file for file in files if not _pictures(file)],
            "picture_files": [file for file in files if _pictures(file)],
        },
        sources=(view.record.key,),
        assets=(data,) if data else (),
        nav=(model.title, f"{model.words.pyramid.capitalize()}s"),
        nav_title=f"{label} · {clip_title}",
        wide=True,
        finder=Found(label, model.among_others(f"{model.words.pyramid} on {clip_title}"), "graph class"),
        blocks=tuple(block for block in (removed, divided, table, against, theta) if block),
        compared=_compared(model, view, tubes) if pyramid else None,
    )


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per class on a clip."""
    for model in report.models:
        computed = {pyramid.view.record.key: pyramid for pyramid in model.pyramids}
        for view in model.classes("pyramid"):
            yield _page(model, view, computed.get(view.record.key))
