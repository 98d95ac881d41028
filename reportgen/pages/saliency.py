"""Saliency pages: where and when the network looked in a clip, method by method, in step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from reportgen.pages import charts
from reportgen.pages.format import figure, percent
from reportgen.pages.page import Page
from reportgen.pages.report import ClassView, ModelView, Report, Trouble, trouble
from reportgen.pages.strips import Download, Strip, clip_strip, downloads, strip
from reportgen.pages.summary import metric_rows
from reportgen.pages.verdicts import Verdict, graded
from reportgen.records.manifest import ClipFacts


@dataclass(frozen=True)
class MapView:
    """One method's answer about a class on a clip."""

    title: str
    method: str
    overlay: Strip | None
    heat: Strip | None
    profile: Markup | None
    peak: int | None
    signed: bool
    scale: float | None
    verdicts: list[Verdict]
    trouble: Trouble | None
    numbers: list[tuple[str, str]]
    parameters: list[tuple[str, str]]
    downloads: list[Download]


def map_verdicts(completeness: float | None) -> list[Verdict]:
    """Return the badges of one map."""
    found = [
        Verdict(
            "untested",
            "faithful",
            "–",
            "beats random maps at insertion and deletion",
            "Does uncovering what the map marks bring the class back? This run did not measure it.",
        )
    ]
    if completeness is not None:
        state = graded(abs(completeness), 0.01, 0.05)
        share = percent(abs(completeness), 2)
        found.insert(
            0, Verdict(state, "adds up", share, "error at most 1%", "Do the attributions sum to the logit's change?")
        )
    return found


def map_view(model: ModelView, view: ClassView, clip_title: str) -> MapView:
    """Return what the page shows of one map."""
    done = view.answer
    metrics = done.metrics if done else {}
    method = str(metrics.get("method") or view.record.job.parameters.get("method") or "saliency")
    title = str(metrics.get("title") or method.replace("_", " "))
    values = metrics.get("temporal_profile")
    profile = [float(v) for v in values if isinstance(v, int | float)] if isinstance(values, list) else []
    return MapView(
        title=title,
        method=method,
        overlay=clip_strip(model.addresses, done, "overlay", f"{title} on {clip_title}"),
        heat=clip_strip(model.addresses, done, "overlay_map", f"{title}, the map alone"),
        profile=charts.profile(profile, f"Attribution per frame, {title}") if profile else None,
        peak=profile.index(max(profile)) + 1 if profile else None,
        signed=metrics.get("signed") is True,
        scale=figure(metrics, "scale"),
        verdicts=map_verdicts(figure(metrics, "completeness_error")) if done else [],
        trouble=trouble(title, view.record.outcome),
        numbers=metric_rows(metrics),
        parameters=metric_rows(view.record.job.parameters),
        downloads=downloads(model.addresses, done),
    )


def _page(model: ModelView, clip: ClipFacts) -> Page:
    views = [view for view in model.classes("saliency") if view.clip == clip.name]
    groups = [
        (model.label(index), index, [map_view(model, view, clip.title) for view in views if view.index == index])
        for index in dict.fromkeys(view.index for view in views)
    ]
    pyramids = [
        (model.label(v.index), model.addresses.pyramid(v.clip, v.index))
        for v in model.classes("pyramid")
        if v.clip == clip.name
    ]
    return Page(
        uri=model.addresses.clip(clip.name),
        title=clip.title,
        template="pages/saliency.md.j2",
        context={
            "model": model,
            "clip": clip,
            "clip_strip": strip(model.addresses, clip.clip, clip.poster, clip.title),
            "groups": groups,
            "pyramids": pyramids,
            "predictions": [(model.label(i), logit, share) for i, logit, share in clip.predictions],
            "label": None if clip.label is None else model.label(clip.label),
        },
        sources=tuple(view.record.key for view in views),
        nav=(model.title, "Clips"),
        nav_title=clip.title,
        wide=True,
    )


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per clip that the report is about."""
    for model in report.models:
        for clip in model.subjects:
            yield _page(model, clip)
