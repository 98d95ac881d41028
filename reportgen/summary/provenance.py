"""Provenance of a summary: networks, weights, clips, program and date, and how the report is cited."""

from __future__ import annotations

from reportgen.outputs.model import Column, DocumentBlock, FactList, Prose, Section, Table, columns
from reportgen.pages.citing import citation_of
from reportgen.pages.provenance_tables import analyses_table
from reportgen.pages.report import ModelView, Report
from reportgen.reading.excerpt import Excerpt
from reportgen.reading.format import count, duration

_INPUTS = 8
"""Digests of clips that are listed of one network, at most."""


def provenance_part(report: Report, root_digest: str | None) -> Section:
    """Return where all figures come from; `root_digest` is that of the site, where it is known."""
    blocks: list[DocumentBlock] = []
    parts: list[Section] = []
    for model in report.models:
        own: list[DocumentBlock] = [_run_facts(model), analyses_table(model)]
        own += [_inputs(model, _INPUTS)] if model.run.clips else []
        if len(report.models) == 1:
            blocks += own
        else:
            parts.append(Section(model.addresses.provenance, model.title, tuple(own[:1])))
    cited = [] if report.anonymous else [Prose(citation_of(report).sentence)]
    if report.anonymous:
        cited.append(Prose("An anonymous copy of the report: what tells who made it is left out."))
    if root_digest:
        cited.append(
            Prose(
                f"Root digest of the report: {root_digest}. It tells this report from every changed one; reportgen "
                "verify compares a report with it."
            )
        )
    parts.append(Section("index.md#cite", "This copy" if report.anonymous else "Cite this report", tuple(cited)))
    return Section(report.models[0].addresses.provenance, "Provenance", tuple(blocks), tuple(parts))


def _run_facts(model: ModelView) -> FactList:
    run, card = model.run, model.run.card
    env, weights = run.environment, run.weights
    source = "untrained" if weights.untrained else weights.source or weights.file or "not known"
    rows = (
        ("Network", f"{card.title} ({card.name})"),
        ("Weights", source + (", of unknown origin" if weights.of_unknown_origin else "")),
        ("Digest of the weights", weights.digest()),
        ("Licence of the weights", weights.licence or "not known"),
        ("Trained on", weights.trained_on or "not known"),
        ("Computed", f"{run.started[:10]}{'' if run.finished else ', not finished'}, in {duration(run.seconds)}"),
        ("Program", f"reportgen {env.reportgen}{f', commit {env.commit[:12]}' if env.commit else ''}"),
        ("Libraries", f"torch {env.torch}, numpy {env.numpy}, Python {env.python}"),
        ("Device", f"{env.device}, {env.threads} threads"),
        ("Seeds", ", ".join(map(str, sorted({record.job.seed for record in model.manifest.records}))) or "none"),
    )
    return FactList("run", tuple((name, value) for name, value in rows if value))


def _inputs(model: ModelView, most: int) -> Table:
    """Return the digests of the clips that the report is about, and of the first reference clips."""
    clips = sorted(model.run.clips, key=lambda clip: clip.reference)
    shown = Excerpt.of(clips, most)
    told = tuple(
        (f"{clip.title}{' (reference)' if clip.reference else ''}", f"{count(clip.frames)} frames", clip.sha256)
        for clip in shown
    )
    heads = columns("Clip", "Length", Column("SHA-256", "code"))
    return Table("inputs", "Clips", heads, told, "", shown.left_out, "on the site's page of provenance")
