"""A page for every analysis that none was designed for: its artifacts by kind, its numbers as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from reportgen.pages.downloads import Download
from reportgen.pages.page import Found, Page
from reportgen.pages.report import DESIGNED, ModelView, Report
from reportgen.pages.strips import Strip, strip
from reportgen.reading.format import metric_rows, parameter_rows
from reportgen.reading.views import Trouble, trouble
from reportgen.records.answers.registry import answer_models
from reportgen.records.jobs import Done, Record

#: What a browser shows as a picture, of whatever kind the figure is.
_STILL = ("image/png", "image/webp", "image/avif")


@dataclass(frozen=True)
class RecordView:
    """One answer, whatever it is."""

    unit: str
    pictures: list[tuple[str, Strip]]
    numbers: list[tuple[str, str]]
    parameters: list[tuple[str, str]]
    notes: tuple[str, ...]
    downloads: list[Download]
    trouble: Trouble | None


def record_view(model: ModelView, record: Record) -> RecordView:
    """Return what a page shows of any record: one moving or still picture for each role, the rest as files."""
    done = record.outcome if isinstance(record.outcome, Done) else None
    pictures: dict[str, Strip] = {}
    for artifact in done.artifacts if done else ():
        if (artifact.is_sprite or (artifact.media_type in _STILL and artifact.role not in pictures)) and (
            found := strip(model.addresses, artifact, None, artifact.caption or artifact.role)
        ):
            pictures[artifact.role] = found
    return RecordView(
        unit=record.job.unit,
        pictures=list(pictures.items()),
        numbers=metric_rows(_answer(record.job.analysis, done)) if done else [],
        parameters=parameter_rows(record.job.parameters),
        notes=done.notes if done else (),
        downloads=model.downloads(record),
        trouble=trouble(record.job.analysis, record.outcome),
    )


def _answer(analysis: str, done: Done) -> dict[str, Any]:
    """Return the figures by name: by the analysis's own model, or as they are where its package is not installed."""
    kind = answer_models().get(analysis)
    return done.answer if kind is None else done.read(kind).model_dump(mode="json")


def pages(report: Report) -> Iterator[Page]:
    """Yield one page per analysis without a page of its own."""
    for model in report.models:
        names = dict.fromkeys(record.job.analysis for record in model.manifest.records)
        for name in names:
            if name in DESIGNED:
                continue
            records = model.manifest.of(name)
            title = name.replace("_", " ").capitalize()
            yield Page(
                uri=model.addresses.analysis(name),
                title=f"{title} · {model.title}",
                template="pages/other.md.j2",
                context={"model": model, "name": title, "views": [record_view(model, record) for record in records]},
                sources=tuple(record.key for record in records),
                nav=(model.title, "More analyses"),
                nav_title=title,
                wide=True,
                finder=Found(title, f"analysis of {model.title}", name),
            )
