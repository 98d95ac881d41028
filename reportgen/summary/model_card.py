"""A card of an audited network for the Hugging Face Hub (https://huggingface.co/docs/hub/model-cards)."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from reportgen.audit.checks import checks
from reportgen.audit.verdicts import WORST_FIRST
from reportgen.outputs.model import STATE_WORDS
from reportgen.outputs.yaml_text import yaml_text
from reportgen.pages.citing import citation_of
from reportgen.pages.findings import shown_findings
from reportgen.pages.model_tables import published_row
from reportgen.pages.report import ModelView, Report
from reportgen.reading.format import count
from reportgen.records.root_digest import UNSEALED

MODEL_CARD = "model-card.md"

_LICENCES = frozenset(
    {
        "apache-2.0",
        "mit",
        "bsd",
        "bsd-2-clause",
        "bsd-3-clause",
        "gpl-2.0",
        "gpl-3.0",
        "lgpl-3.0",
        "agpl-3.0",
        "mpl-2.0",
    }
    | {"cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "unlicense", "isc", "bsl-1.0"}
)
"""Licences that the Hub knows by these names."""

_SIGNS = re.compile(r"[\\`*_{}\[\]<>#|~$&]|^[-+=]")
_NUMBERED = re.compile(r"^(\d+)([.)])")
"""What Markdown reads anywhere, or as a list or a line where a paragraph begins with it."""


def model_card(report: Report, model: ModelView) -> str:
    """Return the card: front matter for the Hub, and what the report found, as Markdown."""
    return f"---\n{yaml_text(_front(model))}---\n\n{_body(report, model)}"


def _front(model: ModelView) -> dict[str, Any]:
    licence = model.run.weights.licence
    known = (licence or "").lower()
    facts: dict[str, Any] = {}
    if known in _LICENCES:
        facts["license"] = known
    elif licence:
        facts |= {"license": "other", "license_name": re.sub(r"[^a-z0-9.]+", "-", known).strip("-") or "other"}
    facts["library_name"] = "pytorch"
    if model.has_classes:
        facts["pipeline_tag"] = "video-classification"
    facts["tags"] = ["3d-convolution", "video", "interpretability", "audit", "reportgen"]
    facts["model_name"] = model.title
    return facts


def _body(report: Report, model: ModelView) -> str:
    card, weights = model.run.card, model.run.weights
    parts = [f"# {_text(model.title)}", _text(card.summary)]
    if weights.untrained:
        parts.append("**Untrained weights:** nothing that the report shows of this network was learned from data.")
    clip = card.clip
    rows = [
        ("Architecture", card.title),
        ("Input", f"clips of {clip.frames} frames of {clip.width}×{clip.height} px"),
        ("Classes", count(card.classes) if card.classes else "none"),
        ("Parameters", count(card.parameters) if card.parameters else ""),
        ("Weights", "untrained" if weights.untrained else f"SHA-256 {weights.digest()}"),
        ("Trained on", weights.trained_on or ""),
        *(published_row(name, value) for name, value in card.figures.items()),
    ]
    parts.append(_table("Fact", "Value", rows))
    states = Counter(row.state for row in checks(model))
    told = ", ".join(f"{count(states[state])} {STATE_WORDS[state]}" for state in WORST_FIRST if states[state])
    parts += ["## Audit", f"An audit by reportgen judged it by {count(sum(states.values()))} checks: {told}."]
    parts += [
        f"- **{one.title}** ({STATE_WORDS[one.finding.state]}): {_text(one.finding.sentence)}"
        for one in shown_findings(model)
    ]
    doubts = [row for row in checks(model) if row.state in ("fail", "warn")]
    if doubts:
        parts += ["## Limitations", "Checks that it does not pass:"]
        parts += [
            f"- {_text(row.name)} ({row.word}): {_text(row.figure)}; asked for is {_text(row.threshold)}."
            for row in doubts
        ]
    parts += ["## The report", f"Root digest of the report: `{UNSEALED}`."]
    if not report.anonymous:
        parts.append(f"```bibtex\n{citation_of(report, UNSEALED).bibtex.replace('```', '')}\n```")
    return "\n\n".join(filter(None, parts)) + "\n"


def _table(name: str, value: str, rows: list[tuple[str, str]]) -> str:
    lines = [f"| {_text(one)} | {_text(other)} |" for one, other in rows if other]
    return "\n".join((f"| {name} | {value} |", "| --- | --- |", *lines))


def _text(text: str) -> str:
    """Return text in one line in which Markdown reads no sign."""
    return _NUMBERED.sub(r"\1\\\2", _SIGNS.sub(lambda sign: f"\\{sign[0]}", " ".join(text.split())))
