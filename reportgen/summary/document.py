"""The summary as one document: findings, audit, results, pyramids, maps, motion, methods and provenance."""

from __future__ import annotations

from reportgen.errors import RenderError
from reportgen.outputs.model import Column, DocumentBlock, Prose, Reference, ReportDocument, Section, Table, columns
from reportgen.pages.citing import citation_of
from reportgen.pages.findings import shown_findings
from reportgen.pages.report import ModelView, Report
from reportgen.summary.maps import maps_part
from reportgen.summary.methods import methods_part
from reportgen.summary.motion import motion_part
from reportgen.summary.opening import audit_part, findings_part
from reportgen.summary.provenance import provenance_part
from reportgen.summary.pyramids import pyramids_part
from reportgen.summary.results import results_part
from reportgen.summary.shares import MOST_NETWORKS, Shares, shares_of
from reportgen.wording import option


def summary_of(report: Report, root_digest: str | None = None) -> ReportDocument:
    """Return the summary of a report; `root_digest` is that of its site, where it is known.

    Raises RenderError for a report of no network.
    """
    if not report.models:
        raise RenderError(
            f"There is no run to show: compute one first, or name another folder with {option('--runs')}."
        )
    shown = report.models[:MOST_NETWORKS]
    share = shares_of(len(report.models))
    own = [(model, _parts(model, share)) for model in shown]
    warnings = tuple(_warnings(report))
    if len(report.models) == 1:
        first, *rest = own[0][1]
        sections = [Section(first.address, first.title, (*warnings, *first.blocks)), *rest]
    else:
        sections = [_networks(report, warnings)]
        sections += [Section(model.addresses.home, model.title, parts=tuple(parts)) for model, parts in own]
    citation = citation_of(report)
    found = [one.finding.sentence for model in shown for one in shown_findings(model)]
    return ReportDocument(
        citation.title,
        (*sections, methods_part(report), provenance_part(report, root_digest)),
        f"Summary of a generated report, {citation.date}, {citation.program}"
        f"{'; an anonymous copy' if report.anonymous else ''}",
        next(iter(found), ""),
    )


def _parts(model: ModelView, share: Shares) -> list[Section]:
    found = (
        findings_part(model),
        audit_part(model, share),
        results_part(model, share),
        pyramids_part(model, share),
        maps_part(model, share),
        motion_part(model, share),
    )
    return [section for section in found if section]


def _warnings(report: Report) -> list[Prose]:
    """Return what must be said before anything else: that only a part is shown, and which weights are untrained."""
    found = []
    if report.selected:
        found.append(
            f"A part of the report. It shows, and its audit judges, only what {', '.join(report.selected)} selects."
        )
    if report.untrained:
        several = len(report.untrained) > 1
        found.append(
            f"Untrained weights. {', '.join(model.title for model in report.untrained)}: nothing that is shown of "
            f"{'them' if several else 'it'} was learned from data; {'their' if several else 'its'} pictures show the "
            "architecture alone."
        )
    return [Prose(text, "warning") for text in found]


def _networks(report: Report, warnings: tuple[DocumentBlock, ...]) -> Section:
    """Return the table of the report's networks."""
    heads = columns("Network", "Architecture", Column("Weights", "code"), Column("Kernels shown", "count"), "Clip")
    told = tuple(
        (
            Reference(model.title, model.addresses.home),
            model.run.card.title,
            "untrained" if model.run.weights.untrained else model.run.weights.digest(12),
            len(model.all_kernels),
            f"{model.run.card.clip.frames}×{model.run.card.clip.height}×{model.run.card.clip.width}",
        )
        for model in report.models
    )
    left = len(report.models) - MOST_NETWORKS
    caption = f"The first {MOST_NETWORKS} are shown below; the site shows all." if left > 0 else ""
    return Section("index.md", "Networks", (*warnings, Table("networks", "Networks", heads, told, caption)))
